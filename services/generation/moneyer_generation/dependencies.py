"""Generation's collaborators, and where its work begins."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from obstore.store import ObjectStore

from moneyer_generation.execution.protocol import Job, Message
from moneyer_generation.settings import Settings
from moneyer_generation.tables import journal
from moneyer_shared.auth import Caller
from moneyer_shared.clients.evaluation import Evaluation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.work import W, Workflow

Ready = Callable[[], Awaitable[None]]
MakeTable = Callable[[Job], AsyncGenerator[Message]]
ITSELF = Caller("generation", "generation", frozenset())
"""Who acts where nobody asked: the worker."""


@dataclass(frozen=True)
class Dependencies:
    """Generation's collaborators."""

    settings: Settings
    database: Database
    clock: Clock
    policy: Policy
    evaluation: Evaluation
    objects: ObjectStore
    make_table: MakeTable
    ready: Ready
    """Raises Unavailable where no table can be made now; asked before a permit is redeemed."""

    @asynccontextmanager
    async def begin(self, kind: type[W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[W]:
        """One transaction, done by that caller."""
        async with self.database.transaction(read_only=read_only) as connection:
            yield kind(connection, self.clock(), caller, journal)


Flow: TypeAlias = Workflow[Dependencies]
"""A use case's work where it asks policy, evaluation or the object store: it begins its own transactions."""
