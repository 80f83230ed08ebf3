"""Evaluation's collaborators, and the work of one transaction that its use cases are handed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from obstore.store import ObjectStore
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_evaluation.documents import Owned
from moneyer_evaluation.settings import Settings
from moneyer_evaluation.store.assays import AssayStore
from moneyer_evaluation.store.audits import AuditStore
from moneyer_evaluation.store.monitors import MonitorStore
from moneyer_evaluation.store.shares import SharesStore
from moneyer_evaluation.tables import journal
from moneyer_shared import work
from moneyer_shared.auth import Caller
from moneyer_shared.clients.generation import Generation
from moneyer_shared.clients.policy import Policy
from moneyer_shared.clock import Clock
from moneyer_shared.database import Database
from moneyer_shared.ownership import check_own, owner_of
from moneyer_shared.queue import enqueue

ITSELF = Caller("evaluation", "evaluation", frozenset())
"""Who acts where nobody asked: the worker."""
RAW = "evaluation:raw:read"
"""The right to read figures computed from real rows to the last digit."""
Job = Literal["assay", "look"]


@dataclass(frozen=True)
class Work(work.Work):
    """One transaction of evaluation: its stores, its queue, and whose things are."""

    @property
    def assays(self) -> AssayStore:
        return AssayStore(self.connection)

    @property
    def audits(self) -> AuditStore:
        return AuditStore(self.connection)

    @property
    def monitors(self) -> MonitorStore:
        return MonitorStore(self.connection)

    @property
    def shares(self) -> SharesStore:
        return SharesStore(self.connection)

    @property
    def reads_raw(self) -> bool:
        """Whether the caller may read figures to the last digit."""
        return self.caller.holds(RAW)

    async def schedule(self, job: Job, subject: UUID) -> None:
        """Have a worker carry a job once this transaction is committed."""
        await enqueue(self.connection, job, subject)

    async def maker_of(self, kind: Owned, subject: UUID) -> str:
        """Who made a monitor, or declared a population's shares first.

        Raises:
            NotFound: there is none.
        """
        if kind == "monitor":
            return (await self.monitors.monitor(subject)).made_by
        return await self.shares.first_declarer(subject)

    async def check_owner(self, kind: Owned, subject: UUID, *others: str) -> None:
        """See that a thing is the caller's own, or that its owner lets the caller at it.

        Raises:
            NotFound: there is none.
            Forbidden: it is somebody else's.
        """
        owner = await owner_of(self.connection, kind, subject, await self.maker_of(kind, subject))
        check_own(owner, self.by, f"This {kind}", *others)


@dataclass(frozen=True)
class Dependencies:
    """What evaluation works with: its database and objects, a clock, and the services it asks."""

    settings: Settings
    database: Database
    clock: Clock
    policy: Policy
    generation: Generation
    objects: ObjectStore

    @asynccontextmanager
    async def begin(self, kind: type[work.W], caller: Caller, *, read_only: bool = False) -> AsyncGenerator[work.W]:
        """One transaction of a use case; it commits when the block ends well."""
        async with self.database.transaction(read_only=read_only) as connection:
            yield kind(connection, self.clock(), caller, journal)


def unasked(dependencies: Dependencies) -> work.Workflow[Dependencies]:
    """What the service does by itself: its own name stands in the journal, and no answer is kept."""

    async def keep_nothing(connection: AsyncConnection, document: object) -> None:
        del connection, document

    return work.Workflow(dependencies, ITSELF, keep_nothing)
