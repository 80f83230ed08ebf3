"""The reader of documents and the reader of numbers, by themselves: what they take, they take exactly."""

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.documents import DEEPEST, EXACT, depth_beyond, read_json, read_stored
from moneyer_shared.errors import Invalid, TooLarge, first_faults
from moneyer_shared.inflate import Inflate, unzip
from moneyer_shared.numbers import canonical_number, is_nearly_a_number, is_number, read_decimal

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values, st.booleans())
def test_what_json_says_is_what_is_read(value: Any, escaped: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(values)
def test_what_was_stored_comes_back_as_it_is(value: Any) -> None:
    assert read_stored(json.dumps(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        read_json(content)
    except Invalid:
        return
    json.loads(content)


@pytest.mark.parametrize("depth", [1, DEEPEST - 1, DEEPEST, DEEPEST + 1, 500, 5_000, 200_000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_counted_to_the_level(depth: int, begin: str, end: str) -> None:
    content = (begin * depth + "1" + end * depth).encode()
    if depth <= DEEPEST:
        assert depth_beyond(read_json(content), depth - 1)
    else:
        with pytest.raises(Invalid, match="deep"):
            read_json(content)


@given(st.integers(0, 300), st.integers(0, 3))
def test_a_stored_document_of_any_depth_is_shown(depth: int, beside: int) -> None:
    inner = "[" * depth + '"]["' + "]" * depth
    document = read_stored(json.dumps({"n": beside})[:-1] + f', "deep": {inner}, "after": "x"}}')
    assert (document["n"], document["after"]) == (beside, "x")
    assert not depth_beyond(document, 101)
    assert ("not shown" in json.dumps(document)) == (depth > 99)


def test_a_stored_number_that_no_reader_takes_is_shown_as_such() -> None:
    assert read_stored('{"a": ' + "9" * 5000 + ', "b": 1}') == {"a": "not shown: a number of 5000 digits", "b": 1}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_a_number_keeps_its_value_in_one_form(number: Decimal) -> None:
    text = f"{number:f}"
    form = canonical_number(text)
    assert read_decimal(form) == number
    assert canonical_number(form) == form
    assert canonical_number(text + "0") == form


@given(st.text(max_size=20))
def test_no_text_is_a_number_and_nearly_one(text: str) -> None:
    assert not (is_number(text) and is_nearly_a_number(text))
    if is_number(text):
        assert text.isascii()
        assert text == text.strip()


class Strict(Document):
    whole: int = 0
    truth: bool = False
    fraction: float | None = None
    many: dict[str, list[int]] = {}  # noqa: RUF012 - pydantic copies it
    at: Moment | None = None


@pytest.mark.parametrize(
    "said",
    [
        {"whole": "1"}, {"whole": 1.0}, {"whole": True}, {"truth": 1}, {"truth": "on"}, {"fraction": "1"}, {"fraction": True},
        {"many": {"a": ["1"]}}, {"many": {"a": [True]}}, {"at": 1}, {"at": "1"}, {"at": "2026-01-01"}, {"at": "2026-01-01T00:00:00"},
    ],
)  # fmt: skip
def test_a_model_takes_numbers_as_json_writes_them(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Strict.model_validate(said)
    assert Strict.model_validate({"whole": 1, "fraction": 1, "at": "2026-01-01T00:00:00Z"}).fraction == 1.0


@given(st.binary(max_size=3_000), st.integers(1, 900), st.integers(1, 500))
def test_a_gzip_body_comes_whole_however_it_is_cut(content: bytes, member: int, chunk: int) -> None:
    starts = range(0, max(len(content), 1), member)
    packed = b"".join(gzip.compress(content[start : start + member]) for start in starts)
    inflate, read = Inflate(), b""
    for start in range(0, len(packed), chunk):
        read += b"".join(inflate.pieces(packed[start : start + chunk]))
    inflate.finish()
    assert read == content == unzip(packed, most=3_000)
    if content:
        with pytest.raises(TooLarge):
            unzip(packed, most=len(content) - 1)
    with pytest.raises(Invalid):
        unzip(packed[:-1], most=3_000)


def test_faults_are_told_in_part() -> None:
    told = first_faults([{"code": "x", "message": "y" * 1000}] * 50, "and more")
    assert len(told) == 21
    assert len(told[0]["message"]) == 300
    assert told[-1]["code"] == "more"
