"""Connections to places outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.documents.connections import ConnectionRequest, Problem, Target, Use
from moneyer_generation.tables import connections
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page

_TARGET: TypeAdapter[Target] = TypeAdapter(Target)


@dataclass(frozen=True)
class Kept:
    """A connection with where it leads, which not everybody is told."""

    id: UUID
    name: str
    target: Target
    secret_ref: str | None
    users: Sequence[str]
    uses: Sequence[Use]
    registered_by: str
    registered_at: datetime
    retired_at: datetime | None
    tested_at: datetime | None
    problem: Problem | None


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
        return _kept((await self._connection.execute(insert(connections).values(values).returning(connections))).one())

    async def connection(self, connection_id: UUID) -> Kept:
        """One connection.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(connections).where(connections.c.id == connection_id)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise NotFound(f"There is no connection {connection_id}.")
        return _kept(row)

    async def by_secret(self, secret_ref: str) -> Sequence[Kept]:
        """Every connection that ever used the secret there."""
        query = select(connections).where(connections.c.secret_ref == secret_ref)
        return [_kept(row) for row in await self._connection.execute(query)]

    async def page(self, after: UUID | None) -> Sequence[Kept]:
        rows = await page(self._connection, select(connections), connections.c.id, after=after)
        return [_kept(row) for row in rows]

    async def retire(self, connection_id: UUID, at: datetime) -> None:
        """Let it be used no more."""
        which = (connections.c.id == connection_id, connections.c.retired_at.is_(None))
        await self._connection.execute(update(connections).where(*which).values(retired_at=at))

    async def save_test(self, connection_id: UUID, at: datetime, problem: Problem | None) -> None:
        kept = problem.model_dump(mode="json") if problem else None
        changed = update(connections).where(connections.c.id == connection_id)
        await self._connection.execute(changed.values(tested_at=at, problem=kept))


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(
        id=row.id,
        name=row.name,
        target=_TARGET.validate_python(row.target),
        secret_ref=row.secret_ref,
        users=row.users,
        uses=row.uses,
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        retired_at=row.retired_at,
        tested_at=row.tested_at,
        problem=Problem.model_validate(row.problem) if row.problem else None,
    )
