"""Parquet and other batches whose few bytes may stand for many: texts are counted before they are spread out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from moneyer_shared.contracts.domains import CategoricalDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import TooLarge
from moneyer_shared.intake.header import MOST_COLUMNS, Limits, check_header, too_large, too_wide
from moneyer_shared.intake.parquet_layout import Group, Layout, Pages, pages_of, read_layout

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
BATCH_ROWS = 65_536
SPREAD_BYTES = 64 * 2**20
"""How much text of one batch lies in memory at once."""
BYTES_AT_ONCE, REPEATED_BYTES, READ_BYTES = 2**30, 256 * 2**20, 2**18
"""Of the largest page of each column together; of values that repeat others; read from the body at once."""
PLAIN_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
BYTES_A_CHARACTER = 4
BYTES_A_LENGTH = 4
LONGEST_WRITTEN_VALUE = 100
"""Numbers and times written as text."""
OVERHEAD_OF_A_CHUNK, OVERHEAD_OF_A_VALUE = 2**20, 8


def parquet_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    layout = read_layout(body)
    rows = sum(group.rows for group in layout.groups)
    if any(group.rows < 0 for group in layout.groups) or rows > declaration.row_limit:
        raise too_large(declaration, limits)
    body.seek(0)
    metadata = pq.read_metadata(body)
    if metadata.num_columns > MOST_COLUMNS:
        raise too_wide()
    schema = metadata.schema.to_arrow_schema()
    check_header(schema.names, declaration, schema)
    plan = _plan(body, layout, declaration, limits)
    for batch in read_batches(body, metadata, plan):
        yield from in_pieces(batch, limits.table_bytes)


@dataclass(frozen=True)
class _Plan:
    """How a file is read: which declared columns are, and which are refused for their type alone.

    ``written_out`` are texts that Arrow does not read as dictionaries, ``rows`` how many are read at once.
    """

    flat: list[str]
    nested: list[str]
    written_out: set[str]
    rows: int


def _plan(body: IO[bytes], layout: Layout, declaration: SourceDeclaration, limits: Limits) -> _Plan:
    """Raises TooLarge: what is decoded must be larger than the declaration or this service allows."""
    columns = {column.name: column for column in declaration.columns}
    size, rows, written_out = 0, BATCH_ROWS, set[str]()
    for group in layout.groups:
        at_once = 0
        for chunk in group.chunks:
            if chunk.nested or (column := columns.get(chunk.column)) is None:
                continue
            pages = pages_of(body, chunk)
            size, at_once = size + pages.size, at_once + pages.largest
            _check_values_fit(pages, column, group)
            if pages.delta:
                written_out.add(column.name)
            if pages.delta and pages.repeats:
                # Each value may be as long as its whole page.
                rows = max(1, min(rows, REPEATED_BYTES // max(pages.largest, 1)))
        if at_once > BYTES_AT_ONCE:
            raise TooLarge(f"Its pages take {BYTES_AT_ONCE} bytes at once: write smaller pages or groups of rows.")
    if size > limits.table_bytes:
        raise too_large(declaration, limits)
    names = [column.name for column in declaration.columns]
    flat, nested = ([n for n in names if (n in layout.nested) == is_nested] for is_nested in (False, True))
    return _Plan(flat, nested, written_out, rows)


def _check_values_fit(pages: Pages, column: Column, group: Group) -> None:
    """That a column holds no more than the longest values its declaration allows, by its own pages.

    Raises:
        TooLarge: some value must be longer: it would be refused once read, and reading it would cost its length.
    """
    if pages.size > group.rows * (_longest(column) + OVERHEAD_OF_A_VALUE) + OVERHEAD_OF_A_CHUNK:
        raise TooLarge(f"The column {column.name} holds longer values than it declares.")


def _longest(column: Column) -> int:
    """Bytes that a declared value takes at most, with its length."""
    match column.domain:
        case CategoricalDomain(categories=categories):
            letters = max(map(len, categories))
        case TextDomain(maximum_length=letters):
            pass
        case _:
            letters = LONGEST_WRITTEN_VALUE
    return letters * BYTES_A_CHARACTER + BYTES_A_LENGTH


def read_batches(body: IO[bytes], metadata: pq.FileMetaData, plan: _Plan) -> Iterator[pa.RecordBatch]:
    """The declared columns, texts left as the dictionaries they lie in; of nested ones that they are there, unread."""
    leaves = [metadata.schema.column(place) for place in range(metadata.num_columns)]
    texts = [one.path for one in leaves if one.physical_type == "BYTE_ARRAY" and one.path not in plan.written_out]
    # INT96 counts nanoseconds, which Arrow's 64 bits hold for 300 years only; milliseconds hold all of the calendar.
    file = pq.ParquetFile(
        body, metadata=metadata, read_dictionary=texts, coerce_int96_timestamp_unit="ms", buffer_size=READ_BYTES
    )
    if not plan.flat:
        for first in range(0, metadata.num_rows, BATCH_ROWS):
            yield _with_nested(pa.record_batch({}), plan, min(BATCH_ROWS, metadata.num_rows - first))
        return
    for batch in file.iter_batches(batch_size=plan.rows, columns=plan.flat, use_threads=False):
        yield _with_nested(batch, plan, batch.num_rows)


def _with_nested(batch: pa.RecordBatch, plan: _Plan, rows: int) -> pa.RecordBatch:
    unread = pa.Array.from_buffers(pa.struct([]), rows, [None])
    columns = [*batch.columns, *([unread] * len(plan.nested))]
    return pa.RecordBatch.from_arrays(
        columns, schema=pa.schema([*batch.schema, *((n, unread.type) for n in plan.nested)])
    )


def in_pieces(batch: pa.RecordBatch, table_bytes: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of so few rows that what its dictionaries stand for fits in memory.

    Raises:
        TooLarge: one long text is meant by so many rows that the whole could not be kept.
    """
    longest = [_longest_text(column) for column in batch.columns]
    if max(longest, default=0) * batch.num_rows > table_bytes:
        raise TooLarge("The table's dictionaries stand for more than this service accepts.")
    width = sum(longest)
    rows = max(1, min(batch.num_rows, SPREAD_BYTES // max(width, 1)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _longest_text(array: pa.Array) -> int:
    """Bytes of the longest text that a column could repeat without holding it twice; 0 where it cannot."""
    if isinstance(array, pa.ExtensionArray):
        return _longest_text(array.storage)
    if pa.types.is_dictionary(array.type):
        return _longest_entry(array.dictionary)
    if pa.types.is_run_end_encoded(array.type):
        return max(_longest_entry(array.values), _longest_text(array.values))
    return _longest_view(array) if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type) else 0


def _longest_entry(values: pa.Array) -> int:
    kind = values.type
    if not any(asked(kind) for asked in PLAIN_TEXTS):
        return _longest_text(values)
    return pc.max(pc.binary_length(values)).as_py() or 0


def _longest_view(array: pa.Array) -> int:
    """Many views may show the same bytes (Columnar.rst: 16 bytes each, of which the first four are the length)."""
    views = array.buffers()[1]
    if views is None or not len(array):
        return 0
    lengths = np.frombuffer(views, dtype="<i4").reshape(-1, 4)[array.offset : array.offset + len(array), 0]
    return int(lengths.max())
