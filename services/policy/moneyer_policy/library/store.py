"""What the gate holds plans against besides the charter: assessments, training, library, the house's rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.library.rules.assessment import Assessment
from moneyer_policy.library.rules.library import Entry, Rejection, read_entry, read_rejection
from moneyer_policy.library.tables import (
    access_policies,
    assessments,
    attestations,
    configurations,
    house_rules,
    rejections,
    templates,
)
from moneyer_shared.errors import Conflict, NotFound


class LibraryStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

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
