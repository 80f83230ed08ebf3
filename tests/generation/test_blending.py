"""Real rows among synthetic ones: exact shares, each real row once, no guarantee whatever engine made the rest."""

from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from generation.test_shaping import DECLARATION, NONE, UNINSURED, WOMEN, Model
from generation.test_suppression import plan
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from moneyer_generation.generators.assembly import Asked, assemble
from moneyer_generation.generators.blending import real_rows
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.dressing import dress
from moneyer_generation.generators.shaping import ShapeUnreachable
from moneyer_generation.planning.orders import check_order, earned_when_blended
from moneyer_shared.contracts.shape import Blend
from moneyer_shared.errors import Invalid

REAL_AGE = 18


def real(rows: int = 400) -> pa.Table:
    """Real rows are 18 years old and tell each other apart by their visits."""
    table = Model().sample(rows, 99)
    table = table.set_column(2, table.schema.field("age"), pa.array(np.full(rows, REAL_AGE)))
    return table.set_column(3, table.schema.field("visits"), pa.array(np.linspace(0, 20, rows)))


class Older(Model):
    """Whoever a model makes up is older."""

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        table = super().sample(rows, seed)
        return table.set_column(2, table.schema.field("age"), pa.array(np.full(rows, 50)))


def blended(rows: int = 200, source: pa.Table | None = None, **asked: Any) -> tuple[pa.Table, dict[str, Any]]:
    job = {"rows": rows, "seed": 5} | asked
    return assemble(Older(), Asked.of(job, DECLARATION), lambda: real() if source is None else source)


def test_the_share_is_met_to_the_row_and_no_real_row_comes_twice() -> None:
    table, report = blended(blend={"share": "0.3", "provenance_column": "origin"})
    rows = table.to_pylist()
    origins = [row["origin"] for row in rows]
    assert (origins.count("real"), origins.count("synthetic")) == (60, 140)
    assert all((row["age"] == REAL_AGE) == (row["origin"] == "real") for row in rows)
    visits = [row["visits"] for row in rows if row["origin"] == "real"]
    assert len(set(visits)) == 60
    assert report["blend"]["real_rows"] == 60
    assert origins != sorted(origins), "they lie among one another"
    assert "origin" not in blended(blend={"share": "0.3"})[0].column_names


def test_the_real_rows_have_a_shape_of_their_own() -> None:
    strata = [{"name": "women", "where": [WOMEN], "share": "0.5"}]
    table, report = blended(
        blend={"share": "0.2", "shape": {"where": [UNINSURED], "strata": strata}}, shape=None, rows=40
    )
    taken = [row for row in table.to_pylist() if row["age"] == REAL_AGE]
    assert len(taken) == 8
    assert all(row["insured"] == "no" for row in taken)
    assert sum(row["sex"] == "f" for row in taken) == 4
    assert {part["name"]: part["made"] for part in report["blend"]["strata"]} == {"women": 4, "rest": 4}


def test_rare_real_rows_are_left_out_as_rare_made_ones_are() -> None:
    table, report = blended(
        rows=100, blend={"share": "0.4"}, suppression={"rare": [{"columns": ["sex", "insured"], "fewer_than": 7}]}
    )
    rows = table.to_pylist()
    counts = [
        sum((row["sex"], row["insured"], row["age"] == REAL_AGE) == (sex, insured, is_real) for row in rows)
        for sex in "fm" for insured in ("no", "yes", None) for is_real in (True, False)
    ]  # fmt: skip
    assert min(count for count in counts if count) >= 7
    assert report["blend"]["suppression"]
    assert report["suppression"]


def test_too_few_real_rows_end_with_that_reason() -> None:
    with pytest.raises(ShapeUnreachable, match="too few such rows"):
        blended(rows=2000, blend={"share": "0.5", "shape": {"where": [WOMEN]}})


@given(st.integers(2, 10**7), st.decimals("0.001", "0.999", places=3))
def test_a_share_is_the_nearest_whole_number_of_rows(rows: int, share: Any) -> None:
    found = real_rows(rows, Blend(share=str(share)))
    assert 1 <= found <= rows
    assert abs(found - rows * share) <= 1


def test_a_dressed_table_names_the_origin_last() -> None:
    table, _ = blended(blend={"share": "0.3", "provenance_column": "origin"})
    dressed = dress(table, DECLARATION, 1, "origin")
    assert dressed.column_names == [*(column.name for column in DECLARATION.made), "origin"]


def test_real_rows_earn_nothing_whatever_made_the_others() -> None:
    assert earned_when_blended(DECLARATION).level == "none"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"blend": {"share": "0.5"}, "model": str(uuid4())}, "blend-of-model"),
        ({"blend": {"share": "0.5", "provenance_column": "age"}}, "column-taken"),
        ({"blend": {"share": "0.9"}, "rows": 1}, "blend-impossible"),
        ({"blend": {"share": "0.5", "shape": {"where": [{"column": "height", "minimum": "1"}]}}}, "column-unknown"),
        (
            {
                "blend": {
                    "share": "0.5",
                    "shape": {"where": [WOMEN, {"column": "age", "minimum": "50", "maximum": "50"}]},
                }
            },
            "unsafe",
        ),
        (
            {
                "blend": {"share": "0.5", "shape": {"strata": [{"name": "s", "where": [WOMEN], "share": "0.5"}]}},
                "suppression": {"k": 2},
            },
            "suppression-with-strata",
        ),
    ],
)
def test_a_blend_that_cannot_be_is_refused(changes: dict[str, Any], code: str) -> None:
    asked = plan(**changes)
    with pytest.raises(Invalid) as refused:
        check_order(asked, engine_named(asked.generator), DECLARATION, NONE)
    assert refused.value.problem_code == code


@pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.1", "half"])
def test_a_share_is_a_part(share: str) -> None:
    with pytest.raises(ValidationError):
        Blend.model_validate({"share": share})
