"""Arrow streams and files, read to their end, whose buffers are checked before anything is made of them."""

import io
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.ipc as pa_ipc

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid, TooLarge
from moneyer_shared.intake.header import Limits, check_header, too_large
from moneyer_shared.intake.parquet import BATCH_ROWS, in_pieces

MAGIC, PADDED_MAGIC = b"ARROW1", 8
END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What a stream ends with (Columnar.rst: the end-of-stream marker)."""
FOOTER_SIZE = 4


def arrow_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    _check_messages(body)
    if body.read(1):
        raise _more_than_one("stream")
    body.seek(0)
    yield from _read(body, declaration, limits)


def arrow_file_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    """An Arrow file is a stream between a magic word and a footer.

    It is read as that stream: what a footer points to elsewhere is nothing that was checked.
    """
    told = pa_ipc.open_file(body).num_record_batches
    body.seek(PADDED_MAGIC)
    _check_footer(body, _check_messages(body) == told)
    body.seek(PADDED_MAGIC)
    yield from _read(body, declaration, limits)


def _read(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    reader = pa_ipc.open_stream(body)
    check_header(reader.schema.names, declaration, reader.schema)
    looked_through = 0
    for batch in reader:
        # Every batch has all of its dictionaries with it, which its buffers are checked with.
        looked_through += batch.nbytes
        if looked_through > limits.table_bytes:
            raise TooLarge("The dictionaries are large and come with many small batches: write fewer, larger batches.")
        if batch.num_rows > declaration.row_limit:
            raise too_large(declaration, limits)
        _check_buffers(batch)
        for start in range(0, batch.num_rows, BATCH_ROWS):
            yield from in_pieces(batch.slice(start, BATCH_ROWS), limits.table_bytes)


# --- messages -------------------------------------------------------------------------------------------------------


def _check_messages(body: IO[bytes]) -> int:
    """How many batches a stream holds, which is read to its end mark.

    Raises:
        Invalid: a batch is compressed, or the end is missing, so that rows may be, too.
    """
    batches = 0
    for message in pa_ipc.MessageReader.open_stream(body):
        _check_message(message)
        batches += message.type == "record batch"
    body.seek(-len(END), io.SEEK_CUR)
    if body.read(len(END)) != END:
        raise Invalid(
            "The Arrow stream has no end, so that rows may be missing: close its writer, and send all of it.",
            code="table-unreadable",
        )
    return batches


def _check_footer(body: IO[bytes], holds_as_many: bool) -> None:
    """That the stream is followed by one footer, to the end of the file, which tells of as many batches."""
    start = body.tell()
    length = body.seek(0, io.SEEK_END) - start
    body.seek(-len(MAGIC) - FOOTER_SIZE, io.SEEK_END)
    size = int.from_bytes(body.read(FOOTER_SIZE), "little")
    if size != length - len(MAGIC) - FOOTER_SIZE or not holds_as_many:
        raise _more_than_one("file")


def _more_than_one(what: str) -> Invalid:
    return Invalid(
        f"Something follows the end of the Arrow {what}, which readers leave out: write one {what} of all rows.",
        code="table-unreadable",
    )


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


# --- buffers --------------------------------------------------------------------------------------------------------


def _check_buffers(batch: pa.RecordBatch) -> None:
    """That every offset, length and index lies within its column: one that does not is an address in our memory.

    Raises:
        ArrowInvalid: one does not.
    """
    for column in batch.columns:
        array = _as_bytes(column)
        # Whether each single value is one is told by row; only what is looked up elsewhere is looked through here.
        array.validate(full=not pa.types.is_primitive(array.type))


def _as_bytes(array: pa.Array) -> pa.Array:
    """Texts as the bytes they lie in: what is no UTF-8 is told by row."""
    if pa.types.is_string(array.type):
        return array.view(pa.binary())
    if pa.types.is_large_string(array.type):
        return array.view(pa.large_binary())
    return array.view(pa.binary_view()) if pa.types.is_string_view(array.type) else array
