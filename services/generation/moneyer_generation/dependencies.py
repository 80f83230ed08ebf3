"""Generation's collaborators, and the work that use cases do with them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from obstore.store import ObjectStore
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_generation.execution.protocol import Job, Message
from moneyer_generation.settings import Settings
from moneyer_generation.store.audits import AuditStore
from moneyer_generation.store.runs import RunStore
from moneyer_generation.store.searches import SearchStore
from moneyer_generation.store.sources import SourceStore
from moneyer_generation.tables import journal
from moneyer_shared import work as shared
from moneyer_shared.auth import Caller
from moneyer_shared.clients.evaluation import Evaluation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.queue import enqueue

Ready = Callable[[], Awaitable[None]]
MakeTable = Callable[[Job], AsyncGenerator[Message]]
JobName = Literal["run", "search", "audit"]
SERVICE = Caller("generation", "generation", frozenset())
"""Who a worker's steps are done by."""


class Work(shared.Work):
    """One transaction of generation's: its stores, and its queue."""

    @property
    def sources(self) -> SourceStore:
        return SourceStore(self.connection)

    @property
    def runs(self) -> RunStore:
        return RunStore(self.connection)

    @property
    def searches(self) -> SearchStore:
        return SearchStore(self.connection)

    @property
    def audits(self) -> AuditStore:
        return AuditStore(self.connection)

    async def schedule(self, job: JobName, subject: UUID, *, place: int = 0) -> None:
        """Queue a job in this transaction; the lowest place is taken up first."""
        await enqueue(self.connection, job, subject, place=place)


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
    async def begin(self, kind: type[shared.W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[shared.W]:
        """One transaction, done by that caller."""
        async with self.database.transaction(read_only=read_only) as connection:
            yield kind(connection, self.clock(), caller, journal)

    def workflow(self, caller: Caller = SERVICE) -> "Flow":
        """What a use case that asks other services works with where no route of the door begins it.

        Nothing is kept for a repeat.
        """
        return shared.Workflow(self, caller, _keep_nothing)


async def _keep_nothing(connection: AsyncConnection, document: object) -> None:
    """Nobody repeats what no request began."""


Flow: TypeAlias = shared.Workflow[Dependencies]
"""A use case's work where it asks policy, evaluation or the object store: it begins its own transactions."""
