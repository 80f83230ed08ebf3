"""Accounts as people read them: what is left, what still fits, and a statement to recompute."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import (
    NAMED_ORDERS,
    ORDERS,
    SCALE,
    Account,
    Cost,
    Mechanism,
    cost_of,
    epsilon_at,
    in_words,
)
from moneyer_policy.budgets.store import BudgetStore, as_account, exact
from moneyer_policy.budgets.use_cases.charges import charge_of
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_shared.errors import NotFound


def plain(amount: Decimal) -> str:
    """An exact amount without an exponent."""
    return f"{amount.normalize():f}"


def _show_account(row: Any) -> dict[str, Any]:
    order, conversion = NAMED_ORDERS[row.renyi_order], row.delta - row.approximate_delta
    account = as_account(row)
    return {
        "id": str(row.id),
        "charter_id": str(row.charter_id) if row.charter_id else None,
        "partition": row.partition,
        "epsilon": plain(row.epsilon),
        "delta": plain(row.delta),
        "order": row.renyi_order,
        "approximate_delta": plain(row.approximate_delta),
        "epsilon_spent": plain(epsilon_at(order, exact(row.spent), conversion)),
        "epsilon_held": plain(account.epsilon_held),
        "share_held": plain(account.share_held),
        "delta_spent": in_words(int(row.delta_spent)),
        "delta_held": in_words(account.delta_held),
        "releases_limit": row.releases_limit,
        "releases_held": row.releases_held,
        "releases_spent": row.releases_spent,
    }


async def show_population(office: Office, population_id: UUID) -> dict[str, Any]:
    """A population with its accounts; ``budget`` is the fullest of its partitions."""
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        row = await store.population(population_id)
        rows = await store.accounts_of(population_id)
    shown = [_show_account(entry) for entry in rows]
    own = [entry for entry in shown if entry["charter_id"] is None]
    return {
        "id": str(row.id),
        "name": row.name,
        "privacy_unit": row.privacy_unit,
        "unit": {"kind": row.unit_kind, "identified_by": row.identified_by},
        "partitions": list(row.partitions),
        "budget": max(own, key=lambda entry: Decimal(entry["epsilon_held"])),
        "accounts": own,
        "allocations": [entry for entry in shown if entry["charter_id"] is not None],
    }


async def forecast(
    office: Office, population_id: UUID, charter_id: UUID, mechanism: Mechanism, partitions: Sequence[str]
) -> dict[str, Any]:
    """How many more runs of one mechanism fit, and which account ends them."""
    cost = cost_of(mechanism)
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        await store.population(population_id)
        rows = await store.accounts_of(population_id)
    touched = [
        row for row in rows if row.charter_id in {None, charter_id} and (not partitions or row.partition in partitions)
    ]
    if not any(row.charter_id == charter_id for row in touched):
        raise NotFound("This charter has no allocation of this population and partition.")
    counted = [(row, _runs_left(as_account(row), cost, own=row.charter_id is None)) for row in touched]
    limits = [(row, runs) for row, runs in counted if runs is not None]
    if not limits:
        return {"runs": None, "ended_by": None, "epsilon_of_one": "0"}
    row, runs = min(limits, key=lambda entry: entry[1])
    return {"runs": runs, "ended_by": _show_account(row), "epsilon_of_one": charge_of(cost, row.delta)["epsilon"]}


def _runs_left(account: Account, cost: Cost, *, own: bool) -> int | None:
    # Releases without a guarantee are counted by charter only.
    return None if own and cost.releases else account.runs_left(cost)


async def statement(office: Office, population_id: UUID) -> dict[str, Any]:
    """Every account with what it was charged, as dp-accounting events and as sums per order.

    ``docs/statement.md`` shows how an auditor recomputes it with dp-accounting alone.
    """
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        population = await store.population(population_id)
        rows = await store.accounts_of(population_id)
        totals = await store.totals([row.id for row in rows])
        versions = await store.versions([row.id for row in rows])
    return {
        "population_id": str(population_id),
        "name": population.name,
        "privacy_unit": population.privacy_unit,
        "unit": {"kind": population.unit_kind, "identified_by": population.identified_by},
        "stated_at": office.clock().isoformat(),
        "orders": [str(order) for order in ORDERS],
        "scale": SCALE,
        "accounts": [_state(row, totals, versions) for row in rows],
    }


def _state(row: Any, totals: Sequence[Any], versions: Sequence[Any]) -> dict[str, Any]:
    moved: dict[str, dict[str, Any]] = {}
    for entry in (entry for entry in totals if entry.account_id == row.id):
        line = moved.setdefault(
            entry.digest,
            {"event": entry.document, "renyi": list(exact(entry.renyi)), "releases": entry.releases,
             "delta": in_words(int(entry.delta)),
             "reserved": 0, "spent": 0, "returned": 0},
        )  # fmt: skip
        line[{"reserve": "reserved", "spend": "spent", "return": "returned"}[entry.kind]] = entry.times
    own = [entry for entry in versions if entry.account_id == row.id]
    return _show_account(row) | {
        "held": list(exact(row.held)),
        "spent": list(exact(row.spent)),
        "charges": list(moved.values()),
        "versions": [
            {
                "version": entry.version, "epsilon": plain(entry.epsilon), "delta": plain(entry.delta),
                "approximate_delta": plain(entry.approximate_delta), "reason": entry.reason,
                "review_id": str(entry.review_id) if entry.review_id else None,
                "set_by": entry.set_by, "set_at": entry.set_at.isoformat(),
            }
            for entry in own
        ],
    }  # fmt: skip
