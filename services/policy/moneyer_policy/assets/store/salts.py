"""What opens the digests of people in the log: kept here alone, so that to forget a salt is to forget a person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Text, select
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.metadata import journal

events = journal.audit_events


class SaltStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of(self, leaves: Sequence[UUID], subjects: Sequence[str]) -> dict[str, bytes]:
        """The salts of those leaves that are about one of the subjects, by leaf."""
        subject = events.c.leaf["subject"].astext.cast(Text)
        query = select(events.c.id, events.c.actor_salt).where(events.c.id.in_(leaves), subject.in_(subjects))
        return {str(row.id): row.actor_salt for row in await self._connection.execute(query)}
