"""What a file writes where a value is missing: declared, missing in every format alike, and never a value as well."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from written_tables import beside, declared, outcome, report, written

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.intake.uploads import ARROW_FILE, ARROW_STREAM, CSV, PARQUET

ALL = (CSV, PARQUET, ARROW_STREAM, ARROW_FILE)
INTEGER = {"kind": "integer", "minimum": 0, "maximum": 120}
NUMBER = {"kind": "number", "minimum": 0, "maximum": 50}
LABELS = {"kind": "categorical", "categories": ["1", "2"]}
CASES: list[tuple[dict[str, Any], pa.Array, list[str], list[Any]]] = [
    (INTEGER, pa.array([7, -99, None, 0]), ["-99"], [7, None, None, 0]),
    (INTEGER, pa.array([7.0, -99.0]), ["-99"], [7, None]),
    (INTEGER, pa.array(["7", "?", "NA", "-99"]), ["?", "NA", "-99"], [7, None, None, None]),
    (NUMBER, pa.array([1.5, -99.9]), ["-99.9"], [1.5, None]),
    (NUMBER, pa.array([1.5, -99.0]), ["-99"], [1.5, None]),
    (NUMBER, pa.array([".", "2.5"]), ["."], [None, 2.5]),
    (LABELS, pa.array(["1", "9", "2"]), ["9"], ["1", None, "2"]),
    (LABELS, pa.array([1, 9, 2]), ["9"], ["1", None, "2"]),
    (LABELS, pa.array([1.0, 9.0]), ["9"], ["1", None]),
    (
        {"kind": "decimal", "minimum": "0", "maximum": "10"}, pa.array([Decimal("1.25"), Decimal("-1.00")]), ["-1"],
        [Decimal("1.25"), None],
    ),
    (
        {"kind": "date", "minimum": "2000-01-01", "maximum": "2030-12-31"},
        pa.array([date(2020, 2, 29), date(9999, 12, 31)]), ["9999-12-31"], [date(2020, 2, 29), None],
    ),
]  # fmt: skip


@pytest.mark.parametrize("media_type", ALL)
@pytest.mark.parametrize(("domain", "array", "words", "expected"), CASES)
def test_a_missing_value_is_missing_in_every_format(
    domain: dict[str, Any], array: pa.Array, words: list[str], expected: list[Any], media_type: str
) -> None:
    declaration, content = declared(domain, missing_values=words), written(beside(array), media_type)
    assert outcome(content, declaration, media_type) == expected
    (told,) = [one for one in report(content, declaration, media_type).columns if one.name == "x"]
    assert (told.missing, told.faulty) == (expected.count(None), 0)


@given(st.lists(st.integers(-130, 250) | st.none(), min_size=2, max_size=9), st.sampled_from([-99, 999, 121]))
def test_a_number_that_stands_for_missing_is_nothing_else(values: list[int | None], code: int) -> None:
    domain = INTEGER | {"minimum": -98}
    declaration = declared(domain, missing_values=[str(code)], outside="nearest")
    expected = [None if one in {None, code} else min(max(one, -98), 120) for one in values]
    for media_type in ALL:
        assert outcome(written(beside(pa.array(values, pa.int64())), media_type), declaration, media_type) == expected


@pytest.mark.parametrize("media_type", (PARQUET, ARROW_STREAM))
@pytest.mark.parametrize("kind", (np.float16, np.float32))
def test_a_narrow_fraction_is_the_word_whose_nearest_it_is(kind: Any, media_type: str) -> None:
    content = written(beside(pa.array(np.array([2, -99.9], dtype=kind))), media_type)
    assert outcome(content, declared(NUMBER, missing_values=["-99.9"], outside="nearest"), media_type) == [2.0, None]


def test_what_lies_too_far_to_be_told_apart_is_missing_only_as_it_is_written() -> None:
    declaration = declared(INTEGER, missing_values=["99999999999999999999"], outside="nearest")
    far = pa.array(["99999999999999999999", "88888888888888888888", "1"])
    assert outcome(written(beside(far), PARQUET), declaration, PARQUET) == [None, 120, 1]


def test_only_what_is_declared_is_missing() -> None:
    content = written(beside(pa.array(["1", "?"])), CSV)
    assert outcome(content, declared(INTEGER), CSV) == [("value-unreadable", "x", 1, [2])]
    assert outcome(content, declared(INTEGER, missing_values=["??"]), CSV) == [("value-unreadable", "x", 1, [2])]


@pytest.mark.parametrize(
    ("domain", "word"),
    [
        (INTEGER, "0"), (INTEGER, "99"), (INTEGER, "1e2"), (NUMBER, "49.5"), (LABELS, "2"),
        ({"kind": "date", "minimum": "2000-01-01", "maximum": "2030-12-31"}, "2020-02-29"),
        ({"kind": "time"}, "09:00"), ({"kind": "decimal", "minimum": "0", "maximum": "10"}, "9.99"),
    ],
)  # fmt: skip
def test_no_value_of_the_domain_stands_for_a_missing_one(domain: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match="the domain holds it"):
        declared(domain, missing_values=[word])


def test_a_column_that_is_never_missing_has_no_word_for_it() -> None:
    with pytest.raises(ValidationError, match="nullable"):
        declared(INTEGER, nullable=False, missing_values=["?"])


def leaving_out(*names: str) -> SourceDeclaration:
    members = declared(INTEGER).model_dump(mode="json")
    return SourceDeclaration.model_validate(members | {"left_out": list(names)})


@pytest.mark.parametrize("media_type", ALL)
def test_columns_that_are_left_out_may_be_there_and_are_not_kept(media_type: str) -> None:
    table = beside(pa.array([7, 8])).append_column("note", pa.array(["Anna", "Zoë"]))
    assert outcome(written(table, media_type), leaving_out("note", "of-another-year"), media_type) == [7, 8]
    assert outcome(written(table, media_type), leaving_out("of-another-year"), media_type) == "table-invalid"


def test_a_column_is_declared_or_left_out() -> None:
    with pytest.raises(ValidationError, match="distinct"):
        leaving_out("x")
