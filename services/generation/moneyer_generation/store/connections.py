"""Connections to places outside."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.connections import ConnectionRequest, Problem
from moneyer_generation.tables import connections
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page

Kept = Row[tuple[object, ...]]


class ConnectionStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, asked: ConnectionRequest, by: str, at: datetime) -> Kept:
        """A new connection.

        Raises:
            Conflict: the name is taken.
        """
        if await self._connection.scalar(select(connections.c.id).where(connections.c.name == asked.name)):
            raise Conflict(f"There is a connection named {asked.name}.", code="name-taken")
        values = asked.model_dump(mode="json") | {"registered_by": by, "registered_at": at}
        return (await self._connection.execute(insert(connections).values(values).returning(connections))).one()

    async def connection(self, connection_id: UUID) -> Kept:
        """One connection.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(connections).where(connections.c.id == connection_id)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"There is no connection {connection_id}.")
        return row

    async def page(self, after: UUID | None) -> Sequence[Kept]:
        return await page(self._connection, select(connections), connections.c.id, after=after)

    async def retire(self, connection_id: UUID, at: datetime) -> None:
        """Let nothing more be pulled through it."""
        which = (connections.c.id == connection_id, connections.c.retired_at.is_(None))
        await self._connection.execute(update(connections).where(*which).values(retired_at=at))

    async def save_test(self, connection_id: UUID, at: datetime, problem: Problem | None) -> None:
        kept = problem.model_dump(mode="json") if problem else None
        changed = update(connections).where(connections.c.id == connection_id)
        await self._connection.execute(changed.values(tested_at=at, problem=kept))
