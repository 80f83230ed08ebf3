"""Reading a released asset: policy opens the key for a holder of a grant, and for nobody else (I2)."""

from base64 import b64decode
from uuid import UUID

import pyarrow.parquet as pq
from starlette.concurrency import run_in_threadpool

from moneyer_generation.dependencies import Workshop
from moneyer_generation.store import Store
from moneyer_shared import custody
from moneyer_shared.contracts.policy import UnlockRequest
from moneyer_shared.errors import NotFound


async def open_asset(works: Workshop, asset_id: UUID, *, subject: str) -> pq.ParquetFile:
    """The asset's table, read as it is asked for.

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
    return await run_in_threadpool(custody.open_table, works.objects, run.asset["object"], b64decode(opened.key))
