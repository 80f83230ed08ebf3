"""A table in each form it is handed out in: the same bytes every time, and their digests.

The bytes follow from the rows, their order and the schema alone (ADR 48): row groups of one length however the table
was sealed, no metadata beside the schema, one writer with its options written out.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import RawIOBase
from typing import Any, Literal, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

from moneyer_shared import custody
from moneyer_shared.contracts.generation import Delivered, DeliveredForm

Form = Literal["parquet", "arrow", "csv"]
MEDIA_TYPES: dict[Form, str] = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
}


class Writer(Protocol):
    """What writes a table batch by batch, and its end when it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> bool | None: ...

    def write(self, batch: pa.RecordBatch) -> None: ...


class _ParquetBatches:
    """A Parquet writer that takes batches, each a row group, and ends when it is left, as the other forms' do."""

    def __init__(self, sink: RawIOBase, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(sink, schema, version="2.6", compression="zstd", compression_level=3)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch, row_group_size=custody.GROUP_ROWS)


WRITERS: dict[Form, Callable[[RawIOBase, pa.Schema], Writer]] = {
    "parquet": _ParquetBatches,
    "arrow": pa_ipc.new_stream,
    "csv": pa_csv.CSVWriter,
}


def write(table: pq.ParquetFile, form: Form, sink: RawIOBase) -> None:
    """The table's bytes in a form, batch by batch."""
    with WRITERS[form](sink, plain_schema(table)) as writer:
        for batch in even_batches(table):
            writer.write(batch)


def delivered(table: pq.ParquetFile) -> Delivered:
    """Digest and length of the table's bytes in every form, in one reading and without keeping them."""
    sinks: dict[Form, _Measured] = {form: _Measured() for form in WRITERS}
    with ExitStack() as opened:
        made: list[Writer] = [WRITERS[form](sink, plain_schema(table)) for form, sink in sinks.items()]
        writers: list[Writer] = [opened.enter_context(writer) for writer in made]
        for batch in even_batches(table):
            for writer in writers:
                writer.write(batch)
    return Delivered(**{form: sink.measured for form, sink in sinks.items()})


def measured(batches: Iterable[pa.RecordBatch], schema: pa.Schema, form: Form) -> DeliveredForm:
    """Digest and length of these rows in a form, as ``delivered`` tells them, without keeping them."""
    sink = _Measured()
    with WRITERS[form](sink, schema) as writer:
        for batch in evened(batches, schema):
            writer.write(batch)
    return sink.measured


def plain_schema(table: pq.ParquetFile) -> pa.Schema:
    """The schema without what writers of other versions may have put beside it."""
    fields = [field.remove_metadata() for field in table.schema_arrow]
    return pa.schema(fields)


def even_batches(table: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows in batches of one length, the last one shorter, wherever the file's own groups of rows end."""
    return evened(table.iter_batches(batch_size=custody.GROUP_ROWS, use_threads=False), plain_schema(table))


def evened(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same of batches of any length."""
    held: list[pa.RecordBatch] = []
    missing = custody.GROUP_ROWS
    for found in batches:
        batch = found
        while batch.num_rows >= missing:
            yield _joined([*held, batch.slice(0, missing)], schema)
            held, batch, missing = [], batch.slice(missing), custody.GROUP_ROWS
        held.append(batch)
        missing -= batch.num_rows
    if missing < custody.GROUP_ROWS:
        yield _joined(held, schema)


def _joined(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """One batch of several, its memory laid out in one way."""
    rows = pa.Table.from_batches(batches)
    return pa.RecordBatch.from_arrays([_laid_out(column) for column in rows.columns], schema=schema)


def _laid_out(column: pa.ChunkedArray) -> pa.Array:
    """The same values with nothing left to chance: Arrow's stream holds what lies in memory under a null and after the
    last bit, which depends on where the values were copied from.
    """
    array = pa.concat_arrays(column.chunks)
    is_text = pa.types.is_string(array.type)
    if not is_text and (pa.types.is_nested(array.type) or array.type.bit_width % 8):
        raise TypeError(f"no form of {array.type} is fixed")
    present = np.asarray(array.is_valid())
    bits = pa.py_buffer(np.packbits(present, bitorder="little").tobytes()) if array.null_count else None
    values = _texts(array) if is_text else [_zeroed(array, present)]
    return pa.Array.from_buffers(array.type, len(array), [bits, *values])


def _zeroed(array: pa.Array, present: Any) -> pa.Buffer:
    """The values of one width, zeros where there is none."""
    width = array.type.bit_width // 8
    lain = array.buffers()[1].slice(array.offset * width, len(array) * width)
    rows = np.frombuffer(lain, np.uint8).reshape(len(array), width).copy()
    rows[~present] = 0
    return pa.py_buffer(rows.tobytes())


def _texts(array: pa.Array) -> list[pa.Buffer]:
    """Where each text begins, from 0, and the texts one after another."""
    _, begins, texts = array.fill_null("").buffers()
    places = np.frombuffer(begins, np.int32)[array.offset : array.offset + len(array) + 1]
    first, last = int(places[0]), int(places[-1])
    lain = texts.slice(first, last - first).to_pybytes() if texts is not None else b""
    return [pa.py_buffer((places - first).astype(np.int32).tobytes()), pa.py_buffer(lain)]


class _Measured(RawIOBase):
    """Keeps nothing of what is written but its digest and length."""

    def __init__(self) -> None:
        super().__init__()
        self._digest, self._bytes = hashlib.sha256(), 0

    @property
    def measured(self) -> DeliveredForm:
        return DeliveredForm(sha256=self._digest.hexdigest(), bytes=self._bytes)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self._bytes += len(view)
        return len(view)

    def tell(self) -> int:
        return self._bytes
