"""What other sinks of OpenLineage have been told."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.documents.openlineage import Forward
from moneyer_lineage.record.rules.statements import Event
from moneyer_lineage.record.store import cursor
from moneyer_lineage.record.store.cursor import START, Cursor
from moneyer_lineage.record.tables.events import events, forwards


class ForwardStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def reached(self, sink: str) -> Cursor:
        query = select(forwards.c.written_in, forwards.c.event_id).where(forwards.c.sink == sink)
        row = (await self._connection.execute(query)).one_or_none()
        return Cursor(row.written_in, row.event_id) if row is not None else START

    async def after(self, reached: Cursor, limit: int) -> list[tuple[Cursor, Event]]:
        """The next events for a sink."""
        rows = await cursor.after(self._connection, reached, limit, events.c.event)
        return [(Cursor(row.written_in, row.id), row.event) for row in rows]

    async def reach(self, sink: str, reached: Cursor, refused: int, at: datetime) -> None:
        added = upsert(forwards).values(sink=sink, **reached._asdict(), refused=refused, at=at)
        moved = {
            "written_in": added.excluded.written_in, "event_id": added.excluded.event_id, "at": at,
            "refused": forwards.c.refused + added.excluded.refused,
        }  # fmt: skip
        await self._connection.execute(added.on_conflict_do_update(index_elements=["sink"], set_=moved))

    async def sinks(self) -> list[Forward]:
        """How far each sink is, and how many events wait for it, as far as anybody counts."""
        reached = tuple_(forwards.c.written_in, forwards.c.event_id)
        query = select(forwards, cursor.waiting(reached).label("waiting")).order_by(forwards.c.sink)
        return [Forward.model_validate(row) for row in await self._connection.execute(query)]
