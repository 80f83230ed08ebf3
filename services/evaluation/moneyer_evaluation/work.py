"""What every use case of evaluation works with: one transaction, its stores, its queue, and whose things are."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moneyer_evaluation.documents import Owned
from moneyer_evaluation.store.assays import AssayStore
from moneyer_evaluation.store.audits import AuditStore
from moneyer_evaluation.store.monitors import MonitorStore
from moneyer_evaluation.store.shares import SharesStore
from moneyer_shared import work
from moneyer_shared.ownership import check_own, owner_of
from moneyer_shared.queue import enqueue

RAW = "evaluation:raw:read"
"""The right to read figures computed from real rows to the last digit."""
Job = Literal["assay", "look"]


@dataclass(frozen=True)
class Work(work.Work):
    """One transaction of evaluation."""

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
