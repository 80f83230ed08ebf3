"""Reading a released asset: policy opens the key for a holder of a grant, and for nobody else (I2)."""

import io
from base64 import b64decode
from collections.abc import Iterator
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
from mintmark_shared.errors import NotFound

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


def render(table: pa.Table, form: Format) -> Iterator[bytes]:
    """The table's bytes in the asked form, in pieces."""
    sink = io.BytesIO()
    match form:
        case "parquet":
            pq.write_table(table, sink, compression="zstd")
        case "arrow":
            with pa_ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        case "csv":
            pa_csv.write_csv(table, sink)
    sink.seek(0)
    while piece := sink.read(CHUNK):
        yield piece
