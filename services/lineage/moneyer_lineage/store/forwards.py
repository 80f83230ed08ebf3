"""What other sinks of OpenLineage have been told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.store import places
from moneyer_lineage.store.places import START, Place
from moneyer_lineage.tables import events, forwards


class ForwardStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def reached(self, sink: str) -> Place:
        query = select(forwards.c.written_in, forwards.c.event_id).where(forwards.c.sink == sink)
        row = (await self._connection.execute(query)).one_or_none()
        return (row.written_in, row.event_id) if row is not None else START

    async def after(self, place: Place, limit: int) -> Sequence[Row[Any]]:
        """The next events for a sink."""
        return await places.after(self._connection, place, limit, events.c.event)

    async def reach(self, sink: str, place: Place, refused: int, at: datetime) -> None:
        added = upsert(forwards).values(sink=sink, written_in=place[0], event_id=place[1], refused=refused, at=at)
        moved = {
            "written_in": added.excluded.written_in, "event_id": added.excluded.event_id, "at": at,
            "refused": forwards.c.refused + added.excluded.refused,
        }  # fmt: skip
        await self._connection.execute(added.on_conflict_do_update(index_elements=["sink"], set_=moved))

    async def sinks(self) -> Sequence[Row[Any]]:
        """How far each sink is, and how many events wait for it, as far as anybody counts."""
        reached = tuple_(forwards.c.written_in, forwards.c.event_id)
        query = select(forwards, places.waiting(reached).label("waiting")).order_by(forwards.c.sink)
        return (await self._connection.execute(query)).all()
