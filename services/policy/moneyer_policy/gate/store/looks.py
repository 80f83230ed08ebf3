"""Accounts of looks, and the entries that explain them; nothing here commits."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.tables.decisions import permits, releases
from moneyer_policy.gate.tables.looks import look_accounts, look_entries

Pair = tuple[UUID, UUID]
"""A charter and a source."""
_LOCK = """
    SELECT id, charter_id, source_id, held FROM look_accounts
    WHERE (charter_id, source_id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[])) ORDER BY id FOR UPDATE
"""
_OPEN = """
    INSERT INTO look_accounts (charter_id, source_id)
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT (charter_id, source_id) DO NOTHING
"""
_TAKE = "UPDATE look_accounts SET held = held + 1 WHERE id = $1"
_ENTER = "INSERT INTO look_entries (account_id, permit_id, kind, model, at) VALUES ($1, $2, 'reserve', $3, $4)"


class HotLookStore:
    """The statements of the decision path, straight to the driver."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver

    async def lock(self, pairs: Collection[Pair]) -> dict[Pair, Any]:
        """The accounts of these pairs, opened where there are none, locked in the order of their ids."""
        sides = ([charter for charter, _ in pairs], [source for _, source in pairs])
        rows = await self._driver.fetch(_LOCK, *sides)
        if len(rows) < len(pairs):
            await self._driver.execute(_OPEN, *sides)
            rows = await self._driver.fetch(_LOCK, *sides)
        return {(row["charter_id"], row["source_id"]): row for row in rows}

    async def take(self, entries: Sequence[tuple[UUID, UUID, UUID, datetime]]) -> None:
        """Enter (account, permit, model, at); the permits stand already."""
        await self._driver.executemany(_TAKE, [(account,) for account, *_ in entries])
        await self._driver.executemany(_ENTER, entries)


class LookStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def taken(self, pairs: Collection[Pair]) -> dict[Pair, int]:
        """How many are reserved or taken, nothing locked: for advice only."""
        which = tuple_(look_accounts.c.charter_id, look_accounts.c.source_id).in_(pairs)
        rows = await self._connection.execute(select(look_accounts).where(which))
        return {(row.charter_id, row.source_id): row.held for row in rows}

    async def accounts(self, charter_id: UUID) -> Sequence[Row[Any]]:
        query = select(look_accounts).where(look_accounts.c.charter_id == charter_id).order_by(look_accounts.c.id)
        return (await self._connection.execute(query)).all()

    async def entries(self, account_ids: Collection[UUID]) -> Sequence[Row[Any]]:
        """Entries of these accounts with the run each is of, in order."""
        query = (
            select(look_entries, permits.c.run_id)
            .join(permits, permits.c.id == look_entries.c.permit_id)
            .where(look_entries.c.account_id.in_(account_ids))
            .order_by(look_entries.c.id)
        )
        return (await self._connection.execute(query)).all()

    async def of_permit(self, permit_id: UUID) -> Sequence[Row[Any]]:
        query = select(look_entries).where(look_entries.c.permit_id == permit_id).order_by(look_entries.c.id)
        return (await self._connection.execute(query)).all()

    async def enter(self, reserved: Row[Any], kind: str, at: datetime) -> None:
        """A further entry of a look that was reserved; a ``return`` frees it. Callers hold the permit's row."""
        if kind == "return":
            free = update(look_accounts).where(look_accounts.c.id == reserved.account_id)
            await self._connection.execute(free.values(held=look_accounts.c.held - 1))
        values: Mapping[str, Any] = {name: getattr(reserved, name) for name in ("account_id", "permit_id", "model")}
        await self._connection.execute(insert(look_entries).values(**values, kind=kind, at=at))

    async def model_of(self, run_id: UUID) -> UUID:
        """The run that fitted the model of a run's table: itself, where it fitted one or was never permitted."""
        found: UUID | None = await self._connection.scalar(
            select(look_entries.c.model)
            .join(permits, permits.c.id == look_entries.c.permit_id)
            .where(permits.c.run_id == run_id, look_entries.c.kind == "reserve")
        )
        return found or run_id

    async def rejected_of(self, model: UUID) -> UUID | None:
        """The first table drawn from a model that was rejected; None if none was."""
        query = (
            select(releases.c.asset_id)
            .join(permits, permits.c.run_id == releases.c.asset_id)
            .join(look_entries, look_entries.c.permit_id == permits.c.id)
            .where(look_entries.c.model == model, look_entries.c.kind == "reserve", releases.c.verdict == "rejected")
            .order_by(releases.c.decided_at, releases.c.id)
            .limit(1)
        )
        found: UUID | None = await self._connection.scalar(query)
        return found
