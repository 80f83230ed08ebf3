"""Monitors, what they saw, and the scores posted to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.tables import looks, monitors, score_batches
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

MOST_AT_ONCE = 100


class MonitorStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, values: Mapping[str, Any]) -> Row[Any]:
        row: Row[Any] = (await self._connection.execute(insert(monitors).values(**values).returning(monitors))).one()
        return row

    async def monitor(self, monitor_id: UUID, *, lock: bool = False) -> Row[Any]:
        query = select(monitors).where(monitors.c.id == monitor_id)
        found: Row[Any] | None = (
            await self._connection.execute(query.with_for_update() if lock else query)
        ).one_or_none()
        if found is None:
            raise NotFound(f"There is no monitor {monitor_id}.")
        return found

    async def page(self, asset_id: UUID | None, after: UUID | None) -> Sequence[Row[Any]]:
        query = select(monitors)
        if asset_id is not None:
            query = query.where(monitors.c.asset_id == asset_id)
        return await page(self._connection, query, monitors.c.id, after=after)

    async def set(self, monitor_id: UUID, **values: Any) -> Row[Any]:
        changed = update(monitors).where(monitors.c.id == monitor_id).values(**values)
        row: Row[Any] = (await self._connection.execute(changed.returning(monitors))).one()
        return row

    async def due(self, now: datetime) -> Sequence[Row[Any]]:
        """Monitors whose time has come, locked; those another worker is at are left to it."""
        query = (
            select(monitors)
            .where(monitors.c.state == "active", monitors.c.next_at <= now)
            .order_by(monitors.c.next_at)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        found = (await self._connection.execute(query)).all()
        for row in found:
            await self.set(row.id, next_at=now + timedelta(hours=row.every_hours))
        return found

    async def add_look(self, values: Mapping[str, Any]) -> Row[Any]:
        row: Row[Any] = (await self._connection.execute(insert(looks).values(**values).returning(looks))).one()
        return row

    async def looks(self, monitor_id: UUID, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of what a monitor saw, the latest first."""
        query = select(looks).where(looks.c.monitor_id == monitor_id)
        return await page(self._connection, query, looks.c.number, looks.c.id, after=after, newest_first=True)

    async def untold(self, monitor_id: UUID) -> Sequence[Row[Any]]:
        """Looks that found a breach which policy has not heard of."""
        query = select(looks).where(looks.c.monitor_id == monitor_id, looks.c.state == "found")
        return (await self._connection.execute(query.order_by(looks.c.number))).all()

    async def told(self, look_id: UUID, finding: Mapping[str, Any]) -> None:
        await self._connection.execute(
            update(looks).where(looks.c.id == look_id).values(state="told", finding=dict(finding))
        )

    async def add_scores(self, values: Mapping[str, Any]) -> Row[Any]:
        row: Row[Any] = (
            await self._connection.execute(insert(score_batches).values(**values).returning(score_batches))
        ).one()
        return row

    async def scores(self, monitor_id: UUID) -> tuple[Row[Any], Row[Any]] | None:
        """The first batch and the latest; None where there are not two."""
        query = select(score_batches).where(score_batches.c.monitor_id == monitor_id)
        ends = [
            (await self._connection.execute(query.order_by(order).limit(1))).one_or_none()
            for order in (score_batches.c.id, score_batches.c.id.desc())
        ]
        if ends[0] is None or ends[1] is None or ends[0].id == ends[1].id:
            return None
        return ends[0], ends[1]
