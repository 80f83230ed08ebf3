"""Every row of the table of meaning: each kind of column from each form, in the formats that can hold it."""

from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from written_tables import DOMAINS, ONE, cells, declared, read

from moneyer_shared.intake.meanings import AT_REST, MEANINGS, WRITTEN_AS, PhysicalType
from moneyer_shared.intake.page import page
from moneyer_shared.intake.uploads import ARROW_FILE, ARROW_STREAM, PARQUET

DAY, MOMENT = date(2024, 5, 6), datetime.fromisoformat("2024-05-06T07:08:09")
TRUTHS = {"kind": "categorical", "categories": ["False", "True"]}
BIT = {"kind": "integer", "minimum": 0, "maximum": 1}


def extension(array: pa.Array) -> pa.Array:
    class Own(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(array.type, "own.type")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

    return pa.ExtensionArray.from_storage(Own(), array)


def arrays(form: PhysicalType) -> list[pa.Array]:
    """A value of the form in every type that has it."""
    whole = [pa.array([1], kind()) for kind in (pa.int8, pa.int16, pa.int32, pa.int64)]
    whole += [pa.array([1], kind()) for kind in (pa.uint8, pa.uint16, pa.uint32, pa.uint64)]
    texts = {
        PhysicalType.TEXT: [pa.array(["?"], kind()) for kind in (pa.string, pa.large_string, pa.string_view)],
        PhysicalType.BYTES: [pa.array([b"?"], kind()) for kind in (pa.binary, pa.large_binary, pa.binary_view)],
    }
    numbers = {
        PhysicalType.WHOLE: whole,
        PhysicalType.FLOAT: [pa.array(np.array([1], kind)) for kind in (np.float16, np.float32, np.float64)],
        PhysicalType.DECIMAL: [
            pa.array([Decimal("1.00")], kind)
            for kind in (pa.decimal32(5, 2), pa.decimal64(9, 2), pa.decimal128(10, 2), pa.decimal256(40, 2))
        ],
    }
    times = {
        PhysicalType.DATE: [pa.array([DAY], pa.date32()), pa.array([DAY], pa.date64())],
        PhysicalType.MOMENT: [pa.array([datetime(2024, 5, 6)], pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")],  # noqa: DTZ001
        PhysicalType.ZONED: [
            pa.array([MOMENT], pa.timestamp("us", zone)) for zone in ("UTC", "Europe/Berlin", "+01:00")
        ],
        PhysicalType.TIME: [
            pa.array([time(7, 8, 9)], kind)
            for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
        ],
        PhysicalType.DURATION: [
            *(pa.array([5], pa.duration(unit)) for unit in ("s", "ms", "us", "ns")),
            pa.array([pa.MonthDayNano([1, 1, 1])]),
        ],
    }
    others = {
        PhysicalType.NOTHING: [pa.nulls(1)],
        PhysicalType.FIXED: [pa.array([b"ab"], pa.binary(2))],
        PhysicalType.TRUTH: [pa.array([True]), pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1], pa.int8()))],
        PhysicalType.NESTED: [
            pa.array([[1]]), pa.array([[1]], pa.large_list(pa.int8())), pa.array([[1]], pa.list_(pa.int8(), 1)),
            pa.array([{"a": 1}]), pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int8())),
        ],
        PhysicalType.UUID: [pa.ExtensionArray.from_storage(pa.uuid(), pa.array([ONE.bytes], pa.binary(16)))],
        PhysicalType.FOREIGN: [extension(pa.array([1]))],
    }  # fmt: skip
    return (texts | numbers | times | others)[form]


EXPECTED: dict[tuple[str, PhysicalType], Any] = {
    ("categorical", PhysicalType.WHOLE): "1", ("categorical", PhysicalType.FLOAT): "1", ("categorical", PhysicalType.DECIMAL): "1",
    ("categorical", PhysicalType.UUID): str(ONE),
    ("text", PhysicalType.TEXT): "?", ("text", PhysicalType.BYTES): "?", ("text", PhysicalType.WHOLE): "1", ("text", PhysicalType.DECIMAL): "1",
    ("text", PhysicalType.UUID): str(ONE),
    ("integer", PhysicalType.WHOLE): 1, ("integer", PhysicalType.FLOAT): 1, ("integer", PhysicalType.DECIMAL): 1,
    ("number", PhysicalType.WHOLE): 1.0, ("number", PhysicalType.FLOAT): 1.0, ("number", PhysicalType.DECIMAL): 1.0,
    ("decimal", PhysicalType.WHOLE): Decimal("1.00"), ("decimal", PhysicalType.FLOAT): Decimal("1.00"),
    ("decimal", PhysicalType.DECIMAL): Decimal("1.00"),
    ("date", PhysicalType.DATE): DAY, ("date", PhysicalType.MOMENT): DAY,
    ("timestamp", PhysicalType.DATE): datetime(2024, 5, 6), ("timestamp", PhysicalType.MOMENT): datetime(2024, 5, 6),  # noqa: DTZ001
    ("time", PhysicalType.TIME): time(7, 8, 9),
}  # fmt: skip


@pytest.mark.parametrize("kind", MEANINGS)
@pytest.mark.parametrize("form", PhysicalType)
def test_every_kind_takes_or_refuses_every_form_as_the_table_says(kind: str, form: PhysicalType) -> None:
    domain, meaning = DOMAINS[kind], MEANINGS[kind][form]
    takes = meaning.takes(declared(domain).column("x").domain)
    for array in arrays(form):
        twice = pa.concat_arrays([array, array])
        found = read(twice, domain)
        if form is PhysicalType.NOTHING:
            assert found == [None, None]
            continue
        if (kind, form) in EXPECTED:
            assert takes, (kind, form)
            assert found == [EXPECTED[kind, form]] * 2, (kind, array.type, found)
            assert found == read(twice, domain, ARROW_FILE)
            continue
        code = "value-outside-domain" if kind == "categorical" and takes else "value-unreadable"
        assert found == [(code, "x", 2, [1, 2])], (kind, array.type, found)
        if meaning.read is None:
            assert meaning.says
            assert meaning.remedy


@pytest.mark.parametrize("kind", ["integer", "decimal", "timestamp", "date", "time", "number", "text"])
def test_dictionaries_and_runs_mean_what_their_values_mean(kind: str) -> None:
    for (of, form), value in EXPECTED.items():
        if of != kind or form is PhysicalType.UUID:
            continue
        for array in arrays(form):
            wrapped = pa.DictionaryArray.from_arrays(pa.array([0, 0, None], pa.int8()), array)
            assert read(wrapped, DOMAINS[kind]) == [value, value, None], array.type
            runs = pa.RunEndEncodedArray.from_arrays(pa.array([3], pa.int32()), array)
            assert read(runs, DOMAINS[kind]) == [value] * 3, array.type


def test_every_form_says_in_which_types_it_comes_and_every_kind_how_it_lies_at_rest() -> None:
    assert set(WRITTEN_AS) == set(PhysicalType)
    assert set(AT_REST) == set(MEANINGS) == set(DOMAINS)
    assert all(set(row) == set(PhysicalType) for row in MEANINGS.values())


def test_the_page_is_the_table() -> None:
    assert (Path(__file__).parents[3] / "docs/types.md").read_text() == page()


# --- the handed cases, and their kin --------------------------------------------------------------------------------

OUT, NOT = "value-outside-domain", "value-unreadable"
MANY = {"kind": "integer", "minimum": -(2**50), "maximum": 2**50}
PLAIN_TYPED: list[tuple[pa.Array, Any, Any]] = [
    (pa.array([3, 7, 2**64 - 1], pa.uint64()), DOMAINS["integer"], [(OUT, "x", 1, [3])]),
    (pa.array([3, -(2**63)]), DOMAINS["integer"], [(OUT, "x", 1, [2])]),
    (pa.array([2**53 + 1, 2]), DOMAINS["number"], [(NOT, "x", 1, [1])]),
    (pa.array([1.5, float("inf")]), DOMAINS["integer"], [(NOT, "x", 1, [1]), (OUT, "x", 1, [2])]),
    (pa.array([2.0, float("nan"), None]), DOMAINS["integer"], [2, None, None]),
    (pa.array([1e308, -0.0, 5e-324]), DOMAINS["number"], [1e308, 0.0, 5e-324]),
    (pa.array([float("-inf"), 1.0]), DOMAINS["number"], [(OUT, "x", 1, [1])]),
    (pa.array([float("nan"), 1.0]), {"kind": "categorical", "categories": ["1", "nan"]}, [None, "1"]),
    (pa.array([1, 2134]), {"kind": "categorical", "categories": ["01", "1", "02134", "2134"]}, [(NOT, "x", 2, [1, 2])]),
    (pa.array([123456789012.0, 1.0]), {"kind": "categorical", "categories": ["1", "123456789012"]}, ["123456789012", "1"]),
    (pa.array([Decimal("1.50"), Decimal("2.00")]), {"kind": "categorical", "categories": ["1.5", "2"]}, ["1.5", "2"]),
    (pa.array([True, False, None]), TRUTHS, ["True", "False", None]),
    (pa.array([True, False, None]), BIT, [1, 0, None]),
    (pa.array([True, False]), DOMAINS["integer"], [(NOT, "x", 2, [1, 2])]),
    (pa.array([True]*2), {"kind": "categorical", "categories": ["true", "True", "false"]}, [(NOT, "x", 2, [1, 2])]),
    (pa.array([2**62, 18446744073709552], pa.timestamp("s")), DOMAINS["timestamp"], [(NOT, "x", 2, [1, 2])]),
    (pa.array([-(2**62), 0], pa.timestamp("s")), DOMAINS["timestamp"], [(NOT, "x", 1, [1])]),
    (pa.array([2**31 - 1, -(2**31), 0], pa.date32()), DOMAINS["date"], [(NOT, "x", 2, [1, 2])]),
    (pa.array([MOMENT, MOMENT]), DOMAINS["date"], [(NOT, "x", 2, [1, 2])]),
    (pa.array([10, 1000, 1200]), DOMAINS["time"], [(NOT, "x", 3, [1, 2, 3])]),
    (pa.array([1712123112345, 1]), DOMAINS["timestamp"], [(NOT, "x", 2, [1, 2])]),
    (pa.array([12.34 + 1e-12, 0.1 + 0.2]), DOMAINS["decimal"], [Decimal("12.34"), Decimal("0.30")]),
    (pa.array([12.345, 1.0]), DOMAINS["decimal"], [(NOT, "x", 1, [1])]),
    (pa.array([Decimal("12.345"), Decimal("1.000")]), DOMAINS["decimal"], [(NOT, "x", 1, [1])]),
    (pa.array(np.array([12.34, 99999.99], np.float32)), DOMAINS["decimal"], [Decimal("12.34"), Decimal("99999.99")]),
    (pa.array(["a\0b", "a"]), DOMAINS["text"], [(NOT, "x", 1, [1])]),
    (pa.array([b"\xed\xa0\x80", b"a"]), DOMAINS["text"], [(NOT, "x", 1, [1])]),
    (pa.array(["\ufeffa", "\u00a0"]), DOMAINS["text"], ["\ufeffa", "\u00a0"]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(PLAIN_TYPED)))
@pytest.mark.parametrize("media_type", [PARQUET, ARROW_STREAM, ARROW_FILE])
def test_a_typed_value_is_kept_as_what_it_is_or_refused(case: int, media_type: str) -> None:
    array, domain, expected = PLAIN_TYPED[case]
    if media_type == PARQUET and array.type == pa.timestamp("s"):
        return  # Parquet knows no seconds
    assert read(array, domain, media_type) == expected


WRITTEN: list[tuple[list[str], Any, Any]] = [
    (["3", "18446744073709551615"], DOMAINS["integer"], [(OUT, "x", 1, [2])]),
    (["4.99999999999999999999", "1125899906842623.99999"], MANY, [(NOT, "x", 2, [1, 2])]),
    (["1e3", "+5", " 7", "8.0", "nan"], DOMAINS["integer"], [1000, 5, 7, 8, None]),
    (["1_0", "٣", "１", "\u00a01", "0x1", "NA"], DOMAINS["integer"], [(NOT, "x", 6, [1, 2, 3, 4, 5])]),
    (["1_0", "٣", "\u00a01", "1,0"[:1] + "\u066b0"], DOMAINS["number"], [(NOT, "x", 4, [1, 2, 3, 4])]),
    (["1e400", "-inf"], DOMAINS["number"], [(OUT, "x", 2, [1, 2])]),
    (["1e-400", "5e-324"], DOMAINS["number"], [(NOT, "x", 1, [1])]),
    (["-0.0", "1e308"], DOMAINS["number"], [0.0, 1e308]),
    (["1.50000000000000000000000000001", "2.50"], DOMAINS["decimal"], [(NOT, "x", 1, [1])]),
    (["1_0", "٣", "\u00a01", "1e1", "+1"], DOMAINS["decimal"], [(NOT, "x", 5, [1, 2, 3, 4, 5])]),
    (["2020-W01-1", "20200101", "２020-01-01", "2020-01-01"], DOMAINS["date"], [(NOT, "x", 3, [1, 2, 3])]),
    (["2020-01-01T00:00:00", "2020-01-01 00:00"], DOMAINS["date"], [date(2020, 1, 1)] * 2),
    (["2020-01-01T00:00:01", "2020-01-01"], DOMAINS["date"], [(NOT, "x", 1, [1])]),
    (["2020-01-01x10:00:00", "2020-01-01T10:00:00Z", "2020-01-01T10:00:00+02:00"], DOMAINS["timestamp"], [(NOT, "x", 3, [1, 2, 3])]),
    (["10", "1000", "10:00"], DOMAINS["time"], [(NOT, "x", 2, [1, 2])]),
    (["True", "FALSE", "false", ""], TRUTHS, ["True", "False", "False", None]),
    (["true", "FALSE", "1", ""], BIT, [1, 0, 1, None]),
    (["yes", "1"], TRUTHS, [(OUT, "x", 2, [1, 2])]),
    (["true", "0"], DOMAINS["integer"], [(NOT, "x", 1, [1])]),
    (["02134", "1"], {"kind": "categorical", "categories": ["01", "1", "02134", "2134"]}, ["02134", "1"]),
    (["02134", "1e3"], DOMAINS["text"], ["02134", "1e3"]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRITTEN)))
def test_what_a_person_wrote_means_one_thing_or_is_refused(case: int) -> None:
    lines, domain, expected = WRITTEN[case]
    assert cells(lines, domain) == expected
