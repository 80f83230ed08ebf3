"""A table's bytes in one of three forms, whole or in part."""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import Literal, Protocol, Self

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq

from moneyer_shared import custody
from moneyer_shared.errors import RangeNotSatisfiable
from moneyer_shared.spool import Spool

Format = Literal["parquet", "arrow", "csv"]
MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
}


@dataclass(frozen=True)
class Rendered:
    """A table's bytes in one form, the same bytes every time."""

    spool: Spool

    @property
    def headers(self) -> dict[str, str]:
        """Digest of the whole, whatever part is sent (RFC 9530), a strong validator, and that parts may be asked."""
        digest = bytes.fromhex(self.spool.sha256)
        return {
            "Repr-Digest": f"sha-256=:{b64encode(digest).decode()}:",
            "ETag": f'"{digest.hex()}"',
            "Accept-Ranges": "bytes",
        }

    def pieces(self, part: range) -> Iterator[bytes]:
        """The bytes of that part; the spool goes when they are sent, or nobody takes them any more."""
        try:
            at = part.start
            while at < part.stop:
                piece = self.spool.read_at(at, part.stop - at)
                at += len(piece)
                yield piece
        finally:
            self.spool.close()


def render(table: pq.ParquetFile, form: Format) -> Rendered:
    """The table's bytes in the asked form, under seal while they wait.

    Raises:
        Unavailable: the disk is full.
    """
    spool = Spool()
    try:
        with WRITERS[form](spool.writer(), table.schema_arrow) as writer:
            for batch in table.iter_batches(batch_size=custody.GROUP_ROWS, use_threads=False):
                writer.write(batch)
    except BaseException:
        spool.close()
        raise
    return Rendered(spool)


class Writer(Protocol):
    """What writes a table batch by batch, and its end when it is left."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> object: ...

    def write(self, batch: pa.RecordBatch) -> None: ...


class _ParquetBatches:
    """A Parquet writer that takes batches, and ends when it is left, as those of the other forms do."""

    def __init__(self, sink: RawIOBase, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)


WRITERS: dict[Format, Callable[[RawIOBase, pa.Schema], Writer]] = {
    "parquet": _ParquetBatches,
    "arrow": pa_ipc.new_stream,
    "csv": pa_csv.CSVWriter,
}


def part_of(size: int, asked: str | None) -> range | None:
    """The bytes a Range header asks for (RFC 9110 §14.1.2); None for the whole, also where it is not one range.

    Raises:
        RangeNotSatisfiable: it lies beyond the end.
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (asked or "").strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise RangeNotSatisfiable(f"It has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return range(start, stop)
