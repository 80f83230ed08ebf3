"""Incidents, the duties and corrections they bring, and feedback."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.incidents.tables import corrective_actions, duties, feedback, incidents
from moneyer_shared.errors import NotFound
from moneyer_shared.paging import page


class IncidentStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def open(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(incidents, values)

    async def incident(self, incident_id: UUID, *, lock: bool = False) -> Row[Any]:
        """One incident.

        Raises:
            NotFound: there is none.
        """
        query = select(incidents).where(incidents.c.id == incident_id)
        return await self._one(query.with_for_update() if lock else query, f"There is no incident {incident_id}.")

    async def set(self, incident_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(incidents).where(incidents.c.id == incident_id).values(**values))

    async def incidents(self, state: str | None, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of incidents, the newest first."""
        query = select(incidents).where(incidents.c.state == state) if state else select(incidents)
        order = (incidents.c.opened_at, incidents.c.id)
        return await page(self._connection, query, *order, after=after, newest_first=True)

    async def is_looked_into(self, kind: Literal["asset", "charter"], subject: UUID) -> bool:
        """Whether an incident that names this asset or charter is not closed."""
        about = incidents.c.assets if kind == "asset" else incidents.c.charters
        query = select(incidents.c.id).where(about.contains([subject]), incidents.c.state != "closed")
        return await self._connection.scalar(query.limit(1)) is not None

    async def add_duty(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(duties, values)

    async def duties(self, incident_id: UUID) -> Sequence[Row[Any]]:
        query = select(duties).where(duties.c.incident_id == incident_id).order_by(duties.c.due_at)
        return (await self._connection.execute(query)).all()

    async def duty(self, duty_id: UUID) -> Row[Any]:
        return await self._one(select(duties).where(duties.c.id == duty_id), f"There is no duty {duty_id}.")

    async def do_duty(self, incident_id: UUID, duty_id: UUID, by: str, evidence: str, at: datetime) -> None:
        done = update(duties).where(
            duties.c.id == duty_id, duties.c.incident_id == incident_id, duties.c.done_at.is_(None)
        )
        gone = await self._connection.execute(done.values(done_by=by, evidence=evidence, done_at=at))
        if not gone.rowcount:
            raise NotFound("No such duty of this incident is open.")

    async def add_action(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(corrective_actions, values)

    async def actions(self, incident_id: UUID) -> Sequence[Row[Any]]:
        query = select(corrective_actions).where(corrective_actions.c.incident_id == incident_id)
        return (await self._connection.execute(query.order_by(corrective_actions.c.id))).all()

    async def action(self, incident_id: UUID, action_id: UUID) -> Row[Any]:
        """A corrective action of an incident.

        Raises:
            NotFound: it has no such action.
        """
        which = (corrective_actions.c.id == action_id, corrective_actions.c.incident_id == incident_id)
        return await self._one(select(corrective_actions).where(*which), "This incident has no such action.")

    async def do_action(self, incident_id: UUID, action_id: UUID, by: str, at: datetime) -> None:
        done = update(corrective_actions).where(
            corrective_actions.c.id == action_id,
            corrective_actions.c.incident_id == incident_id,
            corrective_actions.c.done_at.is_(None),
        )
        if not (await self._connection.execute(done.values(done_by=by, done_at=at))).rowcount:
            raise NotFound("No such action of this incident is open.")

    async def add_feedback(self, values: Mapping[str, Any]) -> UUID:
        return await self._add(feedback, values)

    async def feedback(self, *, about: str | None, state: str | None, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of feedback, the newest first."""
        query = select(feedback).where(feedback.c.about == about) if about else select(feedback)
        query = query.where(feedback.c.state == state) if state else query
        order = (feedback.c.sent_at, feedback.c.id)
        return await page(self._connection, query, *order, after=after, newest_first=True)

    async def feedback_row(self, feedback_id: UUID) -> Row[Any]:
        query = select(feedback).where(feedback.c.id == feedback_id)
        return await self._one(query, f"There is no feedback {feedback_id}.")

    async def set_feedback(self, feedback_id: UUID, **values: Any) -> None:
        await self._connection.execute(update(feedback).where(feedback.c.id == feedback_id).values(**values))

    async def _add(self, table: Table, values: Mapping[str, Any]) -> UUID:
        made_id: UUID = (
            await self._connection.execute(insert(table).values(**values).returning(table.c.id))
        ).scalar_one()
        return made_id

    async def _one(self, query: Any, missing: str) -> Row[Any]:
        found: Row[Any] | None = (await self._connection.execute(query)).one_or_none()
        if found is None:
            raise NotFound(missing)
        return found
