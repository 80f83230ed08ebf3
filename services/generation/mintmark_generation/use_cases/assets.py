"""Reading a released asset: policy opens the key for a holder of a grant, and for nobody else (I2)."""

import hashlib
import io
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
from starlette.concurrency import run_in_threadpool

from mintmark_generation.store import Store
from mintmark_generation.use_cases.workshop import Workshop
from mintmark_shared import custody
from mintmark_shared.contracts.policy import UnlockRequest
from mintmark_shared.errors import NotFound, RangeNotSatisfiable

Format = Literal["parquet", "arrow", "csv"]
MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "csv": "text/csv; charset=utf-8",
}
CHUNK = 2**20


async def open_asset(works: Workshop, asset_id: UUID, *, subject: str) -> pa.Table:
    """The asset's table.

    Raises:
        NotFound: no such asset, or not decided on yet.
        Forbidden: rejected, or the subject holds no valid grant.
        Gone: its key was destroyed.
    """
    async with works.database.transaction() as connection:
        run = await Store(connection).run(asset_id)
    if not run.asset:
        raise NotFound(f"Generation {asset_id} has made no table.")
    opened = await works.policy.unlock(asset_id, UnlockRequest(subject=subject))
    return await run_in_threadpool(custody.read_table, works.objects, run.asset["object"], b64decode(opened.key))


@dataclass(frozen=True)
class Rendered:
    """A table's bytes in one form, the same bytes every time."""

    content: memoryview
    sha256: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Digest of the whole, whatever part is sent (RFC 9530), a strong validator, and that parts may be asked."""
        return {
            "Repr-Digest": f"sha-256=:{b64encode(self.sha256).decode()}:",
            "ETag": f'"{self.sha256.hex()}"',
            "Accept-Ranges": "bytes",
        }

    def pieces(self, part: range) -> Iterator[bytes]:
        for start in range(part.start, part.stop, CHUNK):
            yield bytes(self.content[start : min(start + CHUNK, part.stop)])


def render(table: pa.Table, form: Format) -> Rendered:
    """The table's bytes in the asked form."""
    sink = io.BytesIO()
    match form:
        case "parquet":
            pq.write_table(table, sink, compression="zstd")
        case "arrow":
            with pa_ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        case "csv":
            pa_csv.write_csv(table, sink)
    content = sink.getbuffer()
    return Rendered(content, hashlib.sha256(content).digest())


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
