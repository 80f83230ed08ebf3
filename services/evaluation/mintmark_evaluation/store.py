"""Evaluation's only SQL: rows in, rows out; nothing here commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_evaluation.tables import assays
from mintmark_shared.errors import Conflict, NotFound

PAGE = 100


class Store:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asset_id: UUID, request: Mapping[str, Any], at: datetime) -> UUID:
        """A new assay.

        Raises:
            Conflict: the asset has one.
        """
        if await self._connection.scalar(select(assays.c.id).where(assays.c.asset_id == asset_id)):
            raise Conflict("This asset has an assay.", code="already-assayed")
        made = insert(assays).values(asset_id=asset_id, request=request, state="queued", requested_at=at)
        made_id: UUID = (await self._connection.execute(made.returning(assays.c.id))).scalar_one()
        return made_id

    async def assay(self, assay_id: UUID) -> Row[Any]:
        found = (await self._connection.execute(select(assays).where(assays.c.id == assay_id))).one_or_none()
        if found is None:
            raise NotFound(f"There is no assay {assay_id}.")
        return found

    async def page(self, asset_id: UUID | None, after: UUID | None) -> Sequence[Row[Any]]:
        query = select(assays).order_by(assays.c.id).limit(PAGE)
        if asset_id is not None:
            query = query.where(assays.c.asset_id == asset_id)
        if after is not None:
            query = query.where(assays.c.id > after)
        return (await self._connection.execute(query)).all()

    async def save(self, assay_id: UUID, before: str, **values: Any) -> Row[Any]:
        """Move an assay on, unless another worker did.

        Raises:
            Conflict: it is no longer in the state it was read in.
        """
        moved = update(assays).where(assays.c.id == assay_id, assays.c.state == before).values(**values)
        found: Row[Any] | None = (await self._connection.execute(moved.returning(assays))).one_or_none()
        if found is None:
            raise Conflict("Another worker moved this assay on.", code="moved-on")
        return found
