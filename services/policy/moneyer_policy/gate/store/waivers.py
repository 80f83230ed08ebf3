"""Exceptions and broken glass."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.rules.waiver import Waiver
from moneyer_policy.gate.tables.rulebook import waivers
from moneyer_policy.reviews.tables import reviews
from moneyer_shared.errors import NotFound


class WaiverStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_waiver(self, values: Mapping[str, Any]) -> UUID:
        made = insert(waivers).values(**values).returning(waivers.c.id)
        made_id: UUID = (await self._connection.execute(made)).scalar_one()
        return made_id

    async def waiver(self, waiver_id: UUID, *, lock: bool = False) -> Row[Any]:
        query = select(waivers).where(waivers.c.id == waiver_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no waiver {waiver_id}.")
        return found

    async def set_waiver(self, waiver_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(waivers).where(waivers.c.id == waiver_id).values(**values))

    async def was_glass_rejected(self, charter_id: UUID, requester: str, since: datetime) -> bool:
        """Whether the committee rejected glass that was broken for somebody under a charter, later than that."""
        query = select(waivers.c.id).join(reviews, reviews.c.id == waivers.c.review_id)
        query = query.where(waivers.c.kind == "break-glass", waivers.c.charter_id == charter_id)
        query = query.where(waivers.c.requester == requester, reviews.c.state == "rejected")
        return await self._connection.scalar(query.where(reviews.c.decided_at > since).limit(1)) is not None

    async def waiver_rows(self, charter_id: UUID) -> Sequence[Row[Any]]:
        query = select(waivers).where(waivers.c.charter_id == charter_id).order_by(waivers.c.id)
        return (await self._connection.execute(query)).all()

    async def waivers(self, charter_id: UUID) -> tuple[Waiver, ...]:
        """Those that count: exceptions approved and unused, glass that a second person confirmed."""
        return tuple(
            Waiver(
                id=str(row.id),
                kind=row.kind,
                rule=row.rule,
                made_at=row.made_at,
                valid_until=row.valid_until,
                use_case=row.use_case,
                requester=row.requester,
                single_use=row.single_use,
            )
            for row in await self.waiver_rows(charter_id)
            if row.confirmed_by is not None and (row.used_by is None or not row.single_use)
        )
