"""Parquet and other batches whose few bytes may stand for many: texts are counted before they are spread out."""

from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from moneyer_shared.contracts.domains import CategoricalDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import TooLarge
from moneyer_shared.intake.header import MOST_COLUMNS, Limits, check_header, too_large, too_wide

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
BATCH_ROWS = 65_536
SPREAD_BYTES = 64 * 2**20
"""How much text of one batch lies in memory at once."""
TEXTS = {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}
PLAIN_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
BYTES_A_CHARACTER = 4
BYTES_A_LENGTH = 4
LONGEST_WRITTEN_VALUE = 100
"""Numbers and times written as text."""
OVERHEAD_OF_A_CHUNK, OVERHEAD_OF_A_VALUE = 2**20, 8


def parquet_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    metadata = pq.read_metadata(body)
    if metadata.num_columns > MOST_COLUMNS:
        raise too_wide()
    schema = metadata.schema.to_arrow_schema()
    check_header(schema.names, declaration, schema)
    decoded = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > declaration.row_limit or decoded > limits.table_bytes:
        raise too_large(declaration, limits)
    check_values_fit(metadata, declaration)
    for batch in read_batches(body, metadata, declaration):
        yield from in_pieces(batch, limits.table_bytes)


def check_values_fit(metadata: pq.FileMetaData, declaration: SourceDeclaration) -> None:
    """That no text column holds more than the longest values its declaration allows, by the file's own footer.

    Raises:
        TooLarge: some value must be longer: it would be refused once read, and reading it would cost its length.
    """
    columns = {column.name: column for column in declaration.columns}
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for place in range(group.num_columns):
            chunk = group.column(place)
            column = columns.get(chunk.path_in_schema)
            if column is None or chunk.physical_type not in TEXTS:
                continue
            most = chunk.num_values * (_longest(column) + OVERHEAD_OF_A_VALUE) + OVERHEAD_OF_A_CHUNK
            if chunk.total_uncompressed_size > most:
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


def read_batches(
    body: IO[bytes], metadata: pq.FileMetaData, declaration: SourceDeclaration
) -> Iterator[pa.RecordBatch]:
    """The declared columns, texts left as the dictionaries they lie in."""
    groups = [metadata.row_group(0)] if metadata.num_row_groups else []
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    texts = [chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"]
    # INT96 counts nanoseconds, which Arrow's 64 bits hold for 300 years only; milliseconds hold all of the calendar.
    file = pq.ParquetFile(body, metadata=metadata, read_dictionary=texts, coerce_int96_timestamp_unit="ms")
    names = [column.name for column in declaration.columns]
    yield from file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False)


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
