"""What use cases ask of the house's office. Later wings ask more of the same one, each in its own words.

What only later wings know (who is interested, what an incident looks into) is told from above: the office carries it.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.reviews.rules.judges import Interests
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database


class InterestsIn(Protocol):
    """Whose own matter something is."""

    async def __call__(
        self,
        connection: AsyncConnection,
        subject: str,
        document: Mapping[str, Any],
        charters: Sequence[UUID],
        now: datetime,
    ) -> Interests: ...


class SourceOwners(Protocol):
    """(who registered these sources; whom later keys of theirs name besides)."""

    async def __call__(
        self, connection: AsyncConnection, source_ids: Collection[str]
    ) -> tuple[frozenset[str], frozenset[str]]: ...


class LookedInto(Protocol):
    """Whether an incident that names this asset or charter is not closed."""

    async def __call__(self, connection: AsyncConnection, kind: Literal["asset", "charter"], subject: UUID) -> bool: ...


class Office(Protocol):
    """What every wing works with, and what it is told from above."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def interests(self) -> InterestsIn: ...
    @property
    def source_owners(self) -> SourceOwners: ...
    @property
    def looked_into(self) -> LookedInto: ...

    def changing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that changes what the gate reads."""
        ...
