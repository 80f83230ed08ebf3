"""One table in any format is one table; what the formats do in their own ways is read as what it is."""

import gzip
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written_tables import DOMAINS, beside, cells, declared, outcome, read, report, upload, written

from moneyer_shared.errors import Invalid, UnsupportedMedia
from moneyer_shared.intake.uploads import ANY_BYTES, ARROW_FILE, ARROW_STREAM, CSV, PARQUET, media_type_of

ALL = (CSV, PARQUET, ARROW_STREAM, ARROW_FILE)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "categorical": (pa.string(), st.sampled_from(["a", "1", "2.5", "zz"])),
    "text": (pa.string(), WORDS),
    "integer": (pa.int64(), st.integers(-20, 3010)),
    "number": (pa.float64(), st.floats(allow_nan=False, allow_infinity=True)),
    "decimal": (pa.decimal128(20, 4), st.decimals(-2000, 200000, places=4)),
    "date": (pa.date32(), st.dates()),
    "timestamp": (pa.timestamp("us"), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001
    "time": (pa.time64("us"), st.times()),
}


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, pa.Array]:
    kind = draw(st.sampled_from(sorted(VALUES)))
    type_, values = VALUES[kind]
    return kind, pa.array(draw(st.lists(st.none() | values, min_size=2, max_size=8)), type_)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(columns())
def test_equal_content_gives_equal_sealed_tables_or_equal_refusals(made: tuple[str, pa.Array]) -> None:
    kind, array = made
    table, declaration = beside(array), declared(DOMAINS[kind])
    found = [outcome(written(table, media_type), declaration, media_type) for media_type in ALL]
    assert found == [found[0]] * len(ALL)


MOMENTS = pa.array([datetime(2024, 3, 31, hour, tzinfo=UTC) for hour in range(5)])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC"])
def test_a_zone_is_refused_in_every_format(zone: str) -> None:
    zoned = MOMENTS.cast(pa.timestamp("us", zone))
    lines = [moment.isoformat() for moment in zoned.to_pylist()]
    every = [("value-unreadable", "x", 5, [1, 2, 3, 4, 5])]
    for kind in ("timestamp", "date"):
        assert cells(lines, DOMAINS[kind]) == every
        assert [read(zoned, DOMAINS[kind], media_type) for media_type in ALL[1:]] == [every] * 3
    (fault,) = report(written(beside(zoned), PARQUET), declared(DOMAINS["timestamp"]), PARQUET).faults
    assert "time zone" in fault.actual
    assert "tz_localize(None)" in fault.remedy


def test_int96_holds_the_ends_of_the_calendar() -> None:
    days = [datetime.fromisoformat(f"{year}-05-01T01:02:03") for year in ("2021", "9999", "0001")]
    table = beside(pa.array(days, pa.timestamp("us")))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, use_deprecated_int96_timestamps=True)
    declaration = declared(DOMAINS["timestamp"])
    assert outcome(sink.getvalue().to_pybytes(), declaration, PARQUET) == days


@pytest.mark.parametrize(
    "name",
    ["01", "NA", "true", "1e3", "2024-01-01 00:00", "NULL", "nan", "0x1F", "10:30", "-0", "+5", "None", 'a "b" c'],
)
def test_a_cell_of_the_header_is_text(name: str) -> None:
    domain = {"kind": "integer", "minimum": 0, "maximum": 9}
    declaration = declared(domain)
    renamed = declaration.columns[0].model_copy(update={"name": name})
    declaration = declaration.model_copy(update={"columns": [renamed, declaration.columns[1]]})
    quoted = name.replace('"', '""')
    for header in {f'"{quoted}"', name if '"' not in name else f'"{quoted}"'}:
        assert report(f"{header},n\n1,0\n2,0\n".encode(), declaration).fits
    with pytest.raises(Invalid) as refused:
        report(b"x,n\n1,0\n2,0\n", declaration)
    assert {reason["code"] for reason in refused.value.reasons} == {"column-missing", "column-undeclared"}


def test_a_header_of_several_lines_is_read_to_its_end() -> None:
    declaration = declared(DOMAINS["integer"])
    renamed = declaration.columns[0].model_copy(update={"name": "x y"})
    declaration = declaration.model_copy(update={"columns": [renamed, declaration.columns[1]]})
    with pytest.raises(Invalid) as refused:
        report(b'"x\ny",n\n1,0\n2,0\n', declaration)
    assert [reason["code"] for reason in refused.value.reasons] == ["column-missing", "column-undeclared"]


def test_a_data_frames_index_is_called_what_it_is() -> None:
    frame = pd.DataFrame({"x": [1, 2, 3], "n": ["0"] * 3})
    for made in (frame[frame.x > 1], frame.set_index(pd.Index([7, 8, 9], name="visit"))):
        with pytest.raises(Invalid) as refused:
            report(written(pa.Table.from_pandas(made), PARQUET), declared(DOMAINS["integer"]), PARQUET)
        (reason,) = refused.value.reasons
        assert "index=False" in str(reason["actual"])
        assert "visit" not in str(reason)


def test_a_quote_that_is_never_closed_swallows_no_rows() -> None:
    with pytest.raises(Invalid, match="never closed"):
        report(b'x,n\n1,0\n"2,0\n3,0\n', declared(DOMAINS["text"]))
    assert report(b'x,n\n"1\n",0\n5" pipe,0', declared(DOMAINS["text"])).rows == 2


def test_an_empty_line_is_a_row_where_there_is_one_column() -> None:
    declaration = declared(DOMAINS["integer"])
    one = declaration.model_copy(update={"columns": declaration.columns[:1]})
    found = report(b"x\n1\n\n2\n", one)
    assert (found.rows, found.columns[0].missing) == (3, 1)
    assert report(b"x,n\n1,0\n\n2,0\n", declaration).rows == 2


def test_all_faults_of_all_columns_are_told_with_their_rows_in_the_file() -> None:
    lines = ["1,0"] * 70_000
    for row in range(100, 70_000, 10_000):
        lines[row - 1] = "secret-4711,0"
    lines[4], lines[69_999] = "1", "1,9"
    found = report(("x,n\n" + "\n".join(lines)).encode(), declared(DOMAINS["integer"]))
    told = {(fault.code, fault.column): (fault.rows, fault.first_rows) for fault in found.faults}
    assert told == {
        ("value-unreadable", "x"): (7, [100, 10_100, 20_100, 30_100, 40_100]),
        ("value-outside-domain", "n"): (1, [70_000]),
        ("row-ragged", ""): (1, [5]),
    }
    assert "secret" not in found.model_dump_json()
    assert [(column.name, column.faulty) for column in found.columns] == [("x", 7), ("n", 1)]


def test_the_format_is_found_by_content_and_a_wrong_word_is_refused() -> None:
    table, declaration = beside(pa.array([1, 2])), declared(DOMAINS["integer"])
    for media_type in ALL:
        assert upload(written(table, media_type), declaration, ANY_BYTES).format() == media_type
        for other in set(ALL) - {media_type}:
            with pytest.raises(Invalid) as refused:
                upload(written(table, media_type), declaration, other).format()
            assert refused.value.problem_code == "media-type-disagrees"
    for content, word in ((gzip.compress(b"x"), "gzip"), (pa.compress(b"x", "zstd", asbytes=True), "zstd")):
        with pytest.raises(Invalid, match=f"Content-Encoding: {word}"):
            upload(content, declaration, CSV).format()
    with pytest.raises(UnsupportedMedia):
        media_type_of("text/csv; charset=latin-1")
    assert media_type_of('Text/CSV; header=present; charset="UTF-8"') == CSV


def test_few_bytes_that_stand_for_many_are_refused_unread() -> None:
    long = pa.array(["f" * 20_000_000])
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([60_000], pa.int32()), long)
    assert read(runs, DOMAINS["text"]) == "too-large"


def test_values_of_all_kinds_come_out_as_they_lie_at_rest() -> None:
    said = {"date": date(2020, 2, 29), "time": time(23, 59, 59), "decimal": Decimal("0.10"), "text": "é\u00a0\ufeff"}
    for kind, value in said.items():
        array = pa.array([value] * 2)
        assert [read(array, DOMAINS[kind], media_type) for media_type in ALL] == [[value] * 2] * 4
