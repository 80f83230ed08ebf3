"""Populations, their accounts, and the ledger that explains every balance."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.rules.accounting import (
    FREE,
    Account,
    Cost,
    added,
    caps_of,
    default_order,
)
from moneyer_policy.budgets.rules.size import Size
from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.budgets.store.records import (
    AccountRow,
    ChargeTotal,
    LedgerRow,
    PopulationRow,
    VersionRow,
    as_account,
    exact,
    read_account,
    read_entry,
    read_population,
    read_total,
    size_of,
)
from moneyer_policy.budgets.tables import accounts, budget_versions, ledger_entries, mechanisms, populations
from moneyer_shared.errors import Conflict, NotFound
from moneyer_shared.paging import page


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
        return read_population(found)

    async def populations(self) -> list[PopulationRow]:
        """All of them, in the order they were named in."""
        rows = await self._connection.execute(select(populations).order_by(populations.c.id))
        return [read_population(row) for row in rows]

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
        opened = read_account((await self._connection.execute(made.returning(accounts))).mappings().one())
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
        rows = [read_account(row) for row in found.mappings()]
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
        return {row["id"]: as_account(read_account(row)) for row in rows.mappings()}

    async def read(self, account_ids: Iterable[UUID]) -> list[AccountRow]:
        """Accounts as they are now, without a lock: nothing is reserved by what is read here."""
        rows = await self._connection.execute(select(accounts).where(accounts.c.id.in_(set(account_ids))))
        return [read_account(row) for row in rows.mappings()]

    async def cost(self, digest: str) -> Cost:
        row = (await self._connection.execute(select(mechanisms).where(mechanisms.c.digest == digest))).one()
        return Cost(exact(row.renyi), row.releases, int(row.delta))

    async def move(
        self, kind: str, account_ids: Sequence[UUID], permit_id: UUID, mechanism: str, cost: Cost, at: datetime
    ) -> None:
        """Enter a reserve, spend or return in the ledger and the balances, in the locked order."""
        for account_id in sorted(account_ids):
            query = select(accounts).where(accounts.c.id == account_id).with_for_update()
            row = read_account((await self._connection.execute(query)).mappings().one())
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
        return [read_entry(row) for row in await page(self._connection, query, ledger_entries.c.id, after=after)]

    async def movements(self, permit_id: UUID) -> list[LedgerRow]:
        """What a permit moved, in every account, in order."""
        query = _movements().where(ledger_entries.c.permit_id == permit_id).order_by(ledger_entries.c.id)
        return [read_entry(row) for row in await self._connection.execute(query)]

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
        return [read_total(row) for row in (await self._connection.execute(query)).mappings()]


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


def _balances(kind: str, row: AccountRow, cost: Cost) -> dict[str, object]:
    column, sign = {"reserve": ("held", 1), "spend": ("spent", 1), "return": ("held", -1)}[kind]
    moved = tuple(sign * amount for amount in cost.renyi)
    return {
        column: list(added(getattr(row, column), moved)),
        f"releases_{column}": getattr(row, f"releases_{column}") + sign * cost.releases,
        f"delta_{column}": getattr(row, f"delta_{column}") + sign * cost.delta,
    }
