"""What the gate asks of the office besides."""

from datetime import timedelta
from typing import Protocol

from moneyer_policy.gate.use_cases.bench import Bench
from moneyer_policy.gate.use_cases.lane import Lane
from moneyer_policy.gate.use_cases.rulebook import Rulebook
from moneyer_policy.gate.use_cases.signer import Signer
from moneyer_policy.reviews.use_cases.office import Office as OfficeOfAll


class Office(OfficeOfAll, Protocol):
    """Rules kept in memory, where plans wait and advice is worked out, and the key that permits are signed with."""

    @property
    def rulebook(self) -> Rulebook: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def bench(self) -> Bench: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def permit_lifetime(self) -> timedelta: ...
