"""Charters, their versions, votes, assessments and the committee."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain.charter import Vote
from mintmark_policy.domain.gate import Assessment
from mintmark_policy.tables import assessments, charter_versions, charters, members, votes
from mintmark_shared.errors import NotFound

PAGE = 100


class CharterStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_member(self, subject: str, function: str, added_by: str, at: datetime) -> None:
        await self._connection.execute(
            upsert(members)
            .values(subject=subject, function=function, added_by=added_by, added_at=at)
            .on_conflict_do_nothing()
        )

    async def members(self) -> Sequence[Row[Any]]:
        return (await self._connection.execute(select(members).order_by(members.c.id))).all()

    async def functions_of(self, subject: str) -> frozenset[str]:
        found = await self._connection.scalars(select(members.c.function).where(members.c.subject == subject))
        return frozenset(found)

    async def create(self, created_by: str, at: datetime) -> UUID:
        made = insert(charters).values(created_by=created_by, created_at=at).returning(charters.c.id)
        made_id: UUID = (await self._connection.execute(made)).scalar_one()
        return made_id

    async def add_version(
        self,
        charter_id: UUID,
        version: int,
        document: Mapping[str, Any],
        digest: str,
        author: str,
        at: datetime,
    ) -> None:
        await self._connection.execute(
            insert(charter_versions).values(
                charter_id=charter_id,
                version=version,
                revision=1,
                document=document,
                digest=digest,
                state="draft",
                author=author,
                changed_at=at,
            )
        )

    async def edit_draft(
        self,
        charter_id: UUID,
        version: int,
        document: Mapping[str, Any],
        digest: str,
        author: str,
        at: datetime,
    ) -> None:
        await self._set(
            charter_id,
            version,
            document=document,
            digest=digest,
            author=author,
            revision=charter_versions.c.revision + 1,
            changed_at=at,
        )

    async def submit(self, charter_id: UUID, version: int, submitter: str, at: datetime) -> None:
        await self._set(charter_id, version, state="submitted", submitter=submitter, changed_at=at)

    async def settle(self, charter_id: UUID, version: int, state: str, at: datetime) -> None:
        """Record what the votes made of a version; one coming into force supersedes the one before."""
        if state == "in_force":
            await self._connection.execute(
                update(charter_versions)
                .where(charter_versions.c.charter_id == charter_id, charter_versions.c.state == "in_force")
                .values(state="superseded", changed_at=at)
            )
        in_force_at = at if state == "in_force" else None
        await self._set(charter_id, version, state=state, changed_at=at, in_force_at=in_force_at)

    async def _set(self, charter_id: UUID, version: int, **values: Any) -> None:
        await self._connection.execute(
            update(charter_versions)
            .where(charter_versions.c.charter_id == charter_id, charter_versions.c.version == version)
            .values(**values)
        )

    async def latest(self, charter_id: UUID, *, lock: bool = False) -> Row[Any]:
        """The newest version.

        Raises:
            NotFound: there is no such charter.
        """
        query = (
            select(charter_versions)
            .where(charter_versions.c.charter_id == charter_id)
            .order_by(charter_versions.c.version.desc())
            .limit(1)
        )
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no charter {charter_id}.")
        return found

    async def version(self, charter_id: UUID, version: int) -> Row[Any]:
        """One version.

        Raises:
            NotFound: there is no such version.
        """
        found = (
            await self._connection.execute(
                select(charter_versions).where(
                    charter_versions.c.charter_id == charter_id, charter_versions.c.version == version
                )
            )
        ).one_or_none()
        if found is None:
            raise NotFound(f"Charter {charter_id} has no version {version}.")
        return found

    async def by_digest(self, charter_id: UUID, digest: str) -> Row[Any]:
        """The version a decision was made under."""
        query = select(charter_versions).where(
            charter_versions.c.charter_id == charter_id, charter_versions.c.digest == digest
        )
        found = (await self._connection.execute(query.order_by(charter_versions.c.version.desc()))).first()
        if found is None:
            raise NotFound(f"Charter {charter_id} has no version with digest {digest}.")
        return found

    async def judged_by(self, charter_id: UUID) -> Row[Any] | None:
        """The version the gate reads: the one in force, else the newest, locked against a change of state."""
        return (
            await self._connection.execute(
                select(charter_versions)
                .where(charter_versions.c.charter_id == charter_id)
                .order_by((charter_versions.c.state == "in_force").desc(), charter_versions.c.version.desc())
                .limit(1)
                .with_for_update(read=True)
            )
        ).one_or_none()

    async def page(self, after: UUID | None) -> Sequence[Row[Any]]:
        newest = (
            select(charter_versions)
            .distinct(charter_versions.c.charter_id)
            .order_by(charter_versions.c.charter_id, charter_versions.c.version.desc())
        )
        if after is not None:
            newest = newest.where(charter_versions.c.charter_id > after)
        return (await self._connection.execute(newest.limit(PAGE))).all()

    async def votes(self, charter_id: UUID, version: int) -> Sequence[Row[Any]]:
        return (
            await self._connection.execute(
                select(votes).where(votes.c.charter_id == charter_id, votes.c.version == version).order_by(votes.c.id)
            )
        ).all()

    async def cast(self, charter_id: UUID, version: int, vote: Vote, reason: str, at: datetime) -> None:
        await self._connection.execute(
            insert(votes).values(
                charter_id=charter_id,
                version=version,
                digest=vote.digest,
                voter=vote.voter,
                function=vote.function,
                verdict=vote.verdict,
                reason=reason,
                cast_at=at,
            )
        )

    async def assess(self, charter_id: UUID, assessment: Assessment, summary: str, at: datetime) -> UUID:
        made = insert(assessments).values(
            charter_id=charter_id,
            digest=assessment.digest,
            assessor=assessment.assessor,
            acceptable=assessment.acceptable,
            summary=summary,
            valid_until=assessment.valid_until,
            made_at=at,
        )
        made_id: UUID = (await self._connection.execute(made.returning(assessments.c.id))).scalar_one()
        return made_id

    async def assessments(self, charter_id: UUID) -> tuple[Assessment, ...]:
        rows = await self._connection.execute(select(assessments).where(assessments.c.charter_id == charter_id))
        return tuple(Assessment(row.assessor, row.digest, row.acceptable, row.valid_until) for row in rows)


def as_vote(row: Row[Any]) -> Vote:
    return Vote(row.voter, row.function, row.verdict, row.digest)
