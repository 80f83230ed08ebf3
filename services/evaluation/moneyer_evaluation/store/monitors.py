"""Monitors, what they saw, and the scores posted to them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.documents import KeptLook, KeptMonitor, MonitorRequest
from moneyer_evaluation.tables import looks, monitors, score_batches
from moneyer_shared.contracts.evaluation import CriterionResult, Estimate
from moneyer_shared.contracts.policy import Finding
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

MOST_AT_ONCE = 100


class ScoreCounts(NamedTuple):
    """A batch of scores, as how many lie in each cell of their range."""

    id: UUID
    counts: list[int]


class MonitorStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asked: MonitorRequest, *, by: str, at: datetime) -> KeptMonitor:
        """A new monitor, active, whose first look is due at once."""
        made = insert(monitors).values(
            kind=asked.terms.kind,
            asset_id=asked.asset_id,
            name=asked.name,
            terms=asked.terms.model_dump(mode="json"),
            state="active",
            every_hours=asked.every_hours,
            scorers=sorted(set(asked.scorers)),
            made_by=by,
            made_at=at,
            next_at=at,
        )
        return KeptMonitor.model_validate((await self._connection.execute(made.returning(monitors))).one())

    async def monitor(self, monitor_id: UUID, *, lock: bool = False) -> KeptMonitor:
        """A monitor, locked until the transaction ends where that is asked.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(monitors).where(monitors.c.id == monitor_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no monitor {monitor_id}.")
        return KeptMonitor.model_validate(found)

    async def monitors(self, asset_id: UUID | None, after: UUID | None) -> list[KeptMonitor]:
        """A page of all monitors, or of one asset's."""
        query = select(monitors)
        if asset_id is not None:
            query = query.where(monitors.c.asset_id == asset_id)
        rows = await page(self._connection, query, monitors.c.id, after=after)
        return [KeptMonitor.model_validate(row) for row in rows]

    async def set(self, monitor_id: UUID, **values: object) -> KeptMonitor:
        changed = update(monitors).where(monitors.c.id == monitor_id).values(**values)
        return KeptMonitor.model_validate((await self._connection.execute(changed.returning(monitors))).one())

    async def due(self, now: datetime) -> list[UUID]:
        """Monitors whose time has come, locked, and due again later; those another worker is at are left to it."""
        query = (
            select(monitors.c.id, monitors.c.every_hours)
            .where(monitors.c.state == "active", monitors.c.next_at <= now)
            .order_by(monitors.c.next_at)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        found = (await self._connection.execute(query)).all()
        for row in found:
            await self.set(row.id, next_at=now + timedelta(hours=row.every_hours))
        return [row.id for row in found]

    async def add_look(
        self,
        monitor_id: UUID,
        number: int,
        seen: str,
        estimates: Sequence[Estimate],
        breaches: Sequence[CriterionResult],
        at: datetime,
    ) -> KeptLook:
        """What a monitor saw; a breach waits until policy has heard of it."""
        made = insert(looks).values(
            monitor_id=monitor_id,
            number=number,
            seen=seen,
            at=at,
            state="found" if breaches else "told",
            estimates=[one.model_dump(mode="json") for one in estimates],
            breaches=[one.model_dump(mode="json") for one in breaches],
        )
        return KeptLook.model_validate((await self._connection.execute(made.returning(looks))).one())

    async def looks(self, monitor_id: UUID, after: UUID | None) -> list[KeptLook]:
        """A page of what a monitor saw, the latest first."""
        query = select(looks).where(looks.c.monitor_id == monitor_id)
        rows = await page(self._connection, query, looks.c.number, looks.c.id, after=after, newest_first=True)
        return [KeptLook.model_validate(row) for row in rows]

    async def unreported(self, monitor_id: UUID) -> list[KeptLook]:
        """Looks that found a breach which policy has not heard of."""
        query = select(looks).where(looks.c.monitor_id == monitor_id, looks.c.state == "found")
        rows = (await self._connection.execute(query.order_by(looks.c.number))).all()
        return [KeptLook.model_validate(row) for row in rows]

    async def mark_reported(self, look_id: UUID, finding: Finding) -> None:
        """Keep what policy made of a look's breach."""
        values = {"state": "told", "finding": finding.model_dump(mode="json")}
        await self._connection.execute(update(looks).where(looks.c.id == look_id).values(values))

    async def add_scores(self, monitor_id: UUID, counts: Sequence[int], *, by: str, at: datetime) -> UUID:
        """Keep a batch of scores; its id."""
        made = insert(score_batches).values(monitor_id=monitor_id, counts=counts, posted_by=by, posted_at=at)
        made_id: UUID = (await self._connection.execute(made.returning(score_batches.c.id))).scalar_one()
        return made_id

    async def scores(self, monitor_id: UUID) -> tuple[ScoreCounts, ScoreCounts] | None:
        """The first batch and the latest; None where there are not two."""
        query = select(score_batches.c.id, score_batches.c.counts).where(score_batches.c.monitor_id == monitor_id)
        ends = [
            (await self._connection.execute(query.order_by(order).limit(1))).one_or_none()
            for order in (score_batches.c.id, score_batches.c.id.desc())
        ]
        if ends[0] is None or ends[1] is None or ends[0].id == ends[1].id:
            return None
        return ScoreCounts(*ends[0]), ScoreCounts(*ends[1])
