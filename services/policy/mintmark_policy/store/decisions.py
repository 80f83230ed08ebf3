"""Decisions, permits, keys, releases and grants."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain.accounting import Cost
from mintmark_policy.domain.permit import Permit
from mintmark_policy.store.budgets import exact
from mintmark_policy.tables import decisions, grants, keys, permits, releases
from mintmark_shared.errors import NotFound


class DecisionStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_decision(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(decisions).values(**values))

    async def decision(self, decision_id: UUID) -> Row[Any]:
        return await self._one(
            select(decisions).where(decisions.c.id == decision_id), f"There is no decision {decision_id}."
        )

    async def decision_of_run(self, run_id: UUID) -> Row[Any] | None:
        return (await self._connection.execute(select(decisions).where(decisions.c.run_id == run_id))).one_or_none()

    async def add_permit(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(permits).values(**values))

    async def lock_permit(self, permit_id: UUID) -> Row[Any]:
        return await self._one(
            select(permits).where(permits.c.id == permit_id).with_for_update(),
            f"There is no permit {permit_id}.",
        )

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
            query = query.where(permits.c.population_account_id.in_(account_ids))
        return (await self._connection.execute(query)).all()

    async def set_permit(self, permit_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(permits).where(permits.c.id == permit_id).values(**values))

    async def add_key(
        self, key_id: UUID, resource: str, population_id: UUID | None, wrapped: bytes, at: datetime
    ) -> None:
        await self._connection.execute(
            insert(keys).values(
                id=key_id, resource=resource, population_id=population_id, wrapped=wrapped, created_at=at
            )
        )

    async def key(self, key_id: UUID) -> Row[Any] | None:
        return (await self._connection.execute(select(keys).where(keys.c.id == key_id))).one_or_none()

    async def key_of(self, resource: str) -> Row[Any] | None:
        return (await self._connection.execute(select(keys).where(keys.c.resource == resource))).one_or_none()

    async def add_release(self, values: Mapping[str, Any]) -> None:
        await self._connection.execute(insert(releases).values(**values))

    async def release_of(self, asset_id: UUID) -> Row[Any]:
        return await self._one(
            select(releases).where(releases.c.asset_id == asset_id),
            f"Asset {asset_id} has not been decided on.",
        )

    async def is_decided(self, asset_id: UUID) -> bool:
        found = await self._connection.scalar(select(releases.c.id).where(releases.c.asset_id == asset_id))
        return found is not None

    async def add_grant(
        self,
        *,
        asset_id: UUID,
        subject: str,
        use_case: str,
        granted_by: str,
        at: datetime,
        valid_until: datetime,
    ) -> UUID:
        made = insert(grants).values(
            asset_id=asset_id,
            subject=subject,
            use_case=use_case,
            granted_by=granted_by,
            granted_at=at,
            valid_until=valid_until,
        )
        made_id: UUID = (await self._connection.execute(made.returning(grants.c.id))).scalar_one()
        return made_id

    async def grants(self, asset_id: UUID) -> Sequence[Row[Any]]:
        return (
            await self._connection.execute(select(grants).where(grants.c.asset_id == asset_id).order_by(grants.c.id))
        ).all()

    async def _one(self, query: Any, missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found


def as_permit(row: Row[Any]) -> Permit:
    return Permit(str(row.id), str(row.run_id), row.plan_digest, row.state, row.expires_at, row.redemption_key)


def cost_of_permit(row: Row[Any]) -> Cost:
    return Cost(exact(row.renyi), row.releases)
