"""What the gate holds plans against besides the charter: assessments, training, library, waivers, policies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.domain.facts import Assessment
from moneyer_policy.domain.library import Entry, Rejection, read_entry, read_rejection
from moneyer_policy.domain.waiver import Waiver
from moneyer_policy.tables import (
    access_policies,
    assessments,
    attestations,
    configurations,
    governance,
    house_rules,
    rejections,
    reviews,
    templates,
    waivers,
)
from moneyer_shared.errors import Conflict, NotFound

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

    # --- the epoch ------------------------------------------------------------------------

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

    # --- assessments and training ---------------------------------------------------------

    async def add_template(self, name: str, document: Mapping[str, Any], digest: str, by: str, at: datetime) -> int:
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 1))))
        latest = await self._connection.scalar(
            select(func.coalesce(func.max(templates.c.version), 0)).where(templates.c.name == name)
        )
        version = int(latest or 0) + 1
        made = insert(templates).values(
            name=name, version=version, document=document, digest=digest, made_by=by, made_at=at
        )
        await self._connection.execute(made)
        return version

    async def template(self, name: str, version: int | None = None) -> Row[Any]:
        """A questionnaire, the newest version unless another is named.

        Raises:
            NotFound: there is none of that name and version.
        """
        query = select(templates).where(templates.c.name == name).order_by(templates.c.version.desc()).limit(1)
        found = (
            await self._connection.execute(query if version is None else query.where(templates.c.version == version))
        ).one_or_none()
        if found is None:
            raise NotFound(f"There is no questionnaire {name}.")
        return found

    async def templates(self) -> Sequence[Row[Any]]:
        return (await self._connection.execute(select(templates).order_by(templates.c.name, templates.c.version))).all()

    async def assess(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(assessments, values)

    async def assessments(self, charter_id: UUID) -> tuple[Assessment, ...]:
        rows = await self.assessment_rows(charter_id)
        return tuple(as_assessment(row) for row in rows)

    async def assessment_rows(self, charter_id: UUID) -> Sequence[Row[Any]]:
        """In the order they were said in, which no clock decides."""
        query = select(assessments).where(assessments.c.charter_id == charter_id).order_by(assessments.c.number)
        return (await self._connection.execute(query)).all()

    async def attest(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(attestations, values)

    async def attestations(self, person: str | None = None) -> Sequence[Row[Any]]:
        query = select(attestations).order_by(attestations.c.id)
        if person is not None:
            query = query.where(attestations.c.person == person)
        return (await self._connection.execute(query)).all()

    # --- the library ----------------------------------------------------------------------

    async def propose(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(configurations, values)

    async def set_configuration(self, configuration_id: UUID, **values: Any) -> None:
        await self._connection.execute(
            update(configurations).where(configurations.c.id == configuration_id).values(**values)
        )

    async def supersede_configuration(self, name: str) -> None:
        await self._connection.execute(
            update(configurations)
            .where(configurations.c.name == name, configurations.c.state == "approved")
            .values(state="retired")
        )

    async def configuration(self, configuration_id: UUID) -> Row[Any]:
        query = select(configurations).where(configurations.c.id == configuration_id)
        found = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no configuration {configuration_id}.")
        return found

    async def configurations(self, *, state: str | None = None, name: str | None = None) -> Sequence[Row[Any]]:
        query = select(configurations).order_by(configurations.c.id)
        query = query.where(configurations.c.state == state) if state else query
        query = query.where(configurations.c.name == name) if name else query
        return (await self._connection.execute(query)).all()

    async def library(self) -> dict[str, Entry]:
        return {row.name: read_entry(row.document, row.digest) for row in await self.configurations(state="approved")}

    async def reject(self, values: Mapping[str, Any]) -> UUID:
        """A new criterion.

        Raises:
            Conflict: the name is taken.
        """
        taken = select(rejections.c.id).where(rejections.c.name == values["name"], rejections.c.withdrawn_at.is_(None))
        if await self._connection.scalar(taken):
            raise Conflict(f"There is a rejection criterion named {values['name']}.", code="name-taken")
        return await self._add(rejections, values)

    async def withdraw(self, rejection_id: UUID, by: str, at: datetime) -> None:
        gone = await self._connection.execute(
            update(rejections)
            .where(rejections.c.id == rejection_id, rejections.c.withdrawn_at.is_(None))
            .values(withdrawn_by=by, withdrawn_at=at)
        )
        if not gone.rowcount:
            raise NotFound(f"No rejection criterion {rejection_id} is in use.")

    async def rejection(self, rejection_id: UUID) -> Row[Any]:
        """A criterion, withdrawn or not.

        Raises:
            NotFound: there is none.
        """
        query = select(rejections).where(rejections.c.id == rejection_id)
        found = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no rejection criterion {rejection_id}.")
        return found

    async def rejection_rows(self) -> Sequence[Row[Any]]:
        return (await self._connection.execute(select(rejections).order_by(rejections.c.id))).all()

    async def rejections(self) -> tuple[Rejection, ...]:
        return tuple(
            read_rejection(row.name, row.expression, row.reason, row.made_by)
            for row in await self.rejection_rows()
            if row.withdrawn_at is None
        )

    # --- the house's rules ----------------------------------------------------------------

    async def rule_of_house(self, code: str, *, waivable: bool, reason: str, by: str, at: datetime) -> int:
        """A new version of what the house says of one rule; the epoch's lock keeps two from being the same."""
        latest = await self._connection.scalar(
            select(func.coalesce(func.max(house_rules.c.version), 0)).where(house_rules.c.code == code)
        )
        version = int(latest or 0) + 1
        made = insert(house_rules).values(
            code=code, version=version, waivable=waivable, reason=reason, set_by=by, set_at=at
        )
        await self._connection.execute(made)
        return version

    async def closed(self) -> Mapping[str, str]:
        """The rules that the house takes no exceptions from, with its reasons."""
        query = select(house_rules).ext(distinct_on(house_rules.c.code))
        rows = await self._connection.execute(query.order_by(house_rules.c.code, house_rules.c.version.desc()))
        return {row.code: row.reason for row in rows if not row.waivable}

    # --- waivers --------------------------------------------------------------------------

    async def add_waiver(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(waivers, values)

    async def waiver(self, waiver_id: UUID, *, lock: bool = False) -> Row[Any]:
        query = select(waivers).where(waivers.c.id == waiver_id)
        found = (await self._connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if found is None:
            raise NotFound(f"There is no waiver {waiver_id}.")
        return found

    async def set_waiver(self, waiver_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(waivers).where(waivers.c.id == waiver_id).values(**values))

    async def was_glass_rejected(self, charter_id: UUID, requester: str, since: datetime) -> bool:
        """Whether the committee rejected glass that was broken for somebody under a charter, later than that."""
        query = select(waivers.c.id).join(reviews, reviews.c.id == waivers.c.review_id)
        query = query.where(waivers.c.kind == "break-glass", waivers.c.charter_id == charter_id)
        query = query.where(waivers.c.requester == requester, reviews.c.state == "rejected")
        return await self._connection.scalar(query.where(reviews.c.decided_at > since).limit(1)) is not None

    async def waiver_rows(self, charter_id: UUID) -> Sequence[Row[Any]]:
        query = select(waivers).where(waivers.c.charter_id == charter_id).order_by(waivers.c.id)
        return (await self._connection.execute(query)).all()

    async def waivers(self, charter_id: UUID) -> tuple[Waiver, ...]:
        """Those that count: exceptions approved and unused, glass that a second person confirmed."""
        return tuple(
            Waiver(
                id=str(row.id),
                kind=row.kind,
                rule=row.rule,
                made_at=row.made_at,
                valid_until=row.valid_until,
                use_case=row.use_case,
                requester=row.requester,
                single_use=row.single_use,
            )
            for row in await self.waiver_rows(charter_id)
            if row.confirmed_by is not None and (row.used_by is None or not row.single_use)
        )

    # --- access policies ------------------------------------------------------------------

    async def add_access_policy(self, values: Mapping[str, Any]) -> UUID:
        await self._connection.execute(
            update(access_policies)
            .where(access_policies.c.resource_type == values["resource_type"], access_policies.c.withdrawn_at.is_(None))
            .values(withdrawn_at=values["made_at"])
        )
        return await self._add(access_policies, values)

    async def first_access_policy(self, resource_type: str) -> Row[Any]:
        """The first policy there was of a kind of resource.

        Raises:
            NotFound: there never was one.
        """
        query = select(access_policies).where(access_policies.c.resource_type == resource_type)
        found = (await self._connection.execute(query.order_by(access_policies.c.id).limit(1))).one_or_none()
        if found is None:
            raise NotFound(f"There is no access policy of {resource_type}.")
        return found

    async def access_policies(self) -> Sequence[Row[Any]]:
        query = select(access_policies).where(access_policies.c.withdrawn_at.is_(None))
        return (await self._connection.execute(query.order_by(access_policies.c.id))).all()

    async def _add(self, table: Table, values: Mapping[str, Any]) -> UUID:
        made_id: UUID = (
            await self._connection.execute(insert(table).values(**values).returning(table.c.id))
        ).scalar_one()
        return made_id


def as_assessment(row: Row[Any]) -> Assessment:
    return Assessment(row.assessor, row.digest, row.acceptable, row.valid_until, row.template)
