"""What each format says of one and the same table, and that whatever else comes is refused in words."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer_shared.drafting.facts import Said
from moneyer_shared.drafting.formats import FORMATS, read_document
from moneyer_shared.drafting.given import LARGEST_DOCUMENT, MOST_COLUMNS, Given
from moneyer_shared.errors import MoneyerError

HERE = Path(__file__).parent / "drafts"
FILES = sorted(path.name for path in HERE.iterdir() if path.name.startswith("visits."))
NO_BOUNDS = {"visits.croissant.json"}
"""Croissant's fields have types and lists, and no bounds."""


def document(name: str) -> Given:
    return Given(name, (HERE / name).read_bytes())


def visits(given: Given) -> dict[str, Said]:
    tables = read_document(given)
    table = next(table for table in tables if table.name in {"visits", ""})
    return {column.name: column for column in table.columns}


@pytest.mark.parametrize("name", FILES)
def test_every_format_says_the_same_of_the_same_table(name: str) -> None:
    told = visits(document(name))
    assert list(told) == ["patient_id", "age", "sex", "bmi", "visited", "smokes"]
    assert [told[one].kind for one in ("age", "bmi")] == ["integer", "number"]
    assert told["patient_id"].kind == "text"
    assert told["visited"].kind == ("timestamp" if "pandera" in name else "date")
    assert (told["sex"].kind, told["sex"].categories) == ("categorical", ("F", "M"))
    assert told["smokes"].categories == ("false", "true")
    assert told["patient_id"].words == "Study number"
    if name not in NO_BOUNDS:
        assert (told["age"].minimum, told["age"].maximum) == ("0", "110")
        assert [float(end or "nan") for end in (told["bmi"].minimum, told["bmi"].maximum)] == [10, 80]
    if name not in {*NO_BOUNDS, "visits.jsonschema.json"}:
        ends = [(end or "")[:10] for end in (told["visited"].minimum, told["visited"].maximum)]
        assert ends == ["2020-01-01", "2024-12-31"]


@pytest.mark.parametrize("name", FILES)
def test_what_may_be_missing_is_what_is_not_said_to_be_required(name: str) -> None:
    told = visits(document(name))
    if name in NO_BOUNDS | {"visits.codebook.csv"}:
        assert told["age"].nullable is None
    else:
        assert told["age"].nullable is False
        assert told["bmi"].nullable is True


def test_there_is_a_file_of_every_format() -> None:
    taken = {next(one.name for one in FORMATS if one.fits(document(name))) for name in FILES}
    assert taken == {one.name for one in FORMATS} - {"Arrow or Parquet schema"}


def test_a_codes_meaning_and_codes_of_what_is_missing_are_no_categories() -> None:
    assert visits(document("visits.codebook.csv"))["sex"].categories == ("F", "M")


SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False, metadata={"description": "Study number"}),
        pa.field("sex", pa.dictionary(pa.int8(), pa.string())),
        pa.field("paid", pa.decimal128(12, 2)),
        pa.field("at", pa.timestamp("ms")),
        pa.field("well", pa.bool_()),
    ]
)
ROWS = {"id": [1, 2], "sex": ["SECRET-F", "SECRET-M"], "paid": [None, None], "at": [None, None], "well": [True, None]}


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.schema"])
def test_a_columnar_files_schema_is_read_and_no_value_of_it(name: str) -> None:
    table, sink = pa.table(ROWS, schema=SCHEMA), io.BytesIO()
    if name == "t.parquet":
        pq.write_table(table, sink)
    elif name == "t.arrow":
        with pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_table(table)
    else:
        sink.write(SCHEMA.serialize().to_pybytes())
    (told,) = read_document(Given(name, sink.getvalue()))
    assert [column.kind for column in told.columns] == ["integer", "text", "decimal", "timestamp", "categorical"]
    assert (told.columns[2].scale, told.columns[0].nullable, told.columns[1].nullable) == (2, False, None)
    assert told.columns[0].words == "Study number"
    assert "SECRET" not in repr(told)


MYSQL = """
CREATE TABLE `p` (`id` int unsigned NOT NULL AUTO_INCREMENT COMMENT 'number', `sex` enum('m','f') DEFAULT NULL,
  `d` datetime, note varchar(255), PRIMARY KEY (`id`)) ENGINE=InnoDB;
"""
CHECKS = """
CREATE TABLE t (a int CHECK (a >= -5 AND 10 >= a), b int, c date, d date,
  e text CHECK (e IN ('x', 'y') AND length(e) > 0), f int CHECK (f > 0 OR f < -10), g numeric(6,3) REFERENCES u(id),
  CONSTRAINT ordered CHECK (c <= d), CHECK (NOT (b BETWEEN 1 AND 2)), PRIMARY KEY (a, b));
"""


def test_sql_of_another_dialect() -> None:
    (table,) = read_document(Given("m.sql", MYSQL.encode()))
    told = {column.name: column for column in table.columns}
    assert told["sex"].categories == ("m", "f")
    assert (told["id"].unique, told["id"].words, told["note"].longest, told["d"].kind) == (
        True, "number", 255, "timestamp",
    )  # fmt: skip


def test_checks_are_taken_apart_at_their_ands_alone() -> None:
    (table,) = read_document(Given("c.sql", CHECKS.encode()))
    told = {column.name: column for column in table.columns}
    assert (told["a"].minimum, told["a"].maximum) == ("-5", "10")
    assert told["e"].categories == ("x", "y")
    assert (told["f"].minimum, told["f"].maximum, told["b"].minimum) == (None, None, None), "an OR or a NOT is no bound"
    assert table.constraints == (("c", "<=", "d"),)
    assert (table.key, told["a"].unique, told["a"].nullable) == (("a", "b"), False, False)
    assert (told["g"].refers_to, told["g"].kind, told["g"].scale) == ("u", "decimal", 3)


def test_checks_in_older_and_newer_words_of_pandera() -> None:
    older = {
        "schema_type": "dataframe",
        "columns": {
            "a": {"dtype": "int64", "checks": {"in_range": {"min_value": 0, "max_value": 9}}},
            "b": {"dtype": "string", "checks": {"isin": ["x"]}},
        },
    }
    newer = {
        "schema_type": "dataframe",
        "columns": {
            "a": {
                "dtype": "int64",
                "checks": [{"min_value": 0, "max_value": 9, "options": {"check_name": "in_range"}}],
            },
            "b": {"dtype": "string", "checks": [{"value": ["x"], "options": {"check_name": "isin"}}]},
        },
    }
    for written in (older, newer):
        (table,) = read_document(Given("p.json", json.dumps(written).encode()))
        assert (table.columns[0].minimum, table.columns[0].maximum, table.columns[1].categories) == ("0", "9", ("x",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.sql", b"SELECT 1"),
        ("a.sql", b"CREATE TABLE"),
        ("a.sql", b"("*5000),
        ("a.sql", b"CREATE TABLE t (a int, a int)"),
        ("a.sql", b"\xff\xfe"),
        ("a.sql", b"CREATE TABLE t (a int)\x00"),
        ("a.yaml", b"a: &x 1\nb: *x"),
        ("a.yaml", b"schema_type: d\nschema_type: e"),
        ("a.json", b'{"properties": {}}'),
        ("a.json", b'{"properties": {"a": {"$ref": "#/properties/a"}}, "properties": {}}'),
        ("a.json", b"[" * 200),
        ("a.csv", b"x,y\n1,2"),
        ("a.parquet", b"PAR1 and no more"),
        ("a.arrow", b"ARROW1"),
        ("a.txt", b"words"),
        ("a.json", b" " * (LARGEST_DOCUMENT + 1)),
        ("a.csv", b"variable,label\n" + b"\n".join(b"c%d,x" % i for i in range(MOST_COLUMNS + 1))),
        ("a.csv", b"variable,label\n" + b"n" * 121 + b",x"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_in_words(name: str, content: bytes) -> None:
    with pytest.raises(MoneyerError) as refusal:
        read_document(Given(name, content))
    assert refusal.value.status in {413, 422}
    assert len(str(refusal.value)) > 20


def test_a_reference_to_itself_ends() -> None:
    whole = {"properties": {"a": {"$ref": "#/properties/a"}, "b": {"type": "integer", "minimum": 0, "maximum": 1}}}
    (table,) = read_document(Given("a.json", json.dumps(whole).encode()))
    assert [column.kind for column in table.columns] == [None, "integer"]


NAMES = st.sampled_from(
    ["fields", "schema", "kind", "properties", "items", "type", "enum", "columns", "schema_type", "recordSet", "field", "name",
     "constraints", "checks", "data", "required", "$ref", "anyOf", "minimum", "isin", "value", "quality", "resources", "x"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["DataContract", "string", "integer", "#/properties", "a", "", "0", "cr:RecordSet", "sc:Enumeration"]
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)


@settings(max_examples=300)
@given(JSONS)
def test_any_document_is_read_or_refused(value: Any) -> None:
    try:
        for table in read_document(Given("a.json", json.dumps(value).encode())):
            assert table.columns
    except MoneyerError as refusal:
        assert refusal.status in {413, 422}


@settings(max_examples=100)
@given(st.text(max_size=200), st.sampled_from([".sql", ".csv", ".yaml"]))
def test_any_text_is_read_or_refused(text: str, suffix: str) -> None:
    beginning = {".sql": "CREATE TABLE t (a int ", ".csv": "variable,label\n", ".yaml": "schema_type: x\ncolumns: "}
    try:
        read_document(Given(f"a{suffix}", (beginning[suffix] + text).encode("utf-8", "replace")))
    except MoneyerError as refusal:
        assert refusal.status in {413, 422}
