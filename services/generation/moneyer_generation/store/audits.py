"""Audits of engines: rows in, rows out; nothing here commits."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.tables import audits
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


class AuditStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, values: Mapping[str, Any]) -> Row[Any]:
        row: Row[Any] = (await self._connection.execute(insert(audits).values(**values).returning(audits))).one()
        return row

    async def audit(self, audit_id: UUID) -> Row[Any]:
        """One audit.

        Raises:
            NotFound: there is none of that id.
        """
        query = select(audits).where(audits.c.id == audit_id)
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no audit {audit_id}.")
        return found

    async def page(self, after: UUID | None) -> Sequence[Row[Any]]:
        order = (audits.c.requested_at, audits.c.id)
        return await page(self._connection, select(audits), *order, after=after, newest_first=True)

    async def save(self, audit_id: UUID, before: str, **values: Any) -> Row[Any]:
        """Move an audit on, unless another worker did.

        Raises:
            Conflict: it is no longer in the state it was read in.
        """
        moved = update(audits).where(audits.c.id == audit_id, audits.c.state == before).values(**values)
        found: Row[Any] | None = (await self._connection.execute(moved.returning(audits))).one_or_none()
        if found is None:
            raise Conflict("Another worker moved this audit on.", code="moved-on")
        return found
