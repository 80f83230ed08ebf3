"""Incidents, the duties and corrections they bring, and feedback."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy import Column, Row, Select, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.incidents.documents import CorrectiveAction, Duty, Feedback, Incident, IncidentReport
from moneyer_policy.incidents.tables import corrective_actions, duties, feedback, incidents
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page

D = TypeVar("D", Duty, CorrectiveAction)


class IncidentStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, **values: object) -> UUID:
        return await self._add(incidents, values)

    async def incident(self, incident_id: UUID, *, lock: bool = False) -> Incident:
        """One incident with its duties and corrective actions.

        Raises:
            NotFound: there is none.
        """
        query = select(incidents).where(incidents.c.id == incident_id)
        row = await self._one(query.with_for_update() if lock else query, f"There is no incident {incident_id}.")
        (found,) = await self._whole([row])
        return found

    async def incidents(self, state: str | None, after: UUID | None) -> list[Incident]:
        """A page of incidents, the newest first."""
        query = select(incidents).where(incidents.c.state == state) if state else select(incidents)
        order = (incidents.c.opened_at, incidents.c.id)
        return await self._whole(await page(self._connection, query, *order, after=after, newest_first=True))

    async def _whole(self, rows: Sequence[Row[Any]]) -> list[Incident]:
        """Incidents with what they bring: duties by when they are due, actions by when they were named."""
        ids = [row.id for row in rows]
        owed = await self._by_incident(Duty, duties, ids, duties.c.due_at)
        mends = await self._by_incident(CorrectiveAction, corrective_actions, ids, corrective_actions.c.id)
        return [
            Incident(
                **dict(IncidentReport.model_validate(row)),
                duties=owed.get(row.id, []),
                actions=mends.get(row.id, []),
            )
            for row in rows
        ]

    async def _by_incident(
        self, document: type[D], table: Table, ids: Sequence[UUID], order: Column[object]
    ) -> Mapping[UUID, list[D]]:
        found: dict[UUID, list[D]] = {}
        query = select(table).where(table.c.incident_id.in_(ids)).order_by(order)
        for row in await self._connection.execute(query):
            found.setdefault(row.incident_id, []).append(document.model_validate(row))
        return found

    async def set(self, incident_id: UUID, **values: object) -> None:
        await self._connection.execute(update(incidents).where(incidents.c.id == incident_id).values(**values))

    async def is_looked_into(self, kind: Literal["asset", "charter"], subject: UUID) -> bool:
        """Whether an incident that names this asset or charter is not closed."""
        about = incidents.c.assets if kind == "asset" else incidents.c.charters
        query = select(incidents.c.id).where(about.contains([subject]), incidents.c.state != "closed")
        return await self._connection.scalar(query.limit(1)) is not None

    async def add_duty(self, **values: object) -> UUID:
        return await self._add(duties, values)

    async def do_duty(self, incident_id: UUID, duty_id: UUID, by: str, evidence: str, at: datetime) -> None:
        """Raises NotFound: the incident has no such duty, or it was done."""
        done = update(duties).where(
            duties.c.id == duty_id, duties.c.incident_id == incident_id, duties.c.done_at.is_(None)
        )
        gone = await self._connection.execute(done.values(done_by=by, evidence=evidence, done_at=at))
        if not gone.rowcount:
            raise NotFound("No such duty of this incident is open.")

    async def add_action(self, **values: object) -> UUID:
        return await self._add(corrective_actions, values)

    async def do_action(self, incident_id: UUID, action_id: UUID, by: str, at: datetime) -> None:
        """Raises NotFound: the incident has no such action, or it was done."""
        done = update(corrective_actions).where(
            corrective_actions.c.id == action_id,
            corrective_actions.c.incident_id == incident_id,
            corrective_actions.c.done_at.is_(None),
        )
        if not (await self._connection.execute(done.values(done_by=by, done_at=at))).rowcount:
            raise NotFound("No such action of this incident is open.")

    # --- feedback -------------------------------------------------------------------------

    async def add_feedback(self, **values: object) -> Feedback:
        made = insert(feedback).values(**values).returning(feedback)
        return Feedback.model_validate((await self._connection.execute(made)).one())

    async def feedback(self, *, about: str | None, state: str | None, after: UUID | None) -> list[Feedback]:
        """A page of feedback, the newest first."""
        query = select(feedback).where(feedback.c.about == about) if about else select(feedback)
        query = query.where(feedback.c.state == state) if state else query
        order = (feedback.c.sent_at, feedback.c.id)
        rows = await page(self._connection, query, *order, after=after, newest_first=True)
        return [Feedback.model_validate(row) for row in rows]

    async def one_feedback(self, feedback_id: UUID) -> Feedback:
        """Raises NotFound: there is none."""
        query = select(feedback).where(feedback.c.id == feedback_id)
        return Feedback.model_validate(await self._one(query, f"There is no feedback {feedback_id}."))

    async def set_feedback(self, feedback_id: UUID, **values: object) -> Feedback:
        changed = update(feedback).where(feedback.c.id == feedback_id).values(**values).returning(feedback)
        return Feedback.model_validate((await self._connection.execute(changed)).one())

    async def _add(self, table: Table, values: Mapping[str, object]) -> UUID:
        made_id: UUID = (
            await self._connection.execute(insert(table).values(**values).returning(table.c.id))
        ).scalar_one()
        return made_id

    async def _one(self, query: Select[Any], missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found
