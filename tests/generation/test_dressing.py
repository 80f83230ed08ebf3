"""What goes into an engine is plain, and what comes out of the house is as declared."""

import json
import subprocess
import sys
from base64 import b64encode
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from moneyer_generation.generators.dpmm_engines import DpmmFixed, DpmmMst
from moneyer_generation.generators.dressing import dress, invented, plain_shape
from moneyer_generation.generators.protocol import check_source
from moneyer_generation.planning.shapes import check_shape
from moneyer_shared import custody
from moneyer_shared.contracts.domains import TextDomain
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee
from moneyer_shared.contracts.shape import Shape
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema, plain_table

PROVEN = Guarantee(level="proven", unit="one row", statement="s")
DECLARED = SourceDeclaration.model_validate(
    {
        "name": "s",
        "description": "d",
        "population_id": str(UUID(int=0)),
        "columns": [
            {"name": "who", "domain": {"kind": "text", "replacement": "name"}, "role": "identifier"},
            {"name": "file", "domain": {"kind": "text"}, "role": "identifier"},
            {"name": "born", "domain": {"kind": "date", "minimum": "1950-01-01", "maximum": "1999-12-31", "bins": 8}},
            {
                "name": "died",
                "domain": {"kind": "date", "minimum": "1960-01-01", "maximum": "2020-12-31"},
                "nullable": True,
            },
            {"name": "paid", "domain": {"kind": "decimal", "minimum": "0", "maximum": "99.99", "bins": 8}},
            {"name": "owed", "domain": {"kind": "decimal", "minimum": "0", "maximum": "99.9", "scale": 1, "bins": 8}},
        ],
    }
)


def rows(count: int = 300) -> pa.Table:
    made = {
        "who": [f"secret {i}" for i in range(count)],
        "file": [f"file {i}" for i in range(count)],
        "born": [date(1950 + i % 50, 1 + i % 12, 1) for i in range(count)],
        "died": [None if i % 3 else date(2000 + i % 20, 2, 2) for i in range(count)],
        "paid": [Decimal(i % 9999) / 100 for i in range(count)],
        "owed": [Decimal(i % 999) / 10 for i in range(count)],
    }
    return pa.table(made).cast(arrow_schema(DECLARED.columns))


def test_what_was_plain_is_dressed_as_declared() -> None:
    table = rows()
    dressed = dress(plain_table(table, DECLARED), DECLARED, 1)
    assert dressed.schema == arrow_schema(DECLARED.made)
    assert dressed.column_names == ["who", "born", "died", "paid", "owed"], "a text without a replacement is left out"
    learned = ["born", "died", "paid", "owed"]
    assert dressed.select(learned).equals(table.select(learned))
    assert not set(dressed["who"].to_pylist()) & set(table["who"].to_pylist())
    assert dress(plain_table(table, DECLARED), DECLARED, 1).equals(dressed), "the same seed invents the same"


@pytest.mark.parametrize("replacement", ["uuid", "number", "name", "email", "phone", "address", "company"])
def test_invented_texts_fit_their_column(replacement: Any) -> None:
    domain = TextDomain(kind="text", maximum_length=40, replacement=replacement)
    texts = invented(domain, 200, [3]).to_pylist()
    assert all(text and len(text) <= 40 and "\n" not in text for text in texts)
    if replacement in {"uuid", "number"}:
        assert len(set(texts)) == 200
    if replacement == "email":
        assert all(text.split("@")[1].startswith("example.") for text in texts), "nobody's mailbox"


def shape(column: str, **ends: str) -> Shape:
    return Shape.model_validate({"where": [{"column": column, **ends}]})


def test_ends_of_ranges_become_steps() -> None:
    asked = plain_shape(shape("born", minimum="1970-01-02"), DECLARED)
    assert asked.where[0].minimum == "1"
    assert plain_shape(shape("paid", maximum="3.14"), DECLARED).where[0].maximum == "314"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (shape("born", minimum="12"), "condition-kind"),
        (shape("born", minimum="1970-02-30"), "condition-kind"),
        (shape("paid", minimum="1970-01-02"), "condition-kind"),
        (shape("paid", minimum="1.234"), "condition-kind"),
        (shape("born", minimum="2001-01-01"), "condition-impossible"),
        (
            Shape.model_validate({"constraints": [{"left": "born", "relation": "<", "right": "paid"}]}),
            "constraint-kind",
        ),
        (
            Shape.model_validate({"constraints": [{"left": "paid", "relation": "<", "right": "owed"}]}),
            "constraint-kind",
        ),
    ],
)
def test_what_cannot_be_asked_of_exact_values_is_refused(asked: Shape, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_shape(asked, DECLARED, PROVEN)
    assert refused.value.problem_code == code


def test_a_table_too_wide_for_an_engine_is_refused_before_anything_is_paid() -> None:
    wide = [{"name": f"c{i}", "domain": {"kind": "integer", "minimum": 0, "maximum": 1}} for i in range(500)]
    declaration = SourceDeclaration.model_validate(DECLARED.model_dump() | {"columns": wide})
    with pytest.raises(Invalid) as refused:
        check_source(DpmmMst(), declaration)
    assert refused.value.problem_code == "too-many-columns"
    check_source(DpmmFixed(), declaration)


def test_dates_and_money_come_out_of_a_child_as_they_went_in(tmp_path: Path) -> None:
    """Through the real child process: a proven engine, a condition on a date, a relation between two dates."""
    url, key, train = tmp_path.as_uri() + "/objects", bytes(32), rows()
    store, text = custody.open_store(url), b64encode(bytes(32)).decode()
    custody.put_new(store, "train", custody.seal_table(train.to_batches(), train.schema, key, "train"))
    asked = {
        "where": [{"column": "born", "minimum": "1960-01-01"}],
        "constraints": [{"left": "born", "relation": "<", "right": "died"}],
    }
    job = {
        "objects_url": url, "declaration": DECLARED.model_dump(mode="json"), "generator": "dpmm-fixed",
        "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 100}, "rows": 80, "seed": 1, "shape": asked,
        "train_object": "train", "model_object": "model", "asset_object": "asset",
        "source_key": text, "asset_key": text, "model_key": text,
    }  # fmt: skip
    command = [sys.executable, "-m", "moneyer_generation.generators.child"]
    ended = subprocess.run(command, input=json.dumps(job) + "\n", capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(ended.stdout.splitlines()[-1]).get("done", ended.stdout)["rows"] == 80
    made = custody.read_table(store, "asset", key)
    assert made.schema == arrow_schema(DECLARED.made)
    assert all(born >= date(1960, 1, 1) for born in made["born"].to_pylist())
    pairs = zip(made["born"].to_pylist(), made["died"].to_pylist(), strict=True)
    assert all(died is None or born < died for born, died in pairs)
    assert all(0 <= paid <= Decimal("99.99") for paid in made["paid"].to_pylist())
    assert not set(made["who"].to_pylist()) & set(train["who"].to_pylist())
