"""Reading an upload: spooled under seal, then taken batch by batch, so that no table need fit in memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid, TooLarge, UnsupportedMedia
from moneyer_shared.intake.parquet import MOST_COLUMNS, check_values_fit, in_pieces, read_batches
from moneyer_shared.intake.values import MOST_REASONS, check_batch, reason_of
from moneyer_shared.spool import Spool

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ARROW_STREAM, ARROW_FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
MEDIA_TYPES = (CSV, PARQUET, ARROW_STREAM, ARROW_FILE)
BATCH_ROWS = 65_536
CSV_BLOCK = 4 * 2**20
LONGEST_HEADER = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much an upload may hold: as sent, and once decoded."""

    body_bytes: int
    table_bytes: int


@dataclass(frozen=True)
class Upload:
    """A table on its way in: read from its spool as often as needed, checked each time."""

    spool: Spool
    media_type: str
    declaration: SourceDeclaration
    limits: Limits

    def tables(self) -> Iterator[pa.Table]:
        """The declared columns as they lie at rest, a batch at a time, every value inside the declared domain.

        Raises:
            Invalid: with reasons naming column and row.
            UnsupportedMedia: not a format we read.
            TooLarge: more rows or bytes than declared or allowed.
        """
        reader = READERS.get(self.media_type)
        if reader is None:
            raise UnsupportedMedia(f"Send {', '.join(MEDIA_TYPES)}; not {self.media_type or 'an unnamed type'}.")
        rows = size = 0
        try:
            with self.spool.reader() as body:
                for batch in reader(body, self.declaration, self.limits):
                    if rows + batch.num_rows > self.declaration.row_limit:
                        raise self._too_large()
                    table = check_batch(batch, self.declaration, rows)
                    rows += batch.num_rows
                    size += table.nbytes
                    if size > self.limits.table_bytes:
                        raise self._too_large()
                    yield table
        except (pa.ArrowException, OSError) as error:
            # Arrow's message may quote a line of the file.
            because = f"The body is not readable {self.media_type}: {_fault(error)}."
            raise Invalid(because, code="table-unreadable") from None
        if rows == 0:
            raise Invalid("The table has no rows.", code="table-empty")

    def _too_large(self) -> TooLarge:
        return _too_large(self.declaration, self.limits)


def _too_large(declaration: SourceDeclaration, limits: Limits) -> TooLarge:
    return TooLarge(f"The table holds more than {declaration.row_limit} rows or {limits.table_bytes} bytes.")


ARROW_MAGIC = 8


def _fault(error: Exception) -> str:
    text = str(error).lower()
    if "utf8" in text or "utf-8" in text:
        return "it is not UTF-8"
    return "it is damaged or cut short"


# --- the formats --------------------------------------------------------------------------


def _csv_batches(body: IO[bytes], declaration: SourceDeclaration, _: Limits) -> Iterator[pa.RecordBatch]:
    header = _csv_header(body)
    _check_header(header, declaration)
    ragged: list[int] = []

    def on_ragged(row: pa_csv.InvalidRow) -> str:
        ragged.append(-1 if row.number is None else row.number - 1)
        return "error"

    try:
        reader = pa_csv.open_csv(
            body,
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_ragged),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        yield from reader
    except pa.ArrowInvalid:
        if ragged:
            reason = reason_of("row-ragged", "", ragged[0], f"{len(header)} fields", "another number of fields")
            raise Invalid("A row has another number of fields.", code="table-invalid", reasons=[reason]) from None
        raise


def _csv_header(body: IO[bytes]) -> list[str]:
    line = body.readline(LONGEST_HEADER)
    body.seek(0)
    if len(line) == LONGEST_HEADER or line.count(b",") >= MOST_COLUMNS:
        raise _too_wide()
    if not line.strip():
        raise Invalid("The table has no rows.", code="table-empty")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The body is not readable text/csv: it is not UTF-8.", code="table-unreadable") from None
    first = pa_csv.read_csv(
        pa.BufferReader(line), read_options=pa_csv.ReadOptions(autogenerate_column_names=True, use_threads=False)
    )
    return [str(column[0].as_py()) for column in first.columns]


def _too_wide() -> Invalid:
    return Invalid(
        f"A table may have {MOST_COLUMNS} columns, and a header {LONGEST_HEADER} bytes.", code="table-invalid"
    )


def _parquet_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    metadata = pq.read_metadata(body)
    if metadata.num_columns > MOST_COLUMNS:
        raise _too_wide()
    _check_header(metadata.schema.to_arrow_schema().names, declaration)
    decoded = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > declaration.row_limit or decoded > limits.table_bytes:
        raise _too_large(declaration, limits)
    check_values_fit(metadata, declaration)
    for batch in read_batches(body, metadata, declaration):
        yield from in_pieces(batch, limits.table_bytes)


def _arrow_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    for message in pa_ipc.MessageReader.open_stream(body):
        _check_message(message)
    body.seek(0)
    reader = pa_ipc.open_stream(body)
    _check_header(reader.schema.names, declaration)
    for batch in reader:
        yield from _slices(batch, declaration, limits)


def _arrow_file_batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    """An Arrow file is a stream between a magic word and a footer."""
    reader = pa_ipc.open_file(body)
    _check_header(reader.schema.names, declaration)
    body.seek(ARROW_MAGIC)
    for message in pa_ipc.MessageReader.open_stream(body):
        _check_message(message)
    for number in range(reader.num_record_batches):
        yield from _slices(reader.get_batch(number), declaration, limits)


def _slices(batch: pa.RecordBatch, declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    if batch.num_rows > declaration.row_limit:
        raise _too_large(declaration, limits)
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


def _check_header(names: Sequence[str], declaration: SourceDeclaration) -> None:
    declared = [column.name for column in declaration.columns]
    known, counts = set(declared), Counter(names)
    # An undeclared name may itself be data (a file without a header); it is counted, not repeated.
    strange = [i for i, name in enumerate(names) if name not in known]
    twice = sorted(name for name, count in counts.items() if count > 1)
    reasons = [
        reason_of("column-duplicate", name, 0, "each column once", "more than once") for name in twice if name in known
    ]
    reasons += [reason_of("column-missing", name, 0, "present", "absent") for name in declared if name not in counts]
    reasons += [
        reason_of("column-undeclared", f"number {i + 1}", 0, "a declared column", "another name")
        for i in strange[:MOST_REASONS]
    ]
    if reasons or twice:
        raise Invalid(
            "The header does not match the declaration.", code="table-invalid", reasons=reasons[:MOST_REASONS]
        )


Reader = Callable[[IO[bytes], SourceDeclaration, Limits], Iterator[pa.RecordBatch]]
READERS: dict[str, Reader] = {
    CSV: _csv_batches,
    PARQUET: _parquet_batches,
    ARROW_STREAM: _arrow_batches,
    ARROW_FILE: _arrow_file_batches,
}
