"""Arrow streams and files, whose buffers are checked before anything is made of them."""

from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.ipc as pa_ipc

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.intake.header import Limits, check_header, too_large
from moneyer_shared.intake.parquet import BATCH_ROWS, in_pieces

ARROW_MAGIC = 8


def arrow_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    for message in pa_ipc.MessageReader.open_stream(body):
        _check_message(message)
    body.seek(0)
    reader = pa_ipc.open_stream(body)
    check_header(reader.schema.names, declaration, reader.schema)
    for batch in reader:
        yield from _slices(batch, declaration, limits)


def arrow_file_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    """An Arrow file is a stream between a magic word and a footer."""
    reader = pa_ipc.open_file(body)
    check_header(reader.schema.names, declaration, reader.schema)
    body.seek(ARROW_MAGIC)
    for message in pa_ipc.MessageReader.open_stream(body):
        _check_message(message)
    for number in range(reader.num_record_batches):
        yield from _slices(reader.get_batch(number), declaration, limits)


def _slices(batch: pa.RecordBatch, declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    if batch.num_rows > declaration.row_limit:
        raise too_large(declaration, limits)
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield from in_pieces(batch.slice(start, BATCH_ROWS), limits.table_bytes)


def _check_message(message: pa_ipc.Message) -> None:
    """A compressed buffer says itself how large it will be, so a small body could ask for all memory."""
    if message.type in {"record batch", "dictionary"} and _is_compressed(message.metadata, message.type):
        raise Invalid(
            "Compressed Arrow buffers are not read; write them uncompressed and send the body with "
            "Content-Encoding: gzip, or send Parquet.",
            code="table-unreadable",
        )


def _is_compressed(metadata: pa.Buffer, kind: str) -> bool:
    """Whether the batch in an Arrow message names a codec (Message.fbs: the fourth field of its RecordBatch)."""
    view = memoryview(metadata)
    header = _field(view, _root(view), 2)
    batch = header if kind == "record batch" or header is None else _field(view, header, 1)
    return batch is not None and _field(view, batch, 3) is not None


def _root(view: memoryview) -> int:
    return int.from_bytes(view[:4], "little")


def _field(view: memoryview, table: int, number: int) -> int | None:
    """Where the table in that field of a flatbuffers table begins; None where the field is absent."""
    vtable = table - int.from_bytes(view[table : table + 4], "little", signed=True)
    entry = 4 + 2 * number
    if entry >= int.from_bytes(view[vtable : vtable + 2], "little"):
        return None
    offset = int.from_bytes(view[vtable + entry : vtable + entry + 2], "little")
    place = table + offset
    return place + int.from_bytes(view[place : place + 4], "little") if offset else None
