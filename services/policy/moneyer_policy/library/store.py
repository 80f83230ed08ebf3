"""What the gate holds plans against besides the charter: assessments, training, library, the house's rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, func, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.library.documents import (
    AccessPolicy,
    Assessment,
    Attestation,
    Configuration,
    QuestionnaireVersion,
    RejectionCriterion,
)
from moneyer_policy.library.rules import assessment as rules
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

    async def add_template(
        self, name: str, document: Mapping[str, object], digest: str, by: str, at: datetime
    ) -> QuestionnaireVersion:
        """The next version of a questionnaire; two that are published at once follow one another."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 1))))
        latest = await self._connection.scalar(
            select(func.coalesce(func.max(templates.c.version), 0)).where(templates.c.name == name)
        )
        values = {"name": name, "version": int(latest or 0) + 1, "document": document, "digest": digest}
        made = await self._add(templates, values | {"made_by": by, "made_at": at})
        return QuestionnaireVersion.model_validate(made)

    async def template(self, name: str) -> QuestionnaireVersion:
        """The newest version of a questionnaire.

        Raises:
            NotFound: there is none of that name.
        """
        query = select(templates).where(templates.c.name == name).order_by(templates.c.version.desc()).limit(1)
        return QuestionnaireVersion.model_validate(await self._one(query, f"There is no questionnaire {name}."))

    async def publisher(self, name: str) -> str:
        """Who published the first version of a questionnaire.

        Raises:
            NotFound: there is none of that name.
        """
        query = select(templates.c.made_by).where(templates.c.name == name, templates.c.version == 1)
        return str((await self._one(query, f"There is no questionnaire {name}.")).made_by)

    async def templates(self) -> list[QuestionnaireVersion]:
        rows = await self._connection.execute(select(templates).order_by(templates.c.name, templates.c.version))
        return [QuestionnaireVersion.model_validate(row) for row in rows]

    async def assess(self, **values: object) -> Assessment:
        return Assessment.model_validate(await self._add(assessments, values))

    async def assessments(self, charter_id: UUID) -> tuple[rules.Assessment, ...]:
        """As rules weigh them, in the order they were said in."""
        return tuple(as_assessment(one) for one in await self.assessment_rows(charter_id))

    async def assessment_rows(self, charter_id: UUID) -> list[Assessment]:
        """In the order they were said in, which no clock decides."""
        query = select(assessments).where(assessments.c.charter_id == charter_id).order_by(assessments.c.number)
        return [Assessment.model_validate(row) for row in await self._connection.execute(query)]

    async def attest(self, **values: object) -> Attestation:
        return Attestation.model_validate(await self._add(attestations, values))

    async def attestations(self, person: str | None = None) -> list[Attestation]:
        query = select(attestations).order_by(attestations.c.id)
        if person is not None:
            query = query.where(attestations.c.person == person)
        return [Attestation.model_validate(row) for row in await self._connection.execute(query)]

    # --- the library ----------------------------------------------------------------------

    async def propose(self, **values: object) -> UUID:
        made: UUID = (await self._add(configurations, values)).id
        return made

    async def set_configuration(self, configuration_id: UUID, **values: object) -> Configuration:
        changed = update(configurations).where(configurations.c.id == configuration_id).values(**values)
        return Configuration.model_validate((await self._connection.execute(changed.returning(configurations))).one())

    async def supersede_configuration(self, name: str) -> None:
        await self._connection.execute(
            update(configurations)
            .where(configurations.c.name == name, configurations.c.state == "approved")
            .values(state="retired")
        )

    async def configurations(self, *, state: str | None = None, name: str | None = None) -> list[Configuration]:
        query = select(configurations).order_by(configurations.c.id)
        query = query.where(configurations.c.state == state) if state else query
        query = query.where(configurations.c.name == name) if name else query
        return [Configuration.model_validate(row) for row in await self._connection.execute(query)]

    async def library(self) -> dict[str, Entry]:
        """What is approved, by name."""
        return {one.name: read_entry(one.document, one.digest) for one in await self.configurations(state="approved")}

    # --- rejection criteria ---------------------------------------------------------------

    async def reject(self, name: str, **values: object) -> RejectionCriterion:
        """A new criterion.

        Raises:
            Conflict: the name is taken.
        """
        taken = select(rejections.c.id).where(rejections.c.name == name, rejections.c.withdrawn_at.is_(None))
        if await self._connection.scalar(taken):
            raise Conflict(f"There is a rejection criterion named {name}.", code="name-taken")
        return RejectionCriterion.model_validate(await self._add(rejections, {"name": name} | values))

    async def withdraw(self, rejection_id: UUID, by: str, at: datetime) -> None:
        """Raises NotFound: there is no such criterion in use."""
        gone = await self._connection.execute(
            update(rejections)
            .where(rejections.c.id == rejection_id, rejections.c.withdrawn_at.is_(None))
            .values(withdrawn_by=by, withdrawn_at=at)
        )
        if not gone.rowcount:
            raise NotFound(f"No rejection criterion {rejection_id} is in use.")

    async def rejection(self, rejection_id: UUID) -> RejectionCriterion:
        """A criterion, withdrawn or not.

        Raises:
            NotFound: there is none.
        """
        query = select(rejections).where(rejections.c.id == rejection_id)
        return RejectionCriterion.model_validate(
            await self._one(query, f"There is no rejection criterion {rejection_id}.")
        )

    async def rejection_rows(self) -> list[RejectionCriterion]:
        """All criteria, withdrawn or not, the oldest first."""
        rows = await self._connection.execute(select(rejections).order_by(rejections.c.id))
        return [RejectionCriterion.model_validate(row) for row in rows]

    async def rejections(self) -> tuple[Rejection, ...]:
        """Those in use, compiled."""
        return tuple(
            read_rejection(one.name, one.expression, one.reason, one.made_by)
            for one in await self.rejection_rows()
            if one.withdrawn_at is None
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

    async def add_access_policy(self, resource_type: str, *, made_at: datetime, **values: object) -> AccessPolicy:
        """A policy that replaces the one its kind of resource had."""
        await self._connection.execute(
            update(access_policies)
            .where(access_policies.c.resource_type == resource_type, access_policies.c.withdrawn_at.is_(None))
            .values(withdrawn_at=made_at)
        )
        made = {"resource_type": resource_type, "made_at": made_at} | values
        return AccessPolicy.model_validate(await self._add(access_policies, made))

    async def first_to_decide_on(self, resource_type: str) -> str:
        """Who made the first policy there was of a kind of resource.

        Raises:
            NotFound: there never was one.
        """
        query = select(access_policies.c.made_by).where(access_policies.c.resource_type == resource_type)
        found = await self._one(
            query.order_by(access_policies.c.id).limit(1), f"There is no access policy of {resource_type}."
        )
        return str(found.made_by)

    async def access_policies(self) -> list[AccessPolicy]:
        """Those in use."""
        query = select(access_policies).where(access_policies.c.withdrawn_at.is_(None))
        return [
            AccessPolicy.model_validate(row)
            for row in await self._connection.execute(query.order_by(access_policies.c.id))
        ]

    # --- rows -----------------------------------------------------------------------------

    async def _add(self, table: Table, values: Mapping[str, object]) -> Row[Any]:
        made: Row[Any] = (await self._connection.execute(insert(table).values(**values).returning(table))).one()
        return made

    async def _one(self, query: Select[Any], missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found


def as_assessment(one: Assessment) -> rules.Assessment:
    """An assessment as rules weigh it."""
    return rules.Assessment(one.assessor, one.digest, one.acceptable, one.valid_until, one.template)
