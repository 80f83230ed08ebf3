"""Copies of assets outside custody."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.documents.assets import Copy
from moneyer_policy.assets.tables import copies


class CopyStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asset_id: UUID, delivery_id: UUID, subject: str, at: datetime) -> None:
        """Note that an asset is opened for a delivery; the first opening of several counts."""
        values = {"delivery_id": delivery_id, "asset_id": asset_id, "subject": subject, "opened_at": at}
        await self._connection.execute(upsert(copies).values(values).on_conflict_do_nothing())

    async def void(self, asset_id: UUID, delivery_id: UUID, at: datetime) -> bool:
        """Note that a delivery left nothing; False where that was known, or nothing was opened for it."""
        which = (copies.c.delivery_id == delivery_id, copies.c.asset_id == asset_id, copies.c.void_at.is_(None))
        voided = update(copies).where(*which).values(void_at=at).returning(copies.c.delivery_id)
        return (await self._connection.execute(voided)).one_or_none() is not None

    async def all(self, asset_id: UUID) -> Sequence[Copy]:
        """All that was opened for deliveries, the oldest first."""
        query = select(copies).where(copies.c.asset_id == asset_id).order_by(copies.c.opened_at, copies.c.delivery_id)
        return [Copy.model_validate(row) for row in await self._connection.execute(query)]

    async def outside(self, asset_id: UUID) -> Sequence[Copy]:
        """Those that lie, or may lie, outside custody."""
        return [one for one in await self.all(asset_id) if one.void_at is None]
