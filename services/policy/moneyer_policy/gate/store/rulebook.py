"""Which rules these are: held by whoever relies on them, begun anew by whoever changes them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.tables.rulebook import governance

GOVERNANCE = (0x6D6D, 1)
"""The advisory lock on what governs: shared by whoever relies on it, held alone by whoever changes it."""


_WHERE: tuple[ColumnElement[Any], ...] = (
    literal_column("(SELECT oid FROM pg_database WHERE datname = current_database())").label("database"),
    func.pg_postmaster_start_time().label("started_at"),
)


@dataclass(frozen=True)
class Epoch:
    """Rules as they stood for a while, on one database, while one server ran.

    Whatever takes a database back in time (a standby promoted without its last commits, a restored backup, a copy
    put in its place) starts a server or makes a database. So what was remembered before is never taken for what
    is there now, even where the id is the same.
    """

    id: UUID
    database: int
    started_at: datetime


class RulebookStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def hold(self) -> None:
        """Keep what governs as it is until this transaction ends: first of all in it, before any row is locked.

        Who changes it waits in one queue with who holds it, so that no stream of readers holds off a stop.
        """
        await self._connection.execute(select(func.pg_advisory_xact_lock_shared(*GOVERNANCE)))

    async def begin_epoch(self) -> None:
        """Wait for the decisions and openings under way, and have every later one read anew."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(*GOVERNANCE)))
        await self._connection.execute(update(governance).values(epoch=func.uuidv7()))

    async def epoch(self) -> Epoch:
        """Which rules these are. Nothing the gate reads has changed while this is the same."""
        row = (await self._connection.execute(select(governance.c.epoch, *_WHERE))).one()
        return Epoch(row.epoch, row.database, row.started_at)
