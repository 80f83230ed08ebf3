"""Populations, allocations and the ledger on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from moneyer_shared.contracts.documents import AmountText, Document, Name, Text
from moneyer_shared.contracts.policy import PopulationUnit

Order = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}(/[0-9]{1,2})?$")]
"""A Rényi order of the grid, as statements list them: 17, or 339/16."""


class UnitShown(Document):
    """``undeclared`` are populations of before units were declared: nothing is learned from them until they are."""

    kind: Literal["row", "person", "undeclared"]
    identified_by: str | None


class PopulationRequest(Document):
    """The people behind one or more sources, and the whole of their budget.

    ``privacy_unit`` says in words whom one unit stands for, ``unit`` what sources are held against; it may be left out
    where the words are "row" or "one row". ``order`` is the Rényi order the budget is held to for good: left out, the
    one at which mechanisms of zCDP lose nothing; a high one suits populations that see pure ε alone.
    ``approximate_delta`` is the part of δ that claimed mechanisms may fail with.
    """

    name: Name
    privacy_unit: Text
    unit: PopulationUnit | None = None
    epsilon: AmountText
    delta: AmountText
    order: Order | None = None
    approximate_delta: AmountText = "0"
    partitions: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list[Name])


class PopulationMade(Document):
    id: UUID
    name: str
    epsilon: str
    delta: str


class AccountShown(Document):
    """A budget, held to one Rényi ``order``.

    ``epsilon_held`` is what reserved and spent costs amount to together at that order, ``share_held`` how full it is;
    ``delta_held`` what mechanisms that fail with a δ of their own took of ``approximate_delta``.
    """

    id: UUID
    charter_id: UUID | None
    partition: str
    epsilon: str
    delta: str
    order: str
    approximate_delta: str
    epsilon_spent: str
    epsilon_held: str
    share_held: str
    delta_spent: str
    delta_held: str
    releases_limit: int | None
    releases_held: int
    releases_spent: int


class PopulationShown(Document):
    id: UUID
    name: str
    privacy_unit: str
    unit: UnitShown
    partitions: list[str]
    budget: AccountShown
    accounts: list[AccountShown]
    allocations: list[AccountShown]


class AllocationRequest(Document):
    """``releases`` limits assets made without a guarantee; without it none may be made.

    ``order`` and ``approximate_delta`` are as in a population's budget.
    """

    charter_id: UUID
    epsilon: AmountText
    delta: AmountText
    order: Order | None = None
    approximate_delta: AmountText = "0"
    releases: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class AllocationMade(Document):
    id: UUID
    charter_id: UUID
    epsilon: str
    delta: str


class LedgerEntry(Document):
    """One movement; ``renyi`` holds the cost per order in units of 1e-12, in the order of ``orders``."""

    id: UUID
    charter_id: UUID | None
    partition: str
    permit_id: UUID
    kind: Literal["reserve", "spend", "return"]
    mechanism: str
    renyi: list[int]
    releases: int
    delta: str
    at: datetime


class Ledger(Document):
    orders: list[str]
    scale: int
    entries: list[LedgerEntry]
