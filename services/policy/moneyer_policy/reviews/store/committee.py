"""The committee: who holds which function since when, who stands in for whom, and the quorum rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.reviews.documents import Delegation, DelegationRequest, Member
from moneyer_policy.reviews.rules.quorum import Quorum, read_quorum
from moneyer_policy.reviews.rules.review import Power
from moneyer_policy.reviews.tables import delegations, members, quorum_rules
from moneyer_shared.errors import NotFound
from moneyer_shared.ownership import check_own

LOCK = 7_100_001


class KeptRule(NamedTuple):
    """The house's rule for a kind of review, and how often it was set."""

    version: int
    quorum: Quorum


class CommitteeStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def version(self) -> int:
        """The committee's version: one more with every appointment and every removal."""
        latest = func.greatest(func.max(members.c.since_version), func.max(members.c.until_version))
        return int(await self._connection.scalar(select(func.coalesce(latest, 0))) or 0)

    async def appoint(self, subject: str, function: str, by: str, at: datetime) -> bool:
        """Give a function; False if the person has it."""
        await self._lock()
        if function in await self.functions_of(subject):
            return False
        version = await self.version() + 1
        made = insert(members).values(
            subject=subject, function=function, added_by=by, added_at=at, since_version=version
        )
        await self._connection.execute(made)
        return True

    async def remove(self, subject: str, function: str, by: str, at: datetime) -> None:
        """Take a function away; votes cast with it stand.

        Raises:
            NotFound: the person does not hold it.
        """
        await self._lock()
        gone = await self._connection.execute(
            update(members)
            .where(members.c.subject == subject, members.c.function == function, members.c.removed_at.is_(None))
            .values(removed_by=by, removed_at=at, until_version=await self.version() + 1)
        )
        if not gone.rowcount:
            raise NotFound(f"{subject} does not hold the function {function}.")

    async def _lock(self) -> None:
        await self._connection.execute(select(func.pg_advisory_xact_lock(LOCK)))

    async def members(self, version: int | None = None) -> list[Member]:
        """The committee now, or as it was at a version."""
        query = select(members).order_by(members.c.id)
        if version is None:
            query = query.where(members.c.removed_at.is_(None))
        else:
            present = or_(members.c.until_version.is_(None), members.c.until_version > version)
            query = query.where(members.c.since_version <= version, present)
        return [Member.model_validate(row) for row in await self._connection.execute(query)]

    async def functions_of(self, subject: str) -> frozenset[str]:
        held = select(members.c.function).where(members.c.subject == subject, members.c.removed_at.is_(None))
        return frozenset(await self._connection.scalars(held))

    async def powers_of(self, subject: str, now: datetime) -> tuple[Power, ...]:
        """Every function somebody may vote with, their own and those lent to them by who still holds them."""
        own = [Power(subject, name, subject) for name in sorted(await self.functions_of(subject))]
        lent = await self._connection.execute(
            select(delegations.c.delegator, delegations.c.function)
            .join(
                members,
                (members.c.subject == delegations.c.delegator)
                & (members.c.function == delegations.c.function)
                & members.c.removed_at.is_(None),
            )
            .where(
                delegations.c.delegate == subject,
                delegations.c.valid_from <= now,
                delegations.c.valid_until > now,
                delegations.c.revoked_at.is_(None),
            )
        )
        return (*own, *(Power(subject, row.function, row.delegator) for row in lent))

    async def functions_during(self, subject: str, begins: datetime, ends: datetime) -> frozenset[str]:
        """Every function that is somebody's own now or lent to them at a moment of a time; nobody is lent more until
        this transaction ends.
        """
        await self._lock()
        lent = select(delegations.c.function).where(
            delegations.c.delegate == subject,
            delegations.c.valid_from < ends,
            delegations.c.valid_until > begins,
            delegations.c.revoked_at.is_(None),
        )
        return await self.functions_of(subject) | frozenset(await self._connection.scalars(lent))

    async def delegate(self, delegator: str, asked: DelegationRequest, at: datetime) -> UUID:
        made = insert(delegations).values(delegator=delegator, made_at=at, **dict(asked)).returning(delegations.c.id)
        made_id: UUID = (await self._connection.execute(made)).scalar_one()
        return made_id

    async def revoke(self, delegation_id: UUID, delegator: str, at: datetime) -> None:
        """End a delegation of one's own.

        Raises:
            NotFound: there is none that still runs.
            Forbidden: it is somebody else's.
        """
        found = (
            await self._connection.execute(
                select(delegations)
                .where(delegations.c.id == delegation_id, delegations.c.revoked_at.is_(None))
                .with_for_update()
            )
        ).one_or_none()
        if found is None:
            raise NotFound(f"No delegation {delegation_id} runs.")
        check_own(found.delegator, delegator, "This delegation")
        ended = update(delegations).where(delegations.c.id == delegation_id).values(revoked_at=at)
        await self._connection.execute(ended)

    async def delegations(self) -> list[Delegation]:
        query = select(delegations).order_by(delegations.c.id)
        return [Delegation.model_validate(row) for row in await self._connection.execute(query)]

    async def set_quorum(self, kind: str, document: Mapping[str, object], by: str, at: datetime) -> int:
        await self._lock()
        latest = await self._connection.scalar(
            select(func.coalesce(func.max(quorum_rules.c.version), 0)).where(quorum_rules.c.kind == kind)
        )
        version = int(latest or 0) + 1
        made = insert(quorum_rules).values(kind=kind, version=version, document=document, set_by=by, set_at=at)
        await self._connection.execute(made)
        return version

    async def quorum(self, kind: str) -> Quorum | None:
        """The house's rule for a kind of review; None where none was set."""
        found = await self._connection.scalar(
            select(quorum_rules.c.document)
            .where(quorum_rules.c.kind == kind)
            .order_by(quorum_rules.c.version.desc())
            .limit(1)
        )
        return read_quorum(found) if found else None

    async def quorums(self) -> dict[str, KeptRule]:
        """The house's rules as they are now, by their kind of review."""
        query = select(quorum_rules).ext(distinct_on(quorum_rules.c.kind))
        query = query.order_by(quorum_rules.c.kind, quorum_rules.c.version.desc())
        rows = await self._connection.execute(query)
        return {row.kind: KeptRule(row.version, read_quorum(row.document)) for row in rows}
