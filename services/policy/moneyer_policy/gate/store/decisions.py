"""Decisions, permits, and what the gate asks of keys and assets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.rules.permit import Permit
from moneyer_policy.gate.tables.decisions import decisions, keys, permits, withdrawals
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import PAGE, page


class DecisionStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def decision(self, decision_id: UUID) -> Row[Any]:
        return await self._one(
            select(decisions).where(decisions.c.id == decision_id), f"There is no decision {decision_id}."
        )

    async def decision_of_run(self, run_id: UUID) -> Row[Any] | None:
        """What was decided on a run last."""
        query = select(decisions).where(decisions.c.run_id == run_id).order_by(decisions.c.round.desc()).limit(1)
        return (await self._connection.execute(query)).one_or_none()

    async def latest_decision(self, run_id: UUID) -> Row[Any]:
        """Raises NotFound: nothing was decided on this run."""
        found = await self.decision_of_run(run_id)
        if found is None:
            raise NotFound(f"Nothing was decided on run {run_id}.")
        return found

    async def search(self, *, after: UUID | None = None, limit: int = PAGE, **wanted: Any) -> Sequence[Row[Any]]:
        """Past decisions, newest first, by charter, requester, verdict, failed clause and time."""
        query = select(decisions)
        given = {name: value for name, value in wanted.items() if value is not None}
        for name, value in given.items():
            match name:
                case "code":
                    query = query.where(decisions.c.failed.contains([value]))
                case "since":
                    query = query.where(decisions.c.decided_at >= value)
                case "until":
                    query = query.where(decisions.c.decided_at < value)
                case _:
                    query = query.where(decisions.c[name] == value)
        order = (decisions.c.decided_at, decisions.c.id)
        return await page(self._connection, query, *order, after=after, newest_first=True, limit=limit)

    async def lock_permit(self, permit_id: UUID) -> Row[Any]:
        return await self._one(
            select(permits).where(permits.c.id == permit_id).with_for_update(),
            f"There is no permit {permit_id}.",
        )

    async def find_permit_of_run(self, run_id: UUID) -> Row[Any] | None:
        return (await self._connection.execute(select(permits).where(permits.c.run_id == run_id))).one_or_none()

    async def permit_of_run(self, run_id: UUID) -> Row[Any]:
        return await self._one(
            select(permits).where(permits.c.run_id == run_id), f"No permit was given for run {run_id}."
        )

    async def expired(
        self, now: datetime, *, account_ids: Sequence[UUID] | None = None, limit: int = 100
    ) -> Sequence[Row[Any]]:
        """Unredeemed permits past their time, locked; those another transaction holds are left to it."""
        query = (
            select(permits)
            .where(permits.c.state == "reserved", permits.c.expires_at <= now)
            .order_by(permits.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if account_ids is not None:
            query = query.where(permits.c.account_ids.contained_by(list(account_ids)))
        return (await self._connection.execute(query)).all()

    async def set_permit(self, permit_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(permits).where(permits.c.id == permit_id).values(**values))

    async def key(self, key_id: UUID) -> Row[Any] | None:
        return (await self._connection.execute(select(keys).where(keys.c.id == key_id))).one_or_none()

    async def withdrawal(self, asset_id: UUID) -> Row[Any] | None:
        """An asset's withdrawal with what to use instead by now; None while it is not withdrawn."""
        query = select(withdrawals).where(withdrawals.c.asset_id == asset_id).order_by(withdrawals.c.id.desc())
        return (await self._connection.execute(query.limit(1))).one_or_none()

    async def _one(self, query: Any, missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found


def as_permit(row: Row[Any]) -> Permit:
    return Permit(str(row.id), str(row.run_id), row.plan_digest, row.state, row.expires_at, row.redemption_key)
