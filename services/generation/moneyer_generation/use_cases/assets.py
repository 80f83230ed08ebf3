"""Reading a released asset: policy opens the key for a holder of a grant, and for nobody else (I2)."""

import asyncio
from base64 import b64decode
from dataclasses import dataclass
from uuid import UUID

import pyarrow.parquet as pq

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.policy import UnlockRequest
from moneyer_shared.errors import NotFound


@dataclass(frozen=True)
class OpenedAsset:
    """A released table, read as it is asked for, and what was recorded of it."""

    table: pq.ParquetFile
    file: AssetFile


async def open_asset(
    flow: Flow, asset_id: UUID, *, reader: str | None = None, delivery: UUID | None = None
) -> OpenedAsset:
    """The asset's table, for the caller unless another ``reader`` is named; for a ``delivery``, which policy notes.

    Raises:
        NotFound: no such asset, or not decided on yet.
        Forbidden: rejected, or the reader holds no valid grant.
        Gone: its key was destroyed.
    """
    async with flow.begin(Work, read_only=True) as work:
        asset = (await work.runs.run(asset_id)).asset
    if asset is None:
        raise NotFound(f"Generation {asset_id} has made no table.")
    opened = await flow.dependencies.policy.unlock(
        asset_id, UnlockRequest(subject=reader or flow.by, delivery=delivery)
    )
    objects = flow.dependencies.objects
    table = await asyncio.to_thread(custody.open_table, objects, asset.object, b64decode(opened.key))
    return OpenedAsset(table, asset)
