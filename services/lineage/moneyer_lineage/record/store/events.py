"""OpenLineage events as they came, each once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.documents.openlineage import RecordedEvent
from moneyer_lineage.record.rules.statements import Event, HeardEvent
from moneyer_lineage.record.store import cursor
from moneyer_lineage.record.store.cursor import Cursor
from moneyer_lineage.record.tables.events import events, folded
from moneyer_shared.paging import page


class EventStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_events(self, heard: Sequence[HeardEvent], at: datetime) -> Sequence[str]:
        """Keep events; the digests of those that are new."""
        rows = [
            {
                "digest": one.digest, "event": one.event, "run_id": one.run_id, "parent_run_id": one.parent_run_id,
                "event_time": one.at, "received_at": at, "vouched": one.vouched, "told_by": one.by,
            }
            for one in heard
        ]  # fmt: skip
        added = upsert(events).values(rows).on_conflict_do_nothing(index_elements=["digest", "event_time"])
        return (await self._connection.scalars(added.returning(events.c.digest))).all()

    async def open_month(self, begins: datetime) -> bool:
        """Give events of a month a table of their own, unless there is one or some lie with the others already."""
        return bool(await self._connection.scalar(select(func.open_month(begins))))

    async def events_of_run(self, run_id: str) -> list[Event]:
        """The run's events and those of runs under it that the house vouches for, by time and what they say."""
        found = await self._connection.scalars(
            select(events.c.event)
            .where(or_(events.c.run_id == run_id, events.c.parent_run_id == run_id), events.c.vouched)
            .order_by(events.c.event_time, events.c.digest)
        )
        return list(found.all())

    async def page(self, since: datetime | None, until: datetime | None, after: UUID | None) -> list[RecordedEvent]:
        """A page of the events of a stretch of time, the latest first."""
        query = select(events)
        if since is not None:
            query = query.where(events.c.event_time >= since)
        if until is not None:
            query = query.where(events.c.event_time < until)
        order = (events.c.event_time, events.c.id)
        rows = await page(self._connection, query, *order, after=after, newest_first=True)
        return [RecordedEvent.model_validate(row) for row in rows]

    # --- folding anew what an earlier rule folded ------------------------------------------------

    async def next_to_fold(self, limit: int) -> list[tuple[Cursor, HeardEvent]]:
        """The next events to fold anew, in the order they came; none once all are. Nobody folds beside."""
        query = select(folded).where(~folded.c.is_whole).with_for_update()
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return []
        wanted = (events.c.event, events.c.event_time, events.c.digest, events.c.told_by, events.c.vouched)
        found = await cursor.after(self._connection, Cursor(row.written_in, row.event_id), limit, *wanted)
        if not found:
            await self._connection.execute(update(folded).values(is_whole=True))
        return [
            (Cursor(one.written_in, one.id),
             HeardEvent(one.event, one.event_time, one.digest, one.told_by, one.vouched))
            for one in found
        ]  # fmt: skip

    async def folded_to(self, reached: Cursor) -> None:
        await self._connection.execute(update(folded).values(**reached._asdict()))

    async def is_folded(self) -> bool:
        return bool(await self._connection.scalar(select(folded.c.is_whole)))
