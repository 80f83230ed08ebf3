"""What every use case of generation works with: one transaction, its stores and its queue."""

from typing import Literal
from uuid import UUID

from moneyer_generation.store.audits import AuditStore
from moneyer_generation.store.connections import ConnectionStore
from moneyer_generation.store.deliveries import DeliveryStore
from moneyer_generation.store.pulls import PullStore
from moneyer_generation.store.runs import RunStore
from moneyer_generation.store.searches import SearchStore
from moneyer_generation.store.sources import SourceStore
from moneyer_shared import work
from moneyer_shared.queue import enqueue

JobName = Literal["run", "search", "audit", "pull", "connection", "upload", "delivery"]


class Work(work.Work):
    """One transaction of generation."""

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

    @property
    def connections(self) -> ConnectionStore:
        return ConnectionStore(self.connection)

    @property
    def pulls(self) -> PullStore:
        return PullStore(self.connection)

    @property
    def deliveries(self) -> DeliveryStore:
        return DeliveryStore(self.connection)

    async def schedule(self, job: JobName, subject: UUID, *, place: int = 0) -> None:
        """Have a worker carry a job once this transaction is committed; the lowest place is taken up first."""
        await enqueue(self.connection, job, subject, place=place)
