"""Populations and the parts of their budgets given to charters."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from mintmark_policy.domain.accounting import epsilon_of
from mintmark_policy.store.budgets import BudgetStore, exact
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.tables import journal
from mintmark_policy.use_cases.office import Office
from mintmark_shared.errors import Conflict, Forbidden, Invalid
from mintmark_shared.idempotency import Reply, once
from mintmark_shared.journal import AuditEvent


def show_account(row: Any) -> dict[str, Any]:
    return {
        "charter_id": str(row.charter_id) if row.charter_id else None,
        "epsilon": _plain(row.epsilon),
        "delta": _plain(row.delta),
        "epsilon_spent": _plain(epsilon_of(exact(row.spent), row.delta)),
        "epsilon_held": _plain(epsilon_of(exact(row.held), row.delta)),
        "releases_limit": row.releases_limit,
        "releases_held": row.releases_held,
        "releases_spent": row.releases_spent,
    }


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


async def show_population(office: Office, population_id: UUID) -> dict[str, Any]:
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        row = await store.population(population_id)
        own, *allocations = await store.accounts_of(population_id)
        return {
            "id": str(row.id),
            "name": row.name,
            "privacy_unit": row.privacy_unit,
            "budget": show_account(own),
            "allocations": [show_account(account) for account in allocations],
        }


def check_amounts(epsilon: Decimal, delta: Decimal) -> None:
    """Refuse budgets that would promise nothing.

    Raises:
        Invalid: ε is 0 or above 100, or δ outside (0, 0.01].
    """
    if not 0 < epsilon <= 100:  # noqa: PLR2004
        raise Invalid("epsilon must be above 0 and at most 100.", code="budget-invalid")
    if not 0 < delta <= Decimal("0.01"):
        raise Invalid("delta must be above 0 and at most 0.01.", code="budget-invalid")


async def create_population(
    office: Office,
    *,
    name: str,
    privacy_unit: str,
    epsilon: Decimal,
    delta: Decimal,
    by: str,
    key: str | None,
) -> Reply:
    check_amounts(epsilon, delta)
    now = office.clock()
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = BudgetStore(connection)
            made = await store.create_population(name, privacy_unit, by, now)
            await store.open_account(
                population_id=made, charter_id=None, epsilon=epsilon, delta=delta,
                releases_limit=None, created_by=by, at=now,
            )  # fmt: skip
            await _journal(connection, now, by, "population.create", made, epsilon, delta)
            body = {"id": str(made), "name": name, "epsilon": str(epsilon), "delta": str(delta)}
            return Reply(201, body, {"Location": f"/v1/populations/{made}"})

        request = {"population": name, "unit": privacy_unit, "epsilon": str(epsilon), "delta": str(delta)}
        return await once(connection, office.idempotency, caller=by, key=key, request=request, effect=effect)


async def allocate(
    office: Office,
    *,
    population_id: UUID,
    charter_id: UUID,
    epsilon: Decimal,
    delta: Decimal,
    releases_limit: int | None,
    by: str,
    key: str | None,
) -> Reply:
    """Set a part of a population's budget aside for one charter."""
    check_amounts(epsilon, delta)
    now = office.clock()
    async with office.database.transaction() as connection:

        async def effect() -> Reply:
            store = BudgetStore(connection)
            await store.population(population_id)
            own, *others = await store.accounts_of(population_id, lock=True)
            charter = await CharterStore(connection).latest(charter_id)
            if by in {charter.document["owner"], charter.author}:
                raise Forbidden("Nobody allocates budget to their own charter.", code="own-matter")
            if any(account.charter_id == charter_id for account in others):
                raise Conflict("This charter has an allocation of this population.", code="already-allocated")
            await _check_room(store, own, population_id, epsilon, delta)
            made = await store.open_account(
                population_id=population_id, charter_id=charter_id, epsilon=epsilon, delta=delta,
                releases_limit=releases_limit, created_by=by, at=now,
            )  # fmt: skip
            await _journal(connection, now, by, "budget.allocate", population_id, epsilon, delta)
            body = {
                "id": str(made),
                "charter_id": str(charter_id),
                "epsilon": str(epsilon),
                "delta": str(delta),
            }
            return Reply(201, body)

        request = {
            "allocate": str(population_id), "charter": str(charter_id), "epsilon": str(epsilon),
            "delta": str(delta), "releases": releases_limit,
        }  # fmt: skip
        return await once(connection, office.idempotency, caller=by, key=key, request=request, effect=effect)


async def _check_room(store: BudgetStore, own: Any, population_id: UUID, epsilon: Decimal, delta: Decimal) -> None:
    """Allocations add up by basic composition; the filter on the population itself guards in any case."""
    epsilon_given, delta_given = await store.allocated(population_id)
    if epsilon_given + epsilon > own.epsilon or delta_given + delta > own.delta:
        free_epsilon, free_delta = own.epsilon - epsilon_given, own.delta - delta_given
        raise Conflict(
            f"The population has ε {_plain(free_epsilon)} and δ {_plain(free_delta)} left to allocate.",
            code="over-allocated",
        )


async def _journal(
    connection: Any, at: datetime, by: str, action: str, population_id: UUID, epsilon: Decimal, delta: Decimal
) -> None:
    details = {"epsilon": str(epsilon), "delta": str(delta)}
    await journal.record(connection, at, AuditEvent(by, action, f"population:{population_id}", details=details))
