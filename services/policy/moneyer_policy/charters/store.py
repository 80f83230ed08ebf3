"""Charters, their versions and suspensions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.charters.rules.versions import Standing, State, VersionRecord, state_at
from moneyer_policy.charters.tables import charter_versions, charters, suspensions
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page

Stoppable = Literal["charter", "asset", "source", "population"]


class CharterRecord(NamedTuple):
    """What all versions of a charter share."""

    id: UUID
    created_by: str
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True)
class SuspensionRecord:
    """What keeps a subject stopped; the one of a finding names its review."""

    id: UUID
    kind: Stoppable
    subject: UUID
    reason: str
    incident_id: UUID | None
    review_id: UUID | None
    suspended_by: str
    suspended_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


_SUSPENSION = tuple(suspensions.c[one.name] for one in fields(SuspensionRecord))
_CHARTER = tuple(charters.c[name] for name in CharterRecord._fields)


class CharterStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, created_by: str, at: datetime) -> UUID:
        made = insert(charters).values(created_by=created_by, created_at=at).returning(charters.c.id)
        made_id: UUID = (await self._connection.execute(made)).scalar_one()
        return made_id

    async def add_version(
        self,
        charter_id: UUID,
        version: int,
        document: Mapping[str, object],
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
                authors=[author],
                changed_at=at,
            )
        )

    async def edit_draft(
        self,
        charter_id: UUID,
        version: int,
        document: Mapping[str, object],
        digest: str,
        author: str,
        at: datetime,
    ) -> None:
        await self.set(
            charter_id,
            version,
            document=document,
            digest=digest,
            author=author,
            authors=func.array_append(func.array_remove(charter_versions.c.authors, author), author),
            revision=charter_versions.c.revision + 1,
            changed_at=at,
        )

    async def set(self, charter_id: UUID, version: int, **values: object) -> None:
        await self._connection.execute(
            update(charter_versions)
            .where(charter_versions.c.charter_id == charter_id, charter_versions.c.version == version)
            .values(**values)
        )

    async def lock(self, charter_id: UUID) -> CharterRecord:
        """The charter itself, so that its versions change one at a time.

        Raises:
            NotFound: there is no such charter.
        """
        return await self._charter(select(*_CHARTER).where(charters.c.id == charter_id).with_for_update(), charter_id)

    async def _charter(self, query: Select[Any], charter_id: UUID) -> CharterRecord:
        found = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no charter {charter_id}.")
        return CharterRecord(*found)

    async def newest_version(self, charter_id: UUID, now: datetime) -> VersionRecord:
        """The newest version, whoever wrote it: to be edited, submitted, voted on and shown. It governs nothing.

        Raises:
            NotFound: there is no such charter.
        """
        query = _shown(now).where(charter_versions.c.charter_id == charter_id)
        return await self._one(
            query.order_by(charter_versions.c.version.desc()).limit(1), f"There is no charter {charter_id}."
        )

    async def version(self, charter_id: UUID, version: int, now: datetime) -> VersionRecord:
        """One version.

        Raises:
            NotFound: there is no such version.
        """
        query = _shown(now).where(charter_versions.c.charter_id == charter_id, charter_versions.c.version == version)
        return await self._one(query, f"Charter {charter_id} has no version {version}.")

    async def find_governing(self, charter_id: UUID, now: datetime) -> VersionRecord | None:
        """The version that came into force last, or None: whose rules, quorums, owner and escalation hold.

        A suspension, an expiry and a retirement stop what is done under a charter; who decides on that is still
        said by this version.
        """
        query = _shown(now).where(charter_versions.c.charter_id == charter_id, charter_versions.c.in_force_at <= now)
        newest = query.order_by(charter_versions.c.version.desc()).limit(1)
        found = (await self._connection.execute(newest)).one_or_none()
        return VersionRecord(*found) if found is not None else None

    async def governing(self, charter_id: UUID, now: datetime) -> VersionRecord:
        """The version that came into force last.

        Raises:
            NotFound: there is no such charter.
            Conflict: none of its versions ever was in force.
        """
        found = await self.find_governing(charter_id, now)
        if found is None:
            await self.newest_version(charter_id, now)
            raise Conflict("No version of this charter was ever in force; bring it to a vote.", code="never-in-force")
        return found

    async def creator(self, charter_id: UUID) -> str:
        """Who drafted the first version.

        Raises:
            NotFound: there is no such charter.
        """
        return (await self._charter(select(*_CHARTER).where(charters.c.id == charter_id), charter_id)).created_by

    async def by_digest(self, charter_id: UUID, digest: str, now: datetime, *, decided_at: datetime) -> VersionRecord:
        """The version a decision was made under: of all with this text, the one that was in force at that moment."""
        query = _shown(now).where(
            charter_versions.c.charter_id == charter_id,
            charter_versions.c.digest == digest,
            charter_versions.c.in_force_at <= decided_at,
        )
        return await self._one(
            query.order_by(charter_versions.c.version.desc()).limit(1),
            f"Charter {charter_id} had no version with digest {digest} in force.",
        )

    async def versions(self, charter_id: UUID, now: datetime) -> list[VersionRecord]:
        query = _shown(now).where(charter_versions.c.charter_id == charter_id).order_by(charter_versions.c.version)
        return [VersionRecord(*row) for row in await self._connection.execute(query)]

    async def search(
        self,
        now: datetime,
        *,
        after: UUID | None,
        contains: Mapping[str, object] | None = None,
        words: str | None = None,
        charter_ids: Collection[UUID] | None = None,
    ) -> list[VersionRecord]:
        """The version of each charter that holds at a moment (else the newest), filtered by id and document."""
        begun = func.coalesce(charter_versions.c.in_force_at <= now, False)
        query = (
            _shown(now)
            .ext(distinct_on(charter_versions.c.charter_id))
            .order_by(charter_versions.c.charter_id, begun.desc(), charter_versions.c.version.desc())
        )
        if charter_ids is not None:
            query = query.where(charter_versions.c.charter_id.in_(charter_ids))
        found = query.subquery()
        wanted = select(found)
        if contains:
            wanted = wanted.where(found.c.document.contains(contains))
        if words:
            text = found.c.document["title"].astext + " " + found.c.document["purpose"].astext
            wanted = wanted.where(text.icontains(words, autoescape=True))
        rows: Sequence[Sequence[Any]] = await page(self._connection, wanted, found.c.charter_id, after=after)
        return [VersionRecord(*row) for row in rows]

    async def newest(self, now: datetime, after: UUID | None) -> list[VersionRecord]:
        query = (
            _shown(now)
            .ext(distinct_on(charter_versions.c.charter_id))
            .order_by(charter_versions.c.charter_id, charter_versions.c.version.desc())
        )
        found = query.subquery()
        rows: Sequence[Sequence[Any]] = await page(self._connection, select(found), found.c.charter_id, after=after)
        return [VersionRecord(*row) for row in rows]

    async def retire(self, charter_id: UUID, at: datetime) -> None:
        await self._connection.execute(update(charters).where(charters.c.id == charter_id).values(retired_at=at))

    # --- suspensions ----------------------------------------------------------------------

    async def suspend(
        self,
        kind: str,
        subject: UUID,
        *,
        reason: str,
        incident_id: UUID | None = None,
        review_id: UUID | None = None,
        by: str,
        at: datetime,
    ) -> None:
        """Stop a charter, an asset, a source or a population, also where it is suspended: who sees a second danger
        is heard, and theirs stands when the first is lifted. ``review_id`` is the finding's that lifts this one.
        """
        values = {"kind": kind, "subject": subject, "reason": reason, "incident_id": incident_id}
        values |= {"review_id": review_id, "suspended_by": by, "suspended_at": at}
        await self._connection.execute(insert(suspensions).values(**values))

    async def is_suspended(self, kind: str, subject: UUID) -> bool:
        query = select(suspensions.c.id).where(
            suspensions.c.kind == kind, suspensions.c.subject == subject, suspensions.c.lifted_at.is_(None)
        )
        return await self._connection.scalar(query.limit(1)) is not None

    async def suspensions_of(self, kind: str, subject: UUID) -> list[SuspensionRecord]:
        """Everything that keeps one subject suspended, the longest first."""
        return await self._suspensions(suspensions.c.kind == kind, suspensions.c.subject == subject)

    async def suspended_holdings(self) -> list[SuspensionRecord]:
        """Sources and populations that are suspended."""
        return await self.suspended("source", "population")

    async def suspended(self, *kinds: str) -> list[SuspensionRecord]:
        """What keeps subjects of these kinds suspended, the longest first; one subject may be there more than once."""
        return await self._suspensions(suspensions.c.kind.in_(kinds))

    async def _suspensions(self, *which: ColumnElement[bool]) -> list[SuspensionRecord]:
        query = select(*_SUSPENSION).where(*which, suspensions.c.lifted_at.is_(None)).order_by(suspensions.c.id)
        return [SuspensionRecord(*row) for row in await self._connection.execute(query)]

    async def is_retired(self, charter_id: UUID) -> bool:
        query = select(charters.c.id).where(charters.c.id == charter_id, charters.c.retired_at.is_not(None))
        return await self._connection.scalar(query) is not None

    async def lift(self, suspension_ids: Sequence[UUID], by: str, at: datetime) -> None:
        """Lift these suspensions and no others: whatever else was stopped since stays so."""
        await self._connection.execute(
            update(suspensions)
            .where(suspensions.c.id.in_(suspension_ids), suspensions.c.lifted_at.is_(None))
            .values(lifted_by=by, lifted_at=at)
        )

    async def _one(self, query: Select[Any], missing: str) -> VersionRecord:
        found = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return VersionRecord(*found)


def _shown(now: datetime) -> Select[Any]:
    """Every version with what its state at a moment depends on."""
    later = charter_versions.alias("later")
    superseded_at = (
        select(func.min(later.c.in_force_at))
        .where(later.c.charter_id == charter_versions.c.charter_id, later.c.version > charter_versions.c.version)
        .scalar_subquery()
    )
    suspended = exists().where(
        suspensions.c.kind == "charter",
        suspensions.c.subject == charter_versions.c.charter_id,
        suspensions.c.suspended_at <= now,
        or_(suspensions.c.lifted_at.is_(None), suspensions.c.lifted_at > now),
    )
    columns: Mapping[str, ColumnElement[Any]] = {
        **charter_versions.c,
        "stored": charter_versions.c.state.label("stored"),
        "retired_at": charters.c.retired_at,
        "superseded_at": superseded_at.label("superseded_at"),
        "suspended": suspended.label("suspended"),
        "seen_at": literal(now, DateTime(timezone=True)).label("seen_at"),
    }
    wanted = (columns[one.name] for one in fields(VersionRecord))
    return select(*wanted).join(charters, charters.c.id == charter_versions.c.charter_id)


def standing_of(row: VersionRecord) -> Standing:
    """As ``row.standing``, for wings that do not say so yet."""
    return row.standing


def state_of(row: VersionRecord, moment: datetime) -> State:
    """As ``row.state``, for wings that do not say so yet."""
    return state_at(row.standing, moment)
