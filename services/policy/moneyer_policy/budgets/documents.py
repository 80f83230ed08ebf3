"""Populations, allocations and the ledger on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, PlainSerializer, StringConstraints, WithJsonSchema

from moneyer_policy.budgets.rules.accounting import in_words, plain
from moneyer_policy.budgets.rules.size import Size
from moneyer_policy.budgets.rules.unit import UnitKind
from moneyer_shared.contracts.documents import AmountText, Document, Name, Text
from moneyer_shared.contracts.policy import Mechanism, PopulationUnit

_TEXT = WithJsonSchema({"type": "string"})
Amount = Annotated[Decimal, PlainSerializer(plain, return_type=str), _TEXT]
"""An exact amount, told as decimal text without an exponent."""
DeltaUnits = Annotated[int, PlainSerializer(in_words, return_type=str), _TEXT]
"""A δ counted in units of 1e-30, told as decimal text."""
Order = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(/[0-9]{1,2})?$")]
"""A Rényi order of the grid, as statements list them: 17, or 339/16."""
Partitions = Annotated[list[Name], Field(max_length=500)]
Movement = Literal["reserve", "spend", "return"]


class SizedRequest(Document):
    """How large a budget is to be; ``approximate_delta`` is the part of δ that claimed mechanisms may fail with."""

    epsilon: AmountText
    delta: AmountText
    approximate_delta: AmountText = "0"

    def size(self) -> Size:
        return Size(Decimal(self.epsilon), Decimal(self.delta), Decimal(self.approximate_delta))


class PopulationRequest(SizedRequest):
    """The people behind one or more sources, and the whole of their budget.

    ``privacy_unit`` says in words whom one unit stands for, ``unit`` what sources are held against; it may be left out
    where the words are "row" or "one row". ``order`` is the Rényi order the budget is held to for good: left out, the
    one at which mechanisms of zCDP lose nothing; a high one suits populations that see pure ε alone.
    ``approximate_delta`` is the part of δ that claimed mechanisms may fail with.
    """

    name: Name
    privacy_unit: Text
    unit: PopulationUnit | None = None
    order: Order | None = None
    partitions: Partitions = Field(default_factory=list[Name])


class NewPopulation(Document):
    """A population that was named; ``GET`` tells its accounts."""

    id: UUID
    name: str
    epsilon: str
    delta: str


class PrivacyUnit(Document):
    """``undeclared`` are populations of before units were declared: nothing is learned from them until they are."""

    kind: UnitKind
    identified_by: str | None


class Balance(Document):
    """How large and how full a budget is; it is held to one Rényi ``order``.

    ``epsilon_held`` is what reserved and spent costs amount to together at that order, ``share_held`` how full it is;
    ``delta_held`` what mechanisms that fail with a δ of their own took of ``approximate_delta``.
    """

    id: UUID
    partition: str
    epsilon: Amount
    delta: Amount
    order: str
    approximate_delta: Amount
    epsilon_spent: Amount
    epsilon_held: Amount
    share_held: Amount
    delta_spent: DeltaUnits
    delta_held: DeltaUnits
    releases_limit: int | None
    releases_held: int
    releases_spent: int


class BudgetAccount(Balance):
    """A population's own budget, or what a charter may spend of it."""

    charter_id: UUID | None


class Allocation(Balance):
    """What one charter may spend of a population's budget, in one partition."""

    charter_id: UUID


class Population(Document):
    """A population and what is left of its budget; ``budget`` is the fullest of its partitions' accounts."""

    id: UUID
    name: str
    privacy_unit: str
    unit: PrivacyUnit
    partitions: list[str]
    budget: BudgetAccount
    accounts: list[BudgetAccount]
    allocations: list[BudgetAccount]


class AllocationRequest(SizedRequest):
    """``releases`` limits assets made without a guarantee; without it none may be made.

    ``order`` and ``approximate_delta`` are as in a population's budget.
    """

    charter_id: UUID
    order: Order | None = None
    releases: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


# --- changes, each by a vote --------------------------------------------------------------


class BudgetProposal(Document):
    """A new budget for a population, or for one charter's allocation of it.

    Its order stays, and so does what is set aside of δ for approximate mechanisms, unless that is named.
    """

    charter_id: UUID | None = None
    epsilon: AmountText
    delta: AmountText
    approximate_delta: AmountText | None = None
    reason: Text


class ProposedBudget(BudgetProposal):
    """What is voted on: a new budget, and of which population."""

    population_id: UUID


class TransferProposal(Document):
    giver: UUID
    taker: UUID
    epsilon: AmountText
    reason: Text


class ProposedTransfer(Document):
    """What is voted on: ε that moves from one charter's allocation of a population to another's."""

    population_id: UUID
    giver: UUID = Field(alias="from")
    taker: UUID = Field(alias="to")
    epsilon: AmountText
    reason: Text


# --- looking ahead and back ---------------------------------------------------------------


class ForecastRequest(Document):
    charter_id: UUID
    mechanism: Mechanism
    partitions: Partitions = Field(default_factory=list[Name])


class Forecast(Document):
    """``runs`` is null where nothing ends them; ``ended_by`` is the account that does."""

    runs: int | None
    ended_by: BudgetAccount | None
    epsilon_of_one: str


class Charges(Document):
    """How often one mechanism was charged, and what it costs."""

    event: dict[str, Any]
    renyi: list[int]
    releases: int
    delta: DeltaUnits
    reserved: int
    spent: int
    returned: int


class BudgetVersion(Document):
    version: int
    epsilon: Amount
    delta: Amount
    approximate_delta: Amount
    reason: str
    review_id: UUID | None
    set_by: str
    set_at: datetime


class AccountStatement(BudgetAccount):
    held: list[int]
    spent: list[int]
    charges: list[Charges]
    versions: list[BudgetVersion]


class Statement(Document):
    """All that was charged to a population, for an auditor to compose again."""

    population_id: UUID
    name: str
    privacy_unit: str
    unit: PrivacyUnit
    stated_at: datetime
    orders: list[str]
    scale: int
    accounts: list[AccountStatement]


class LedgerEntry(Document):
    """One movement; ``renyi`` holds the cost per order in units of 1e-12, in the order of ``orders``."""

    id: UUID
    charter_id: UUID | None
    partition: str
    permit_id: UUID
    kind: Movement
    mechanism: str
    renyi: list[int]
    releases: int
    delta: DeltaUnits
    at: datetime


class Ledger(Document):
    orders: list[str]
    scale: int
    entries: list[LedgerEntry]
