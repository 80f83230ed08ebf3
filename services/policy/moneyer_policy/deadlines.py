"""Deadlines and the notifications they cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Row, Table, Text, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.metadata import metadata
from moneyer_shared.database import identifier, moment, words
from moneyer_shared.paging import page

deadlines = Table(
    "deadlines",
    metadata,
    identifier(),
    words("kind"),
    Column("subject", Text, nullable=False, index=True),
    moment("due_at"),
    Column("payload", JSONB, nullable=False),
    moment("made_at"),
    moment("done_at", nullable=True),
    moment("cancelled_at", nullable=True),
    Index("ix_deadlines_open", "due_at", postgresql_where=text("done_at IS NULL AND cancelled_at IS NULL")),
    Index(
        "ix_deadlines_to",
        text("(payload ->> 'to')"),
        "due_at",
        postgresql_where=text("done_at IS NULL AND cancelled_at IS NULL"),
    ),
)

notifications = Table(
    "notifications",
    metadata,
    identifier(),
    Column("recipient", Text, nullable=False, index=True),
    words("kind"),
    words("subject"),
    words("message"),
    moment("sent_at"),
)


@dataclass(frozen=True)
class Due:
    """A deadline that has come; ``payload`` is what was written down with it."""

    kind: str
    subject: str
    due_at: datetime
    payload: Mapping[str, Any]

    @property
    def subject_id(self) -> UUID:
        """The id in its subject, as of ``review:<uuid>``."""
        return UUID(self.subject.split(":")[1])


class CalendarStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def schedule(
        self, kind: str, subject: str, due_at: datetime, at: datetime, payload: Mapping[str, Any] | None = None
    ) -> None:
        made = insert(deadlines).values(kind=kind, subject=subject, due_at=due_at, payload=payload or {}, made_at=at)
        await self._connection.execute(made)

    async def cancel(self, subject: str, at: datetime, kinds: Sequence[str] | None = None) -> None:
        """Forget what was still to come for a subject."""
        query = update(deadlines).where(
            deadlines.c.subject == subject, deadlines.c.done_at.is_(None), deadlines.c.cancelled_at.is_(None)
        )
        if kinds is not None:
            query = query.where(deadlines.c.kind.in_(kinds))
        await self._connection.execute(query.values(cancelled_at=at))

    async def is_due(self, now: datetime) -> bool:
        query = select(deadlines.c.id).where(
            deadlines.c.due_at <= now, deadlines.c.done_at.is_(None), deadlines.c.cancelled_at.is_(None)
        )
        return await self._connection.scalar(query.limit(1)) is not None

    async def take_due(self, now: datetime) -> Due | None:
        """The oldest deadline that is due, locked and marked done; whoever commits fires it, once."""
        due = (
            select(deadlines.c.id)
            .where(deadlines.c.due_at <= now, deadlines.c.done_at.is_(None), deadlines.c.cancelled_at.is_(None))
            .order_by(deadlines.c.due_at, deadlines.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        taken = update(deadlines).where(deadlines.c.id == due.scalar_subquery()).values(done_at=now)
        columns = (deadlines.c.kind, deadlines.c.subject, deadlines.c.due_at, deadlines.c.payload)
        found = (await self._connection.execute(taken.returning(*columns))).one_or_none()
        return Due(*found) if found is not None else None

    async def between(self, start: datetime, end: datetime, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of what is due in a stretch of time, the soonest first."""
        query = select(deadlines).where(
            deadlines.c.due_at >= start, deadlines.c.due_at < end, deadlines.c.cancelled_at.is_(None)
        )
        return await page(self._connection, query, deadlines.c.due_at, deadlines.c.id, after=after)

    async def notify(self, recipient: str, kind: str, subject: str, message: str, at: datetime) -> None:
        made = insert(notifications).values(
            recipient=recipient, kind=kind, subject=subject, message=message, sent_at=at
        )
        await self._connection.execute(made)

    async def notifications(self, recipient: str | None, after: UUID | None) -> Sequence[Row[Any]]:
        """A page of what people were told, the newest first."""
        query = select(notifications)
        if recipient is not None:
            query = query.where(notifications.c.recipient == recipient)
        order = (notifications.c.sent_at, notifications.c.id)
        return await page(self._connection, query, *order, after=after, newest_first=True)
