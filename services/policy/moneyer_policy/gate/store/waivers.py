"""Exceptions and broken glass."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.documents.waivers import Waiver
from moneyer_policy.gate.rules.waiver import WaiverInEffect
from moneyer_policy.gate.tables.rulebook import waivers
from moneyer_policy.reviews.tables import reviews
from moneyer_shared.errors import NotFound


class WaiverStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, **values: object) -> Waiver:
        return _read(await self._connection.execute(insert(waivers).values(**values).returning(waivers)))

    async def one(self, waiver_id: UUID, *, lock: bool = False) -> Waiver:
        """Raises NotFound: there is none."""
        query = select(waivers).where(waivers.c.id == waiver_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no waiver {waiver_id}.")
        return Waiver.model_validate(found)

    async def change(self, waiver_id: UUID, **values: object) -> Waiver:
        changed = update(waivers).where(waivers.c.id == waiver_id).values(**values).returning(waivers)
        return _read(await self._connection.execute(changed))

    async def was_glass_rejected(self, charter_id: UUID, requester: str | None, since: datetime) -> bool:
        """Whether the committee rejected glass that was broken for somebody under a charter, later than that."""
        query = select(waivers.c.id).join(reviews, reviews.c.id == waivers.c.review_id)
        query = query.where(waivers.c.kind == "break-glass", waivers.c.charter_id == charter_id)
        query = query.where(waivers.c.requester == requester, reviews.c.state == "rejected")
        return await self._connection.scalar(query.where(reviews.c.decided_at > since).limit(1)) is not None

    async def of_charter(self, charter_id: UUID) -> list[Waiver]:
        query = select(waivers).where(waivers.c.charter_id == charter_id).order_by(waivers.c.id)
        return [Waiver.model_validate(row) for row in await self._connection.execute(query)]

    async def in_effect(self, charter_id: UUID) -> tuple[WaiverInEffect, ...]:
        """Exceptions approved and unused, glass that a second person confirmed."""
        return tuple(
            WaiverInEffect(
                id=str(waiver.id),
                kind=waiver.kind,
                rule=waiver.rule,
                made_at=waiver.made_at,
                valid_until=waiver.valid_until,
                use_case=waiver.use_case,
                requester=waiver.requester,
                single_use=waiver.single_use,
            )
            for waiver in await self.of_charter(charter_id)
            if waiver.confirmed_by is not None and (waiver.used_by is None or not waiver.single_use)
        )


def _read(result: CursorResult[tuple[object, ...]]) -> Waiver:
    return Waiver.model_validate(result.one())
