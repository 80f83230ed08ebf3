"""A table is handed out as the same bytes however it was sealed; their digests are taken once, and hold."""

import hashlib
import io
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.downloads import render
from moneyer_generation.forms import MEDIA_TYPES, Form, delivered, even_batches, write
from moneyer_shared import custody
from moneyer_shared.errors import Conflict

FORMS: tuple[Form, ...] = ("parquet", "arrow", "csv")
SCHEMA = pa.schema([
    pa.field("sex", pa.string(), nullable=False), pa.field("age", pa.int64()), pa.field("height", pa.float64()),
    pa.field("born", pa.date32()), pa.field("seen", pa.timestamp("ms")), pa.field("at", pa.time32("ms")),
    pa.field("paid", pa.decimal128(18, 2)),
])  # fmt: skip
ROW = ["f", 7, 1.5, date(2019, 2, 28), datetime(2026, 1, 31, 10, 0, 0), time(10, 0), Decimal("12.30")]  # noqa: DTZ001
TABLE = pa.Table.from_pylist([dict(zip(SCHEMA.names, ROW, strict=True)), {"sex": "m"}] * 50, SCHEMA)
GOLDEN = {
    "parquet": "f45fd48abc5850a3473e7b20525b93835783a0d08055c3482dbce69226539d0c",
    "arrow": "e4f31b69ee4106280d41a4e722d1d018a8a110cbd09dd01f4e1167a88153c851",
    "csv": "ccc2f63ecf217e46111c4402828806b12c613869ce0c10a56573cf4d2cefd46b",
}


def sealed(table: pa.Table, *cuts: int) -> pq.ParquetFile:
    """The table as it comes out of custody, sealed in groups that end at the cuts."""
    ends = sorted({*(cut % (table.num_rows + 1) for cut in cuts), table.num_rows})
    batches = [
        b for start, end in zip([0, *ends], ends, strict=False) for b in table.slice(start, end - start).to_batches()
    ]
    key = bytes(32)
    return custody.unseal_table(custody.seal_table(batches, table.schema, key, "t"), key, "t")


def bytes_of(table: pq.ParquetFile, form: Form) -> bytes:
    spool = render(table, form).spool
    try:
        return spool.reader().read()
    finally:
        spool.close()


@given(st.lists(st.integers(0, 100), max_size=5))
def test_the_bytes_do_not_tell_how_the_table_was_sealed(cuts: list[int]) -> None:
    assert delivered(sealed(TABLE, *cuts)) == delivered(sealed(TABLE))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_sent_has_the_digest_that_was_taken(form: Form) -> None:
    table = sealed(TABLE, 3, 50)
    sent, stated = bytes_of(table, form), delivered(table).of(form)
    assert (hashlib.sha256(sent).hexdigest(), len(sent)) == (stated.sha256, stated.bytes)


@pytest.mark.parametrize("form", FORMS)
def test_a_writer_of_another_version_is_noticed(form: Form) -> None:
    """Tables recorded by an older writer could not be handed out by this one: see ADR 48 before changing a line here."""
    assert delivered(sealed(TABLE)).of(form).sha256 == GOLDEN[form]


def test_groups_of_rows_are_even_wherever_the_file_cut_them() -> None:
    rows = 2 * custody.GROUP_ROWS + 7
    table = sealed(pa.table({"a": pa.array(range(rows))}), 5, 70_000)
    assert [batch.num_rows for batch in even_batches(table)] == [custody.GROUP_ROWS, custody.GROUP_ROWS, 7]
    sink = io.BytesIO()
    write(table, "parquet", sink)
    made = pq.ParquetFile(sink)
    assert [made.metadata.row_group(i).num_rows for i in range(3)] == [custody.GROUP_ROWS, custody.GROUP_ROWS, 7]
    assert made.read()["a"].to_pylist() == list(range(rows))


def test_an_empty_table_and_metadata_of_others() -> None:
    empty = TABLE.slice(0, 0)
    said = TABLE.replace_schema_metadata({"pandas": "{}"})
    assert delivered(sealed(empty)) != delivered(sealed(TABLE))
    assert delivered(sealed(said)) == delivered(sealed(TABLE))
    assert bytes_of(sealed(empty), "csv").decode().strip() == ",".join(f'"{name}"' for name in SCHEMA.names)


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_what_is_not_as_recorded_is_not_handed_out(form: Form) -> None:
    other = delivered(sealed(TABLE.slice(1)))
    with pytest.raises(Conflict) as refused:
        render(sealed(TABLE), form, other)
    assert refused.value.problem_code == "not-as-recorded"
    render(sealed(TABLE), form, delivered(sealed(TABLE))).spool.close()


def test_every_type_comes_back_as_it_was() -> None:
    table = sealed(TABLE, 9)
    read: dict[str, Any] = {
        "parquet": pq.read_table(io.BytesIO(bytes_of(table, "parquet"))),
        "arrow": pa.ipc.open_stream(bytes_of(table, "arrow")).read_all(),
    }
    assert all(one.equals(TABLE) for one in read.values())
