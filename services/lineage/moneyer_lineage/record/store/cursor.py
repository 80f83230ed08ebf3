"""Reading all events once, in the order they were committed in, past those that commit late."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, ScalarSelect, and_, func, literal, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.record.tables.events import events


class Cursor(NamedTuple):
    """How far a reader has got: the transaction and the id of the last event it took."""

    written_in: int
    event_id: UUID


START = Cursor(0, UUID(int=0))
MOST_WAITING = 10_000
# Whatever transaction is older than every one still running has committed or never will.
_COMPLETE: ColumnElement[int] = literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_NEXT: ColumnElement[int] = literal_column("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")


def beyond(cursor: Any) -> ColumnElement[bool]:
    """Events after a cursor, or after one that a row holds; late ones among them."""
    later: ColumnElement[bool] = tuple_(events.c.written_in, events.c.id) > cursor
    return later


async def are_in_order(connection: AsyncConnection) -> bool:
    """Whether what is told next comes after all that was told, in the numbers Postgres gives its transactions."""
    told = select(func.coalesce(func.max(events.c.written_in), 0)).scalar_subquery()
    return bool(await connection.scalar(select(told < _NEXT)))


async def after(
    connection: AsyncConnection, cursor: Cursor, limit: int, *columns: ColumnElement[Any]
) -> Sequence[Row[tuple[Any, ...]]]:
    """(written_in, id, and what is asked for) of the next events; one that commits late is never passed over."""
    query = (
        select(events.c.written_in, events.c.id, *columns)
        .where(and_(beyond(cursor), events.c.written_in < _COMPLETE))
        .order_by(events.c.written_in, events.c.id)
        .limit(limit)
    )
    return list((await connection.execute(query)).all())


def waiting(cursor: Any) -> ScalarSelect[int]:
    """How many events are after a cursor, counted up to a point: more exactly nobody needs to know it."""
    some = select(literal(1)).where(beyond(cursor)).limit(MOST_WAITING).correlate_except(events).subquery()
    return select(func.count()).select_from(some).scalar_subquery()
