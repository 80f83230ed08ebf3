"""Parquet and other batches whose few bytes may stand for many: texts are counted before they are spread out."""

from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from moneyer_shared.contracts.domains import CategoricalDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import TooLarge

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
BATCH_ROWS = 65_536
MOST_COLUMNS = 2_000
"""Beyond what a declaration may name, so that a strange column is still told by its place."""
SPREAD_BYTES = 64 * 2**20
"""How much text of one batch lies in memory at once."""
TEXTS = {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}
BYTES_A_CHARACTER = 4
BYTES_A_LENGTH = 4
LONGEST_WRITTEN_VALUE = 100
"""Numbers and times written as text."""
OVERHEAD_OF_A_CHUNK, OVERHEAD_OF_A_VALUE = 2**20, 8


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
    file = pq.ParquetFile(body, metadata=metadata, read_dictionary=texts)
    names = [column.name for column in declaration.columns]
    yield from file.iter_batches(batch_size=BATCH_ROWS, columns=names, use_threads=False)


def in_pieces(batch: pa.RecordBatch, table_bytes: int) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of so few rows that what its dictionaries stand for fits in memory.

    Raises:
        TooLarge: one long text is meant by so many rows that the whole could not be kept.
    """
    longest = [_longest_entry(column.dictionary) for column in batch.columns if pa.types.is_dictionary(column.type)]
    if max(longest, default=0) * batch.num_rows > table_bytes:
        raise TooLarge("The table's dictionaries stand for more than this service accepts.")
    width = sum(longest)
    rows = max(1, min(batch.num_rows, SPREAD_BYTES // max(width, 1)))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _longest_entry(dictionary: pa.Array) -> int:
    kind = dictionary.type
    if not any(asked(kind) for asked in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary)):
        return 0
    return pc.max(pc.binary_length(dictionary)).as_py() or 0
