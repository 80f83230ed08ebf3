"""Populations, their accounts, and the ledger that explains every balance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, SupportsInt
from uuid import UUID

from sqlalchemy import Row, RowMapping, Select, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.documents import Movement
from moneyer_policy.budgets.rules.accounting import (
    FREE,
    NAMED_ORDERS,
    Account,
    Cost,
    Costs,
    added,
    caps_of,
    default_order,
    epsilon_at,
)
from moneyer_policy.budgets.rules.size import Size
from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.budgets.tables import accounts, budget_versions, ledger_entries, mechanisms, populations
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


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


class BudgetStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create_population(
        self,
        name: str,
        privacy_unit: str,
        unit: Unit,
        partitions: Sequence[str],
        created_by: str,
        at: datetime,
    ) -> UUID:
        """A new population.

        Raises:
            Conflict: the name is taken.
        """
        if await self._connection.scalar(select(populations.c.id).where(populations.c.name == name)):
            raise Conflict(f"There is a population named {name}.", code="name-taken")
        made = insert(populations).values(
            name=name, privacy_unit=privacy_unit, unit_kind=unit.kind, identified_by=unit.identified_by,
            partitions=list(partitions), created_by=created_by, created_at=at,
        )  # fmt: skip
        made_id: UUID = (await self._connection.execute(made.returning(populations.c.id))).scalar_one()
        return made_id

    async def declare_unit(self, population_id: UUID, unit: Unit) -> None:
        await self._connection.execute(
            update(populations)
            .where(populations.c.id == population_id)
            .values(unit_kind=unit.kind, identified_by=unit.identified_by)
        )

    async def unit_of(self, population_id: UUID) -> Unit | None:
        """The privacy unit of a population; None if there is no such population."""
        query = select(populations.c.unit_kind, populations.c.identified_by).where(populations.c.id == population_id)
        found = (await self._connection.execute(query)).one_or_none()
        return Unit(found.unit_kind, found.identified_by) if found is not None else None

    async def population(self, population_id: UUID) -> PopulationRow:
        """Raises NotFound: there is none."""
        found = (
            await self._connection.execute(select(populations).where(populations.c.id == population_id))
        ).one_or_none()
        if found is None:
            raise NotFound(f"There is no population {population_id}.")
        return _population(found)

    async def populations(self) -> list[PopulationRow]:
        """All of them, in the order they were named in."""
        rows = await self._connection.execute(select(populations).order_by(populations.c.id))
        return [_population(row) for row in rows]

    async def open_account(
        self,
        *,
        population_id: UUID,
        charter_id: UUID | None,
        partition: str,
        size: Size,
        order: Fraction | None,
        releases_limit: int | None,
        created_by: str,
        at: datetime,
    ) -> AccountRow:
        """A new account, held to an order from now on: the one named, or the one its (ε, δ) makes best."""
        caps = caps_of(size.epsilon, size.delta - size.approximate_delta)
        made = insert(accounts).values(
            population_id=population_id,
            charter_id=charter_id,
            partition=partition,
            **asdict(size),
            renyi_order=str(order if order is not None else default_order(caps)),
            caps=list(caps),
            held=list(FREE),
            spent=list(FREE),
            delta_held=0,
            delta_spent=0,
            releases_limit=releases_limit,
            releases_held=0,
            releases_spent=0,
            created_by=created_by,
            created_at=at,
        )
        opened = _account((await self._connection.execute(made.returning(accounts))).mappings().one())
        await self.add_version(opened.id, size, "opened", None, created_by, at)
        return opened

    async def add_version(
        self,
        account_id: UUID,
        size: Size,
        reason: str,
        review_id: UUID | None,
        by: str,
        at: datetime,
    ) -> None:
        """Write down what an account is given from now on."""
        latest = await self._connection.scalar(
            select(func.coalesce(func.max(budget_versions.c.version), 0)).where(
                budget_versions.c.account_id == account_id
            )
        )
        made = insert(budget_versions).values(
            account_id=account_id,
            version=int(latest or 0) + 1,
            **asdict(size),
            reason=reason,
            review_id=review_id,
            set_by=by,
            set_at=at,
        )
        await self._connection.execute(made)

    async def versions(self, account_ids: Sequence[UUID], *, by: datetime | None = None) -> list[VersionRow]:
        """What was set by a time, oldest first."""
        query = select(budget_versions).where(budget_versions.c.account_id.in_(account_ids))
        if by is not None:
            query = query.where(budget_versions.c.set_at <= by)
        rows = await self._connection.execute(query.order_by(budget_versions.c.id))
        return [VersionRow(**row) for row in rows.mappings()]

    async def resize(self, account: Account) -> None:
        await self._connection.execute(
            update(accounts)
            .where(accounts.c.id == UUID(account.id))
            .values(**asdict(size_of(account)), caps=list(account.caps))
        )

    async def accounts_of(self, population_id: UUID, *, lock: bool = False) -> list[AccountRow]:
        """The population's own accounts first, then its allocations; locked in the order of their ids."""
        query = select(accounts).where(accounts.c.population_id == population_id).order_by(accounts.c.id)
        found = await self._connection.execute(query.with_for_update() if lock else query)
        rows = [_account(row) for row in found.mappings()]
        return sorted(rows, key=lambda row: (row.charter_id is not None, str(row.charter_id), row.partition))

    async def account_ids(self, population_id: UUID, charter_id: UUID) -> tuple[Mapping[str, UUID], Mapping[str, UUID]]:
        """By partition: the population's own accounts, and the charter's allocations."""
        rows = await self._connection.execute(
            select(accounts.c.id, accounts.c.charter_id, accounts.c.partition).where(
                accounts.c.population_id == population_id,
                accounts.c.charter_id.is_(None) | (accounts.c.charter_id == charter_id),
            )
        )
        own: dict[str, UUID] = {}
        allocated: dict[str, UUID] = {}
        for row in rows:
            (own if row.charter_id is None else allocated)[row.partition] = row.id
        return own, allocated

    async def lock(self, account_ids: Iterable[UUID]) -> dict[UUID, Account]:
        """Accounts to reserve from or spend, locked in one order everywhere."""
        rows = await self._connection.execute(
            select(accounts).where(accounts.c.id.in_(set(account_ids))).order_by(accounts.c.id).with_for_update()
        )
        return {row["id"]: as_account(_account(row)) for row in rows.mappings()}

    async def read(self, account_ids: Iterable[UUID]) -> list[AccountRow]:
        """Accounts as they are now, without a lock: nothing is reserved by what is read here."""
        rows = await self._connection.execute(select(accounts).where(accounts.c.id.in_(set(account_ids))))
        return [_account(row) for row in rows.mappings()]

    async def cost(self, digest: str) -> Cost:
        row = (await self._connection.execute(select(mechanisms).where(mechanisms.c.digest == digest))).one()
        return Cost(exact(row.renyi), row.releases, int(row.delta))

    async def move(
        self, kind: str, account_ids: Sequence[UUID], permit_id: UUID, mechanism: str, cost: Cost, at: datetime
    ) -> None:
        """Enter a reserve, spend or return in the ledger and the balances, in the locked order."""
        for account_id in sorted(account_ids):
            query = select(accounts).where(accounts.c.id == account_id).with_for_update()
            row = _account((await self._connection.execute(query)).mappings().one())
            await self._connection.execute(
                update(accounts).where(accounts.c.id == account_id).values(**_balances(kind, row, cost))
            )
            await self._connection.execute(
                insert(ledger_entries).values(
                    account_id=account_id, permit_id=permit_id, kind=kind, mechanism=mechanism, at=at
                )
            )

    async def delta_of(self, account_ids: Sequence[UUID]) -> Decimal:
        found = await self._connection.execute(select(func.min(accounts.c.delta)).where(accounts.c.id.in_(account_ids)))
        delta: Decimal = found.scalar_one()
        return delta

    async def ledger(self, population_id: UUID, after: UUID | None) -> list[LedgerRow]:
        """A page of what moved in a population's accounts, the oldest first."""
        query = _movements().where(accounts.c.population_id == population_id)
        return [_entry(row) for row in await page(self._connection, query, ledger_entries.c.id, after=after)]

    async def movements(self, permit_id: UUID) -> list[LedgerRow]:
        """What a permit moved, in every account, in order."""
        query = _movements().where(ledger_entries.c.permit_id == permit_id).order_by(ledger_entries.c.id)
        return [_entry(row) for row in await self._connection.execute(query)]

    async def totals(self, account_ids: Sequence[UUID], *, by: datetime | None = None) -> list[ChargeTotal]:
        """How often each mechanism was reserved, spent and returned by a time, by account."""
        query = (
            select(
                ledger_entries.c.account_id,
                ledger_entries.c.kind,
                mechanisms.c.digest,
                mechanisms.c.document,
                mechanisms.c.renyi,
                mechanisms.c.releases,
                mechanisms.c.delta,
                func.count().label("times"),
            )
            .join(mechanisms, mechanisms.c.digest == ledger_entries.c.mechanism)
            .where(ledger_entries.c.account_id.in_(account_ids))
            .where(ledger_entries.c.at <= by if by is not None else true())
            .group_by(ledger_entries.c.account_id, ledger_entries.c.kind, mechanisms.c.digest)
            .order_by(ledger_entries.c.account_id, mechanisms.c.digest, ledger_entries.c.kind)
        )
        return [_total(row) for row in (await self._connection.execute(query)).mappings()]


def _movements() -> Select[Any]:
    """Ledger entries with whose account they moved, and what their mechanism costs."""
    return (
        select(
            ledger_entries,
            accounts.c.charter_id,
            accounts.c.partition,
            mechanisms.c.renyi,
            mechanisms.c.releases,
            mechanisms.c.delta,
            mechanisms.c.document,
        )
        .join(accounts, accounts.c.id == ledger_entries.c.account_id)
        .join(mechanisms, mechanisms.c.digest == ledger_entries.c.mechanism)
    )


def _population(row: Row[Any]) -> PopulationRow:
    unit = Unit(row.unit_kind, row.identified_by)
    return PopulationRow(row.id, row.name, row.privacy_unit, unit, row.partitions, row.created_by)


def _account(row: RowMapping) -> AccountRow:
    read: dict[str, Any] = {name: exact(row[name]) for name in ("caps", "held", "spent")}
    read |= {name: int(row[name]) for name in ("delta_held", "delta_spent")}
    return AccountRow(**{**row, **read})


def _entry(row: Row[Any]) -> LedgerRow:
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


def _total(row: RowMapping) -> ChargeTotal:
    read: dict[str, Any] = {"renyi": exact(row["renyi"]), "delta": int(row["delta"])}
    return ChargeTotal(**{**row, **read})


def _balances(kind: str, row: AccountRow, cost: Cost) -> dict[str, object]:
    column, sign = {"reserve": ("held", 1), "spend": ("spent", 1), "return": ("held", -1)}[kind]
    moved = tuple(sign * amount for amount in cost.renyi)
    return {
        column: list(added(getattr(row, column), moved)),
        f"releases_{column}": getattr(row, f"releases_{column}") + sign * cost.releases,
        f"delta_{column}": getattr(row, f"delta_{column}") + sign * cost.delta,
    }


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
