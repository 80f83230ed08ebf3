"""What is kept of populations, accounts and the ledger, as values; a driver reads whole numbers as decimals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, SupportsInt
from uuid import UUID

from sqlalchemy import Row, RowMapping

from moneyer_policy.budgets.documents import Movement
from moneyer_policy.budgets.rules.accounting import (
    NAMED_ORDERS,
    Account,
    Costs,
    epsilon_at,
)
from moneyer_policy.budgets.rules.size import Size
from moneyer_policy.budgets.rules.unit import Unit


@dataclass(frozen=True)
class PopulationRow:
    """A population as it is kept."""

    id: UUID
    name: str
    privacy_unit: str
    unit: Unit
    partitions: Sequence[str]
    created_by: str


@dataclass(frozen=True)
class AccountRow:
    """An account as it is kept; costs are per order of the grid, δ that mechanisms took in units of 1e-30."""

    id: UUID
    population_id: UUID
    charter_id: UUID | None
    partition: str
    epsilon: Decimal
    delta: Decimal
    approximate_delta: Decimal
    renyi_order: str
    caps: Costs
    held: Costs
    spent: Costs
    delta_held: int
    delta_spent: int
    releases_limit: int | None
    releases_held: int
    releases_spent: int
    created_by: str
    created_at: datetime

    @property
    def size(self) -> Size:
        return Size(self.epsilon, self.delta, self.approximate_delta)

    @property
    def order(self) -> str:
        return self.renyi_order

    @property
    def epsilon_spent(self) -> Decimal:
        """What was spent, as ε at the account's order."""
        return epsilon_at(NAMED_ORDERS[self.renyi_order], self.spent, self.delta - self.approximate_delta)

    @property
    def epsilon_held(self) -> Decimal:
        return as_account(self).epsilon_held

    @property
    def share_held(self) -> Decimal:
        return as_account(self).share_held


@dataclass(frozen=True)
class VersionRow:
    """What an account was given, since when, and by which vote."""

    id: UUID
    account_id: UUID
    version: int
    epsilon: Decimal
    delta: Decimal
    approximate_delta: Decimal
    reason: str
    review_id: UUID | None
    set_by: str
    set_at: datetime


@dataclass(frozen=True)
class LedgerRow:
    """One movement in one account; ``document`` is the mechanism's, as it was written down."""

    id: UUID
    account_id: UUID
    charter_id: UUID | None
    partition: str
    permit_id: UUID
    kind: Movement
    mechanism: str
    at: datetime
    renyi: Costs
    releases: int
    delta: int
    document: Mapping[str, object]


@dataclass(frozen=True)
class ChargeTotal:
    """How often one mechanism moved one account in one way."""

    account_id: UUID
    kind: Movement
    digest: str
    document: dict[str, Any]
    renyi: Costs
    releases: int
    delta: int
    times: int


def read_population(row: Row[Any]) -> PopulationRow:
    unit = Unit(row.unit_kind, row.identified_by)
    return PopulationRow(row.id, row.name, row.privacy_unit, unit, row.partitions, row.created_by)


def read_account(row: RowMapping) -> AccountRow:
    read: dict[str, Any] = {name: exact(row[name]) for name in ("caps", "held", "spent")}
    read |= {name: int(row[name]) for name in ("delta_held", "delta_spent")}
    return AccountRow(**{**row, **read})


def read_entry(row: Row[Any]) -> LedgerRow:
    return LedgerRow(
        id=row.id,
        account_id=row.account_id,
        charter_id=row.charter_id,
        partition=row.partition,
        permit_id=row.permit_id,
        kind=row.kind,
        mechanism=row.mechanism,
        at=row.at,
        renyi=exact(row.renyi),
        releases=row.releases,
        delta=int(row.delta),
        document=row.document,
    )


def read_total(row: RowMapping) -> ChargeTotal:
    read: dict[str, Any] = {"renyi": exact(row["renyi"]), "delta": int(row["delta"])}
    return ChargeTotal(**{**row, **read})


def exact(values: Iterable[SupportsInt]) -> Costs:
    """Costs as whole numbers: a driver reads them as decimals."""
    return tuple(int(value) for value in values)


def as_account(row: AccountRow) -> Account:
    """The account that rules ask whether more fits."""
    return Account(
        id=str(row.id),
        owner="the charter's allocation" if row.charter_id else "the population",
        epsilon=row.epsilon.normalize(),
        delta=row.delta.normalize(),
        caps=row.caps,
        held=row.held,
        releases_limit=row.releases_limit,
        releases_held=row.releases_held,
        partition=row.partition,
        order=NAMED_ORDERS[row.renyi_order],
        approximate_delta=row.approximate_delta.normalize(),
        delta_held=row.delta_held,
    )


def size_of(account: Account) -> Size:
    return Size(account.epsilon, account.delta, account.approximate_delta)
