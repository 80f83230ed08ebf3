"""What the gate is asked about, what it may look at, and what it says of a rule that failed."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from moneyer_policy.budgets.rules.accounting import Account, Cost
from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.charters.rules.charter import Charter
from moneyer_policy.charters.rules.extra_rules import exact_units
from moneyer_policy.library.rules.assessment import Assessment
from moneyer_policy.library.rules.library import Entry, Rejection


@dataclass(frozen=True)
class Clause:
    """One rule that failed: what it expected, what it found, what would mend it."""

    code: str
    expected: str
    actual: str
    remedy: str


@dataclass(frozen=True)
class Plan:
    """What the caller asked for."""

    charter_id: str
    use_case: str
    audience: str
    source_id: str
    generator: str
    parameters: Mapping[str, str | int | bool]
    rows: int
    requested_guarantee: str
    configuration: str | None = None
    model: str | None = None
    blend_share: Decimal | None = None
    priority: str = "normal"


@dataclass(frozen=True)
class Stop:
    """Something that is stopped: for a while if it is ``suspended``, else for good."""

    kind: Literal["charter", "source", "population", "asset", "configuration", "use-case"]
    subject: str
    state: Literal["suspended", "withdrawn", "retired", "rejected", "prohibited", "refused"] = "suspended"

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} is {self.state}"


@dataclass(frozen=True)
class Model:
    """A fitted model as the plan that paid for it had it; ``paid`` once its run was charged and made a table,
    ``epsilon`` and ``delta`` as its own label stated them.

    ``stopped`` is a table that was made of it and is read no more: that of its own run, or of one that it goes back to.
    ``fitted_by`` is the run that fitted it, ``rejected`` a table drawn from it, by whichever run, that was rejected.
    """

    charter_id: str
    source_id: str
    generator: str
    parameters: Mapping[str, str | int | bool]
    guarantee: str
    paid: bool
    epsilon: Decimal | None
    delta: Decimal | None
    stopped: Stop | None = None
    fitted_by: str = ""
    rejected: str | None = None


@dataclass(frozen=True)
class OfferedUnit:
    """A source's privacy unit; one row where it identifies nothing."""

    identified_by: str | None
    maximum_rows: int


@dataclass(frozen=True)
class Facts:
    """Everything the gate may look at, gathered in one transaction.

    ``offered_epsilon`` is what the mechanism's charge amounts to at ``offered_delta``, ``stated_epsilon`` what the
    label says.
    """

    now: datetime
    requester: str
    plan: Plan
    offered_guarantee: str
    offered_mechanism: str
    offered_delta: Decimal | None
    cost: Cost
    charter: Charter | None
    charter_state: str
    assessments: Sequence[Assessment]
    source_population: str | None
    offered_population: str
    populations: Sequence[Account]
    allocations: Sequence[Account]
    in_force_at: datetime | None = None
    approved_until: datetime | None = None
    trained_in: frozenset[str] = frozenset()
    library: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    rejections: Sequence[Rejection] = ()
    offered_version: str = ""
    offered_epsilon: Decimal | None = None
    stated_epsilon: Decimal | None = None
    offered_unit: OfferedUnit | None = None
    offered_group: int = 1
    population_unit: Unit | None = None
    model: Model | None = None
    stops: AbstractSet[Stop] = frozenset()
    """Sources and populations that are suspended."""
    looks_taken: int = 0
    data_domains: Sequence[str] = ()
    """Columns whose bounds or categories were read from the rows."""

    def values(self) -> dict[str, object]:
        """The plan as rules written in CEL see it; ε and δ as exact integers in units of 1e-12."""
        return {
            "use_case": self.plan.use_case,
            "audience": self.plan.audience,
            "source_id": self.plan.source_id,
            "generator": self.plan.generator,
            "guarantee": self.offered_guarantee,
            "requester": self.requester,
            "rows": self.plan.rows,
            "epsilon": exact_units(self.offered_epsilon),
            "delta": exact_units(self.offered_delta),
            "parameters": dict(self.plan.parameters),
            "now": self.now,
        }
