"""Populations, their accounts, and the ledger that explains every balance."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain.accounting import FREE, Account, Cost, Costs, added, caps_of
from mintmark_policy.tables import accounts, ledger_entries, populations
from mintmark_shared.errors import Conflict, NotFound


class BudgetStore:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create_population(self, name: str, privacy_unit: str, created_by: str, at: datetime) -> UUID:
        """A new population.

        Raises:
            Conflict: the name is taken.
        """
        if await self._connection.scalar(select(populations.c.id).where(populations.c.name == name)):
            raise Conflict(f"There is a population named {name}.", code="name-taken")
        made = insert(populations).values(name=name, privacy_unit=privacy_unit, created_by=created_by, created_at=at)
        made_id: UUID = (await self._connection.execute(made.returning(populations.c.id))).scalar_one()
        return made_id

    async def population(self, population_id: UUID) -> Row[Any]:
        found = (
            await self._connection.execute(select(populations).where(populations.c.id == population_id))
        ).one_or_none()
        if found is None:
            raise NotFound(f"There is no population {population_id}.")
        return found

    async def populations(self) -> Sequence[Row[Any]]:
        return (await self._connection.execute(select(populations).order_by(populations.c.id))).all()

    async def open_account(
        self,
        *,
        population_id: UUID,
        charter_id: UUID | None,
        epsilon: Decimal,
        delta: Decimal,
        releases_limit: int | None,
        created_by: str,
        at: datetime,
    ) -> UUID:
        made = insert(accounts).values(
            population_id=population_id,
            charter_id=charter_id,
            epsilon=epsilon,
            delta=delta,
            caps=list(caps_of(epsilon, delta)),
            held=list(FREE),
            spent=list(FREE),
            releases_limit=releases_limit,
            releases_held=0,
            releases_spent=0,
            created_by=created_by,
            created_at=at,
        )
        made_id: UUID = (await self._connection.execute(made.returning(accounts.c.id))).scalar_one()
        return made_id

    async def accounts_of(self, population_id: UUID, *, lock: bool = False) -> Sequence[Row[Any]]:
        """The population's own account first, then its allocations."""
        query = (
            select(accounts)
            .where(accounts.c.population_id == population_id)
            .order_by(accounts.c.charter_id.is_not(None), accounts.c.id)
        )
        return (await self._connection.execute(query.with_for_update() if lock else query)).all()

    async def lock_for(self, population_id: UUID, charter_id: UUID) -> tuple[Account | None, Account | None]:
        """The population's account and the charter's allocation, locked in one order everywhere."""
        rows = (
            await self._connection.execute(
                select(accounts)
                .where(
                    accounts.c.population_id == population_id,
                    accounts.c.charter_id.is_(None) | (accounts.c.charter_id == charter_id),
                )
                .order_by(accounts.c.id)
                .with_for_update()
            )
        ).all()
        own = next((as_account(row) for row in rows if row.charter_id is None), None)
        allocated = next((as_account(row) for row in rows if row.charter_id is not None), None)
        return own, allocated

    async def move(self, kind: str, account_ids: Iterable[UUID], permit_id: UUID, cost: Cost, at: datetime) -> None:
        """Enter a reserve, spend or return in the ledger and the balances, in the locked order."""
        for account_id in sorted(account_ids):
            row = (
                await self._connection.execute(select(accounts).where(accounts.c.id == account_id).with_for_update())
            ).one()
            await self._connection.execute(
                update(accounts).where(accounts.c.id == account_id).values(**_balances(kind, row, cost))
            )
            await self._connection.execute(
                insert(ledger_entries).values(
                    account_id=account_id,
                    permit_id=permit_id,
                    kind=kind,
                    renyi=list(cost.renyi),
                    releases=cost.releases,
                    at=at,
                )
            )

    async def delta_of(self, account_id: UUID) -> Decimal:
        found = await self._connection.execute(select(accounts.c.delta).where(accounts.c.id == account_id))
        delta: Decimal = found.scalar_one()
        return delta

    async def ledger(self, population_id: UUID, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
        query = (
            select(ledger_entries, accounts.c.charter_id)
            .join(accounts, accounts.c.id == ledger_entries.c.account_id)
            .where(accounts.c.population_id == population_id)
            .order_by(ledger_entries.c.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(ledger_entries.c.id > after)
        return (await self._connection.execute(query)).all()

    async def allocated(self, population_id: UUID) -> tuple[Decimal, Decimal]:
        """The sum of (ε, δ) allocated to charters."""
        row = (
            await self._connection.execute(
                select(
                    func.coalesce(func.sum(accounts.c.epsilon), 0),
                    func.coalesce(func.sum(accounts.c.delta), 0),
                ).where(accounts.c.population_id == population_id, accounts.c.charter_id.is_not(None))
            )
        ).one()
        return Decimal(row[0]), Decimal(row[1])


def _balances(kind: str, row: Row[Any], cost: Cost) -> dict[str, Any]:
    minus = tuple(-amount for amount in cost.renyi)
    match kind:
        case "reserve":
            return {
                "held": list(added(exact(row.held), cost.renyi)),
                "releases_held": row.releases_held + cost.releases,
            }
        case "spend":
            return {
                "spent": list(added(exact(row.spent), cost.renyi)),
                "releases_spent": row.releases_spent + cost.releases,
            }
        case "return":
            return {
                "held": list(added(exact(row.held), minus)),
                "releases_held": row.releases_held - cost.releases,
            }
        case _:
            raise ValueError(kind)


def exact(values: Sequence[Decimal]) -> Costs:
    return tuple(int(value) for value in values)


def as_account(row: Row[Any]) -> Account:
    return Account(
        id=str(row.id),
        owner="the charter's allocation" if row.charter_id else "the population",
        epsilon=row.epsilon.normalize(),
        delta=row.delta.normalize(),
        caps=exact(row.caps),
        held=exact(row.held),
        releases_limit=row.releases_limit,
        releases_held=row.releases_held,
    )
