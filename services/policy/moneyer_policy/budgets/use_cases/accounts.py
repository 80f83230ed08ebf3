"""Accounts as people read them: what is left, what still fits, and a statement to recompute."""

from collections.abc import Sequence
from uuid import UUID

from moneyer_policy.budgets.documents import (
    AccountStatement,
    BudgetAccount,
    BudgetVersion,
    Charges,
    Forecast,
    ForecastRequest,
    Ledger,
    LedgerEntry,
    Population,
    PrivacyUnit,
    Statement,
)
from moneyer_policy.budgets.rules.accounting import ORDERS, SCALE, Account, Cost, cost_of, plain
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.store.records import AccountRow, ChargeTotal, PopulationRow, VersionRow, as_account
from moneyer_policy.budgets.use_cases.charges import charge_of, mechanism_of
from moneyer_policy.work import Work
from moneyer_shared.errors import NotFound
from moneyer_shared.work import Dependencies, Workflow

__all__ = ["plain"]
GRID = [str(order) for order in ORDERS]
COUNTED = {"reserve": "reserved", "spend": "spent", "return": "returned"}


async def list_populations(work: Work) -> list[Population]:
    store = BudgetStore(work.connection)
    return [_population(row, await store.accounts_of(row.id)) for row in await store.populations()]


async def get_population(work: Work, population_id: UUID) -> Population:
    """Raises NotFound: there is none."""
    store = BudgetStore(work.connection)
    return _population(await store.population(population_id), await store.accounts_of(population_id))


def _population(row: PopulationRow, rows: Sequence[AccountRow]) -> Population:
    accounts = [BudgetAccount.model_validate(one) for one in rows]
    own = [account for account in accounts if account.charter_id is None]
    return Population(
        id=row.id,
        name=row.name,
        privacy_unit=row.privacy_unit,
        unit=PrivacyUnit.model_validate(row.unit),
        partitions=list(row.partitions),
        budget=max(own, key=lambda account: account.epsilon_held),
        accounts=own,
        allocations=[account for account in accounts if account.charter_id is not None],
    )


async def cost_of_one_run(flow: Workflow[Dependencies], population_id: UUID, asked: ForecastRequest) -> Cost:
    """What one execution of the mechanism costs; worked out while no transaction waits for it.

    Raises:
        Invalid: the mechanism is not stated as its kind asks.
    """
    del flow, population_id
    return cost_of(mechanism_of(asked.mechanism))


async def forecast_budget(work: Work, population_id: UUID, asked: ForecastRequest, *, cost: Cost) -> Forecast:
    """How many more runs of one mechanism fit, and which account ends them.

    Raises:
        NotFound: there is no such population, or the charter has no allocation of it and of these partitions.
    """
    store = BudgetStore(work.connection)
    await store.population(population_id)
    rows = [row for row in await store.accounts_of(population_id) if row.charter_id in {None, asked.charter_id}]
    touched = [row for row in rows if not asked.partitions or row.partition in asked.partitions]
    if not any(row.charter_id == asked.charter_id for row in touched):
        raise NotFound("This charter has no allocation of this population and partition.")
    counted = [(row, _runs_left(as_account(row), cost, own=row.charter_id is None)) for row in touched]
    limits = [(row, runs) for row, runs in counted if runs is not None]
    if not limits:
        return Forecast(runs=None, ended_by=None, epsilon_of_one="0")
    row, runs = min(limits, key=lambda entry: entry[1])
    ended_by, one = BudgetAccount.model_validate(row), charge_of(cost, row.delta)
    return Forecast(runs=runs, ended_by=ended_by, epsilon_of_one=one["epsilon"])


def _runs_left(account: Account, cost: Cost, *, own: bool) -> int | None:
    # Releases without a guarantee are counted by charter only.
    return None if own and cost.releases else account.runs_left(cost)


async def get_statement(work: Work, population_id: UUID) -> Statement:
    """Every account with what it was charged, as dp-accounting events and as sums per order.

    ``docs/statement.md`` shows how an auditor recomputes it with dp-accounting alone.

    Raises:
        NotFound: there is no such population.
    """
    store = BudgetStore(work.connection)
    population = await store.population(population_id)
    rows = await store.accounts_of(population_id)
    totals = await store.totals([row.id for row in rows])
    versions = await store.versions([row.id for row in rows])
    return Statement(
        population_id=population_id,
        name=population.name,
        privacy_unit=population.privacy_unit,
        unit=PrivacyUnit.model_validate(population.unit),
        stated_at=work.now,
        orders=GRID,
        scale=SCALE,
        accounts=[_state(row, totals, versions) for row in rows],
    )


def _state(row: AccountRow, totals: Sequence[ChargeTotal], versions: Sequence[VersionRow]) -> AccountStatement:
    by_mechanism: dict[str, list[ChargeTotal]] = {}
    for total in totals:
        if total.account_id == row.id:
            by_mechanism.setdefault(total.digest, []).append(total)
    return AccountStatement(
        **dict(BudgetAccount.model_validate(row)),
        held=list(row.held),
        spent=list(row.spent),
        charges=[_charges(of_one) for of_one in by_mechanism.values()],
        versions=[BudgetVersion.model_validate(one) for one in versions if one.account_id == row.id],
    )


def _charges(totals: Sequence[ChargeTotal]) -> Charges:
    """How often one mechanism was reserved, spent and returned in one account."""
    times = dict.fromkeys(COUNTED.values(), 0) | {COUNTED[total.kind]: total.times for total in totals}
    one = totals[0]
    return Charges(
        event=one.document, renyi=list(one.renyi), releases=one.releases, delta=one.delta, **times
    )  # fmt: skip


async def get_ledger(work: Work, population_id: UUID, after: UUID | None = None) -> Ledger:
    """A page of a population's movements, the oldest first.

    Raises:
        NotFound: there is no such population.
    """
    store = BudgetStore(work.connection)
    await store.population(population_id)
    rows = await store.ledger(population_id, after)
    return Ledger(orders=GRID, scale=SCALE, entries=[LedgerEntry.model_validate(row) for row in rows])
