"""OpenLineage events as they came, each once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.store import places
from moneyer_lineage.store.places import Place
from moneyer_lineage.tables import events, folded
from moneyer_shared.paging import page


class EventStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_events(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """The digests of those that are new."""
        added = upsert(events).values(list(rows)).on_conflict_do_nothing(index_elements=["digest", "event_time"])
        return (await self._connection.scalars(added.returning(events.c.digest))).all()

    async def open_month(self, begins: datetime) -> bool:
        """Give events of a month a table of their own, unless there is one or some lie with the others already."""
        return bool(await self._connection.scalar(select(func.open_month(begins))))

    async def events_of_run(self, run_id: str) -> Sequence[Any]:
        """The run's events and those of runs under it that the house vouches for, by time and what they say."""
        found = await self._connection.scalars(
            select(events.c.event)
            .where(or_(events.c.run_id == run_id, events.c.parent_run_id == run_id), events.c.vouched)
            .order_by(events.c.event_time, events.c.digest)
        )
        return found.all()

    async def page(self, since: datetime | None, until: datetime | None, after: UUID | None) -> Sequence[Any]:
        """A page of the events of a stretch of time, the latest first."""
        query = select(events)
        if since is not None:
            query = query.where(events.c.event_time >= since)
        if until is not None:
            query = query.where(events.c.event_time < until)
        return await page(self._connection, query, events.c.event_time, events.c.id, after=after, newest_first=True)

    # --- folding anew what an earlier rule folded ------------------------------------------------

    async def next_to_fold(self, limit: int) -> Sequence[Any]:
        """The next events to fold anew, in the order they came; none once all are. Nobody folds beside."""
        query = select(folded).where(~folded.c.is_whole).with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return []
        wanted = (events.c.event, events.c.event_time, events.c.digest, events.c.told_by, events.c.vouched)
        found = await places.after(self._connection, (row.written_in, row.event_id), limit, *wanted)
        if not found:
            await self._connection.execute(update(folded).values(is_whole=True))
        return found

    async def folded_to(self, place: Place) -> None:
        written_in, event_id = place
        await self._connection.execute(update(folded).values(written_in=written_in, event_id=event_id))

    async def is_folded(self) -> bool:
        return bool(await self._connection.scalar(select(folded.c.is_whole)))
