"""Decisions, permits, and what the gate asks of keys and assets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.gate.documents.decisions import DecisionSearch
from moneyer_policy.gate.rules.permit import Permit, PermitState
from moneyer_policy.gate.tables.decisions import decisions, keys, permits, withdrawals
from moneyer_shared.contracts.policy import Decision, DecisionRequest
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import PAGE, page


@dataclass(frozen=True)
class StoredDecision:
    """What was asked for and what the gate answered; its permit is a row of its own."""

    id: UUID
    run_id: UUID
    round: int
    charter_id: UUID
    requester: str
    verdict: str
    failed: Sequence[str]
    document: Decision
    request: DecisionRequest
    decided_at: datetime


@dataclass(frozen=True)
class StoredPermit:
    """A permit and what pays for it."""

    id: UUID
    decision_id: UUID
    run_id: UUID
    requester: str
    plan_digest: str
    charter_digest: str
    charter_id: UUID
    account_ids: Sequence[UUID]
    mechanism: str
    source_key_id: UUID
    asset_key_id: UUID | None
    state: PermitState
    redemption_key: str | None
    outcome: str | None
    made_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class StoredKey:
    """A data key as policy wrote it down; it opens nothing where ``wrapped`` is None."""

    id: UUID
    resource: str
    population_id: UUID | None
    partitions: Sequence[str]
    owner: str | None
    wrapped: bytes | None
    shared: bool
    created_at: datetime
    opened_at: datetime | None
    destroyed_at: datetime | None
    overwritten_at: datetime | None
    shredded_at: datetime | None


@dataclass(frozen=True)
class Withdrawal:
    """That an asset was withdrawn, or that another table is named in its place."""

    id: UUID
    asset_id: UUID
    substitute: UUID | None
    because: str
    withdrawn_by: str
    at: datetime


class DecisionStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def read(self, decision_id: UUID) -> StoredDecision:
        """Raises NotFound: there is no such decision."""
        found = (await self._connection.execute(select(decisions).where(decisions.c.id == decision_id))).one_or_none()
        if found is None:
            raise NotFound(f"There is no decision {decision_id}.")
        return _read(found)

    async def find_last(self, run_id: UUID) -> StoredDecision | None:
        """What was decided on a run last; None where nothing was."""
        query = select(decisions).where(decisions.c.run_id == run_id).order_by(decisions.c.round.desc()).limit(1)
        found = (await self._connection.execute(query)).one_or_none()
        return _read(found) if found is not None else None

    async def last(self, run_id: UUID) -> StoredDecision:
        """Raises NotFound: nothing was decided on this run."""
        found = await self.find_last(run_id)
        if found is None:
            raise NotFound(f"Nothing was decided on run {run_id}.")
        return found

    async def search(self, wanted: DecisionSearch, *, limit: int = PAGE) -> list[StoredDecision]:
        """Past decisions, newest first, by charter, requester, verdict, failed clause and time."""
        query = select(decisions).where(*_conditions(wanted))
        order = (decisions.c.decided_at, decisions.c.id)
        rows = await page(self._connection, query, *order, after=wanted.after, newest_first=True, limit=limit)
        return [_read(row) for row in rows]

    async def lock_permit(self, permit_id: UUID) -> StoredPermit:
        """Raises NotFound: there is no such permit."""
        query = select(permits).where(permits.c.id == permit_id).with_for_update()
        found = (await self._connection.execute(query)).mappings().one_or_none()
        if found is None:
            raise NotFound(f"There is no permit {permit_id}.")
        return StoredPermit(**found)

    async def find_permit_of_run(self, run_id: UUID) -> StoredPermit | None:
        query = select(permits).where(permits.c.run_id == run_id)
        found = (await self._connection.execute(query)).mappings().one_or_none()
        return StoredPermit(**found) if found is not None else None

    async def permit_of_run(self, run_id: UUID) -> StoredPermit:
        """Raises NotFound: no permit was given for this run."""
        found = await self.find_permit_of_run(run_id)
        if found is None:
            raise NotFound(f"No permit was given for run {run_id}.")
        return found

    async def expired(
        self, now: datetime, *, account_ids: Sequence[UUID] | None = None, limit: int = 100
    ) -> list[StoredPermit]:
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
        return [StoredPermit(**row) for row in (await self._connection.execute(query)).mappings()]

    async def set_permit(self, permit_id: UUID, **values: object) -> None:
        await self._connection.execute(update(permits).where(permits.c.id == permit_id).values(**values))

    async def key(self, key_id: UUID | None) -> StoredKey | None:
        """A key; None where it is unknown, or none was made yet."""
        found = (await self._connection.execute(select(keys).where(keys.c.id == key_id))).mappings().one_or_none()
        return StoredKey(**found) if found is not None else None

    async def withdrawal(self, asset_id: UUID) -> Withdrawal | None:
        """An asset's withdrawal with what to use instead by now; None while it is not withdrawn."""
        query = select(withdrawals).where(withdrawals.c.asset_id == asset_id).order_by(withdrawals.c.id.desc())
        found = (await self._connection.execute(query.limit(1))).mappings().one_or_none()
        return Withdrawal(**found) if found is not None else None


def _conditions(wanted: DecisionSearch) -> list[ColumnElement[bool]]:
    """What a decision must meet, for everything that is stated."""
    table = decisions.c
    asked = [
        table.charter_id == wanted.charter if wanted.charter is not None else None,
        table.requester == wanted.requester if wanted.requester is not None else None,
        table.verdict == wanted.verdict if wanted.verdict is not None else None,
        table.failed.contains([wanted.code]) if wanted.code is not None else None,
        table.decided_at >= wanted.since if wanted.since is not None else None,
        table.decided_at < wanted.until if wanted.until is not None else None,
    ]
    return [condition for condition in asked if condition is not None]


def _read(row: Row[Any]) -> StoredDecision:
    return StoredDecision(
        id=row.id,
        run_id=row.run_id,
        round=row.round,
        charter_id=row.charter_id,
        requester=row.requester,
        verdict=row.verdict,
        failed=row.failed,
        document=Decision.model_validate(row.document),
        request=DecisionRequest.model_validate(row.request),
        decided_at=row.decided_at,
    )


def as_permit(permit: StoredPermit) -> Permit:
    """What the rules of redemption read of a permit."""
    return Permit(
        str(permit.id), str(permit.run_id), permit.plan_digest, permit.state, permit.expires_at, permit.redemption_key
    )
