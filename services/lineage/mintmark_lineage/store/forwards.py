"""What other sinks of OpenLineage have been told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_lineage.tables import events, forwards

Place = tuple[int, UUID]
START: Place = (0, UUID(int=0))
# Whatever transaction is older than every one still running has committed or never will.
_SETTLED: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


class ForwardStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def reached(self, sink: str) -> Place:
        query = select(forwards.c.written_in, forwards.c.event_id).where(forwards.c.sink == sink)
        row = (await self._connection.execute(query)).one_or_none()
        return (row.written_in, row.event_id) if row is not None else START

    async def after(self, place: Place, limit: int) -> Sequence[Row[Any]]:
        """The next events in the order they were committed in; one that commits late is never passed over."""
        query = (
            select(events.c.written_in, events.c.id, events.c.event)
            .where(tuple_(events.c.written_in, events.c.id) > place, events.c.written_in < _SETTLED)
            .order_by(events.c.written_in, events.c.id)
            .limit(limit)
        )
        return list((await self._connection.execute(query)).all())  # type: ignore[arg-type]

    async def reach(self, sink: str, place: Place, refused: int, at: datetime) -> None:
        added = upsert(forwards).values(sink=sink, written_in=place[0], event_id=place[1], refused=refused, at=at)
        moved = {
            "written_in": added.excluded.written_in, "event_id": added.excluded.event_id, "at": at,
            "refused": forwards.c.refused + added.excluded.refused,
        }  # fmt: skip
        await self._connection.execute(added.on_conflict_do_update(index_elements=["sink"], set_=moved))

    async def sinks(self) -> Sequence[Row[Any]]:
        waiting = (
            select(func.count())
            .select_from(events)
            .where(tuple_(events.c.written_in, events.c.id) > tuple_(forwards.c.written_in, forwards.c.event_id))
        )
        query = select(forwards, waiting.scalar_subquery().label("waiting")).order_by(forwards.c.sink)
        return (await self._connection.execute(query)).all()
