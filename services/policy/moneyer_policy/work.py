"""What every use case of policy works with: one transaction, its moment, who asks, and the house's collaborators."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from moneyer_policy.deadlines import CalendarStore
from moneyer_shared import work
from moneyer_shared.auth import Caller

if TYPE_CHECKING:
    from moneyer_policy.dependencies import Dependencies

    Flow = work.Workflow[Dependencies]
else:
    Flow = work.Workflow
"""A use case that begins its own transactions, or none."""

ITSELF = Caller("policy", "policy", frozenset())
"""Who does what nobody asks for: deadlines that fire, and what follows from votes."""


@dataclass(frozen=True)
class Work(work.Work):
    """One transaction of policy.

    ``dependencies`` are the house's: what only later wings know (who is interested, what an incident looks into, what
    follows from a vote) an earlier one asks there.
    """

    dependencies: "Dependencies"

    async def schedule(
        self, kind: str, subject: str, due_at: datetime, payload: Mapping[str, Any] | None = None
    ) -> None:
        """Have a deadline fire once, at ``due_at`` or as soon after as the house is up."""
        await CalendarStore(self.connection).schedule(kind, subject, due_at, self.now, payload)

    def by_house(self) -> Self:
        """The same transaction, for what the house does itself in it."""
        return replace(self, caller=ITSELF)


@dataclass(frozen=True)
class ChangingRules(Work):
    """A transaction that changes what the gate reads: it waits for the decisions under way, and none outruns it."""


@dataclass(frozen=True)
class OpeningKeys(Work):
    """A transaction that opens keys: what governs stays as it is until it ends, and whoever stops something waits.

    Its lock comes before every other, or two of them would wait for each other in a ring.
    """


@dataclass(frozen=True)
class Snapshot(Work):
    """A transaction that reads everything as it stood at one moment, changes nothing and locks nothing."""
