"""What later wings that do not go through the door yet ask of the house's collaborators."""

from datetime import timedelta
from typing import Protocol

from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.gate.use_cases.worker_threads import WorkerThreads
from moneyer_policy.reviews.use_cases.office import Office as OfficeOfAll


class Office(OfficeOfAll, Protocol):
    """Rules kept in memory, threads for what decides nothing, and the key that permits are signed with."""

    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def bench(self) -> WorkerThreads: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def permit_lifetime(self) -> timedelta: ...
