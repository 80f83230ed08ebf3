"""What becomes of values outside a domain: by the rule that was declared, exactly, alike in every format, and counted."""

from datetime import date, datetime, time
from decimal import Decimal
from math import inf, isinf, nextafter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from written_tables import beside, declared, outcome, report, upload, written

from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.intake.uploads import ARROW_FILE, ARROW_STREAM, CSV, PARQUET

ALL = (CSV, PARQUET, ARROW_STREAM, ARROW_FILE)
OUT, NOT, GAP = "value-outside-domain", "value-unreadable", "value-missing"
NARROW: dict[str, dict[str, Any]] = {
    "categorical": {"kind": "categorical", "categories": ["a", "b", "other"]},
    "integer": {"kind": "integer", "minimum": -10, "maximum": 30},
    "number": {"kind": "number", "minimum": -1.5, "maximum": 1e3},
    "decimal": {"kind": "decimal", "minimum": "-10.25", "maximum": "1000.50"},
    "date": {"kind": "date", "minimum": "1990-02-01", "maximum": "2020-02-29"},
    "timestamp": {"kind": "timestamp", "minimum": "1990-01-01T00:00:01", "maximum": "2020-12-31T23:59:58"},
    "time": {"kind": "time", "minimum": "08:00:00", "maximum": "17:30:00"},
}
ENDS: dict[str, tuple[Any, Any]] = {
    "integer": (-10, 30),
    "number": (-1.5, 1000.0),
    "decimal": (Decimal("-10.25"), Decimal("1000.50")),
    "date": (date(1990, 2, 1), date(2020, 2, 29)),
    "timestamp": (datetime(1990, 1, 1, 0, 0, 1), datetime(2020, 12, 31, 23, 59, 58)),  # noqa: DTZ001
    "time": (time(8), time(17, 30)),
}
SECONDS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda one: one.replace(microsecond=0))  # noqa: DTZ001
VALUES: dict[str, list[tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    "categorical": [(pa.string(), st.sampled_from(["a", "b", "c", "other", "null", "refuse", " a"]))],
    "integer": [
        (pa.int64(), st.integers(-(2**63), 2**63 - 1) | st.integers(-12, 32)),
        (pa.uint64(), st.integers(0, 2**64 - 1)),
        (pa.float64(), st.integers(-(2**53), 2**53).map(float) | st.sampled_from([1e19, -1e300, inf, -inf])),
    ],
    "number": [
        (pa.float64(), st.floats(allow_nan=False, allow_infinity=True) | st.floats(-2, 1001)),
        (pa.decimal128(30, 3), st.decimals(-(10**25), 10**25, places=3)),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    ],
    "decimal": [
        (pa.decimal128(38, 2), st.decimals(-(10**30), 10**30, places=2) | st.decimals(-11, 1001, places=2)),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    ],
    "date": [(pa.date32(), st.dates())],
    "timestamp": [(pa.timestamp("us"), SECONDS)],
    "time": [(pa.time64("us"), st.times().map(lambda one: one.replace(microsecond=0)))],
}


def by_rule(kind: str, value: Any, rule: str) -> Any:
    """A value as its rule leaves it; ``refused`` where it does not. Nothing of the house computes it."""
    if value is None:
        return None
    if kind == "categorical":
        return value if value in {"a", "b", "other"} else {"null": None, "refuse": "refused"}.get(rule, rule)
    if kind == "decimal":
        value = Decimal(value)
    if kind == "number" and isinstance(value, Decimal):
        value = float(value)
    low, high = ENDS[kind]
    if low <= value <= high:
        return value
    if rule == "refuse" or (rule == "nearest" and isinstance(value, float) and isinf(value)):
        return "refused"
    return None if rule == "null" else low if value < low else high


@st.composite
def ruled_columns(draw: st.DrawFn) -> tuple[str, str, pa.Array]:
    kind = draw(st.sampled_from(sorted(VALUES)))
    rule = draw(st.sampled_from(["refuse", "null", "other" if kind == "categorical" else "nearest"]))
    type_, values = draw(st.sampled_from(VALUES[kind]))
    return kind, rule, pa.array(draw(st.lists(st.none() | values, min_size=2, max_size=8)), type_)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ruled_columns())
def test_a_rule_is_kept_exactly_and_alike_in_every_format(made: tuple[str, str, pa.Array]) -> None:
    kind, rule, array = made
    declaration = declared(NARROW[kind], **{"unlisted" if kind == "categorical" else "outside": rule})
    expected = [by_rule(kind, value, rule) for value in array.to_pylist()]
    refused = [row for row, value in enumerate(expected, start=1) if value == "refused"]
    for media_type in ALL:
        content = written(beside(array), media_type)
        found = outcome(content, declaration, media_type)
        if refused:
            assert found == [(OUT, "x", len(refused), refused[:5])], media_type
            continue
        assert found == expected, media_type
        changed = sum(by_rule(kind, value, "refuse") == "refused" for value in array.to_pylist())
        assert report(content, declaration, media_type).replaced == ({"x": changed} if changed else {})


def of(array: pa.Array, domain: dict[str, Any], media_type: str = PARQUET, **rule: str) -> Any:
    return outcome(written(beside(array), media_type), declared(domain, **rule), media_type)


def test_the_ends_themselves_are_inside_and_their_neighbours_are_not() -> None:
    numbers = pa.array([-1.5, nextafter(-1.5, -inf), 1e3, nextafter(1e3, inf)])
    declaration = declared(NARROW["number"], outside="nearest")
    assert of(numbers, NARROW["number"], outside="nearest") == [-1.5, -1.5, 1e3, 1e3]
    assert report(written(beside(numbers), PARQUET), declaration, PARQUET).replaced == {"x": 2}


def test_what_no_double_holds_lies_on_its_side() -> None:
    declaration = declared(NARROW["number"], outside="nearest")
    assert outcome(b"x,n\n1e400,0\n-1e400,0\n1,0\n", declaration, CSV) == [1e3, -1.5, 1.0]


def test_zero_as_a_bound_has_no_sign() -> None:
    found = of(pa.array([-5.0, 1.0]), {"kind": "number", "minimum": -0.0, "maximum": 9}, outside="nearest")
    assert [str(value) for value in found] == ["0.0", "1.0"]


@pytest.mark.parametrize("media_type", ALL)
def test_an_infinity_has_no_nearest_bound_and_nan_is_missing(media_type: str) -> None:
    infinite = pa.array([inf, 1.0, -inf])
    assert of(infinite, NARROW["number"], media_type, outside="nearest") == [(OUT, "x", 2, [1, 3])]
    assert of(infinite, NARROW["number"], media_type, outside="null") == [None, 1.0, None]
    nan = written(beside(pa.array([float("nan"), 2000.0])), media_type)
    assert outcome(nan, declared(NARROW["number"], nullable=False, outside="nearest"), media_type) == [
        (GAP, "x", 1, [1])
    ]
    found = report(nan, declared(NARROW["number"], outside="null"), media_type).columns[0]
    assert (found.missing, found.replaced, found.rule) == (1, 1, "null")


@pytest.mark.parametrize("rule", ["nearest", "null"])
def test_what_is_no_value_is_refused_whatever_the_rule(rule: str) -> None:
    years = pa.array([2**31 - 1, -(2**31), 0], pa.date32())
    assert of(years, {"kind": "date", "minimum": "1960-01-01", "maximum": "1980-01-01"}, outside=rule) == [
        (NOT, "x", 2, [1, 2])
    ]
    for cell in ("secret", "1.5", "--3"):
        declaration = declared(NARROW["integer"], outside=rule)
        assert outcome(f"x,n\n{cell},0\n1,0\n".encode(), declaration, CSV) == [(NOT, "x", 1, [1])], cell
    assert of(pa.array([Decimal("2000.505"), Decimal(1)]), NARROW["decimal"], outside=rule) == [(NOT, "x", 1, [1])]


def test_no_rule_is_used_where_none_is_declared() -> None:
    assert of(pa.array([31, 5]), NARROW["integer"]) == [(OUT, "x", 1, [1])]
    assert of(pa.array(["c", "a"]), NARROW["categorical"]) == [(OUT, "x", 1, [1])]
    odd = {"kind": "categorical", "categories": ["refuse", "a"]}
    assert of(pa.array(["c", "a"]), odd, unlisted="refuse") == [(OUT, "x", 1, [1])], "refuse always refuses"


def test_a_batch_is_replaced_as_the_whole_table_is() -> None:
    lines = [str(value % 50) for value in range(150_000)]
    content = ("x,n\n" + "".join(f"{line},0\n" for line in lines)).encode()
    declaration = declared(NARROW["integer"], outside="nearest")
    kept = pa.concat_tables(upload(content, declaration).tables())["x"].to_pylist()
    assert kept == [min(value % 50, 30) for value in range(150_000)]
    assert report(content, declaration).replaced == {"x": 150_000 * 19 // 50}


def related(**rule: str) -> SourceDeclaration:
    ends = {"kind": "integer", "minimum": 0, "maximum": 10}
    columns = [{"name": name, "domain": ends, "nullable": True} | rule for name in ("start", "end")]
    relations = [{"left": "start", "relation": "<", "right": "end"}]
    return SourceDeclaration.model_validate(
        {"name": "s", "description": "d", "population_id": "0" * 32, "columns": columns, "constraints": relations}
    )


def test_relations_are_held_against_rows_as_they_are_kept() -> None:
    content = b"start,end\n11,12\n1,2\n3,3\n-4,20\n,1\n"
    moved = report(content, related(outside="nearest"))
    assert [(one.relation, one.rows) for one in moved.broken] == [("start < end", 2)], "11 < 12 are both 10"
    assert moved.fits
    assert [(one.relation, one.rows) for one in report(content, related(outside="null")).broken] == [("start < end", 1)]
    refused = report(content, related())
    assert not refused.fits


# --- what may be declared -------------------------------------------------------------------------------


def column(kind: str, **said: Any) -> Column:
    return Column.model_validate({"name": "x", "domain": NARROW[kind]} | said)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("integer", {"outside": "null"}),
        ("categorical", {"unlisted": "null"}),
        ("categorical", {"unlisted": "elsewhere"}),
        ("categorical", {"outside": "nearest", "nullable": True}),
        ("number", {"unlisted": "a"}),
        ("number", {"unlisted": "null", "nullable": True}),
        ("number", {"outside": "furthest"}),
    ],
)
def test_a_rule_must_fit_its_column(kind: str, said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        column(kind, **said)


def test_a_word_of_the_rule_that_is_a_category_too_is_refused() -> None:
    domain = {"kind": "categorical", "categories": ["null", "a"]}
    with pytest.raises(ValidationError, match="both"):
        Column.model_validate({"name": "x", "domain": domain, "nullable": True, "unlisted": "null"})


def test_text_and_what_is_to_be_measured_have_no_rule() -> None:
    for domain, role in (({"kind": "text"}, "identifier"), ({"kind": "unmeasured", "of": "number"}, "plain")):
        with pytest.raises(ValidationError):
            Column.model_validate({"name": "x", "domain": domain, "role": role, "nullable": True, "outside": "null"})


def test_who_owns_a_row_and_where_it_belongs_is_never_replaced() -> None:
    columns = [
        {"name": "id", "domain": {"kind": "text", "replacement": "uuid"}, "role": "identifier"},
        {"name": "unit", "domain": NARROW["integer"], "outside": "nearest"},
        {"name": "part", "domain": NARROW["categorical"], "unlisted": "other"},
        {"name": "visit", "domain": NARROW["integer"], "outside": "nearest"},
    ]
    body = {"name": "s", "description": "d", "population_id": "0" * 32, "columns": columns}
    SourceDeclaration.model_validate(body)
    for held in (
        {"privacy_unit": {"column": "unit", "maximum_rows": 2}},
        {"partition_column": "part"},
        {"sequence": {"column": "id", "order": "visit"}},
    ):
        with pytest.raises(ValidationError, match="whose a row is"):
            SourceDeclaration.model_validate(body | held)
