"""Populations, the budgets charters may spend of them, and what changes those: only a vote."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.rules.accounting import NAMED_ORDERS, ORDERS, Account
from moneyer_policy.budgets.rules.unit import Unit
from moneyer_policy.budgets.store import BudgetStore, Size, as_account, size_of
from moneyer_policy.budgets.use_cases.accounts import plain
from moneyer_policy.budgets.use_cases.owners import check_owner
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import PopulationUnit
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

ROWS = ("row", "one row", "a row")
"""Words that say of themselves that a unit is a row."""


def check_amounts(size: Size) -> None:
    """Refuse budgets that would promise nothing.

    Raises:
        Invalid: ε is 0 or above 100, δ outside (0, 0.01], or all of δ is set aside for approximate mechanisms.
    """
    epsilon, delta = size.epsilon, size.delta
    if size.approximate_delta >= delta:
        raise Invalid("approximate_delta must be less than delta, a part of it.", code="budget-invalid")
    if not 0 < epsilon <= 100:  # noqa: PLR2004
        raise Invalid("epsilon must be above 0 and at most 100.", code="budget-invalid")
    if not 0 < delta <= Decimal("0.01"):
        raise Invalid("delta must be above 0 and at most 0.01.", code="budget-invalid")


def order_named(name: str | None) -> Fraction | None:
    """The order of the grid of that name.

    Raises:
        Invalid: the grid has no such order.
    """
    if name is not None and name not in NAMED_ORDERS:
        raise Invalid(
            f"order must be one of the grid's, as a statement lists them, from {ORDERS[0]} to {ORDERS[-1]}.",
            code="order-unknown",
        )
    return NAMED_ORDERS[name] if name is not None else None


def unit_of(words: str, declared: PopulationUnit | None) -> Unit:
    """The declared unit, or what the words alone say.

    Raises:
        Invalid: the words do not say it.
    """
    if declared is not None:
        return Unit(declared.kind, declared.identified_by)
    if words.strip().lower() not in ROWS:
        raise Invalid(
            'Declare unit: {"kind": "row"}, or {"kind": "person", "identified_by": what tells persons apart}.',
            code="unit-undeclared",
        )
    return Unit("row")


async def create_population(
    office: Office,
    *,
    name: str,
    privacy_unit: str,
    unit: PopulationUnit | None,
    partitions: Sequence[str],
    size: Size,
    order: str | None,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Name a population and its whole budget; each partition has the whole of it (parallel composition)."""
    check_amounts(size)
    held_to, declared = order_named(order), unit_of(privacy_unit, unit)
    if len(set(partitions)) != len(partitions):
        raise Invalid("Partitions must differ from one another.", code="partitions-repeat")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = BudgetStore(connection)
        made = await store.create_population(name, privacy_unit, declared, partitions, by, now)
        for partition in partitions or ("",):
            await store.open_account(
                population_id=made, charter_id=None, partition=partition, size=size, order=held_to,
                releases_limit=None, created_by=by, at=now,
            )  # fmt: skip
        await _journal(connection, now, by, "population.create", made, epsilon=size.epsilon, delta=size.delta)
        body = {"id": str(made), "name": name, "epsilon": str(size.epsilon), "delta": str(size.delta)}
        return await attempt.keep(connection, by, Reply(201, body, {"Location": f"/v1/populations/{made}"}))


async def declare_unit(office: Office, population_id: UUID, unit: PopulationUnit, *, by: str) -> None:
    """Say of a population of before units were declared what its unit is; once, for all.

    Raises:
        Forbidden: the population is somebody else's.
        Conflict: its unit is declared.
    """
    now = office.clock()
    async with office.changing() as connection:
        store = BudgetStore(connection)
        population = await store.population(population_id)
        await check_owner(connection, "population", population_id, by=by)
        if population.unit_kind != "undeclared":
            raise Conflict("The population's unit is declared; name another population.", code="unit-declared")
        await store.declare_unit(population_id, Unit(unit.kind, unit.identified_by))
        details = {"kind": Word(unit.kind), "unit": digest(unit.model_dump(mode="json"))}
        event = AuditEvent(by, "population.declare-unit", f"population:{population_id}", details=details)
        await journal.record(connection, now, event)


async def allocate(
    office: Office,
    *,
    population_id: UUID,
    charter_id: UUID,
    size: Size,
    order: str | None,
    releases_limit: int | None,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Set a part of a population's budget aside for one charter, the same part of every partition.

    Raises:
        Forbidden: the population is somebody else's, or the charter the giver's own.
        Conflict: the charter never was in force, has an allocation, or asks for more than there is.
    """
    check_amounts(size)
    held_to = order_named(order)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = BudgetStore(connection)
        population = await store.population(population_id)
        await check_owner(connection, "population", population_id, by=by)
        rows = await store.accounts_of(population_id, lock=True)
        await _check_giver(connection, charter_id, by, now)
        if any(account.charter_id == charter_id for account in rows):
            raise Conflict(
                "This charter has an allocation of this population; ask for a transfer or a new budget.",
                code="already-allocated",
            )
        _check_room(rows, size)
        made = [
            await store.open_account(
                population_id=population_id, charter_id=charter_id, partition=partition, size=size, order=held_to,
                releases_limit=releases_limit, created_by=by, at=now,
            )
            for partition in population.partitions or ("",)
        ]  # fmt: skip
        await _journal(connection, now, by, "budget.allocate", population_id, epsilon=size.epsilon, delta=size.delta)
        body = {
            "id": str(made[0]),
            "charter_id": str(charter_id),
            "epsilon": str(size.epsilon),
            "delta": str(size.delta),
        }
        return await attempt.keep(connection, by, Reply(201, body))


async def _check_giver(connection: AsyncConnection, charter_id: UUID, by: str, now: datetime) -> None:
    """Only a version in force says whose a charter is: a draft's owner could be anybody until the vote.

    Raises:
        Forbidden: the giver owns it, drafted it, or wrote or submitted what is in force.
        Conflict: no version ever was in force.
    """
    store = CharterStore(connection)
    row = await store.governing(charter_id, now)
    if by in {row.document["owner"], *row.authors, row.submitter, await store.creator(charter_id)}:
        raise Forbidden("Nobody allocates budget to their own charter.", code="own-matter")


def _check_room(rows: Sequence[Any], size: Size, *, without: UUID | None = None) -> None:
    """Allocations add up by basic composition; the filter on the population itself guards in any case."""
    for own in (row for row in rows if row.charter_id is None):
        others = [
            row
            for row in rows
            if row.charter_id is not None and row.partition == own.partition and row.charter_id != without
        ]
        free_epsilon = own.epsilon - sum(row.epsilon for row in others)
        free_delta = own.delta - sum(row.delta for row in others)
        free_approximate = own.approximate_delta - sum(row.approximate_delta for row in others)
        wanted = (size.epsilon, size.delta, size.approximate_delta)
        if any(more > free for more, free in zip(wanted, (free_epsilon, free_delta, free_approximate), strict=True)):
            raise Conflict(
                f"The population has ε {plain(free_epsilon)} and δ {plain(free_delta)} left to allocate, "
                f"{plain(free_approximate)} of that δ for approximate mechanisms.",
                code="over-allocated",
            )


# --- changes, each by a vote --------------------------------------------------------------


async def propose_budget(
    office: Office,
    *,
    population_id: UUID,
    charter_id: UUID | None,
    size: Size,
    keep_approximate: bool,
    reason: str,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Ask for a new version of a population's budget, or of one charter's allocation."""
    check_amounts(size)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        document = {
            "population_id": str(population_id),
            "charter_id": str(charter_id) if charter_id else None,
            "epsilon": plain(size.epsilon),
            "delta": plain(size.delta),
            "approximate_delta": None if keep_approximate else plain(size.approximate_delta),
            "reason": reason,
        }
        await _apply_budget(connection, document, None, by, now, dry=True)
        subject = f"budget:{population_id}:{charter_id or 'population'}"
        matter = reviews.Matter("budget", subject, document, charter_id)
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def propose_transfer(
    office: Office,
    *,
    population_id: UUID,
    giver: UUID,
    taker: UUID,
    epsilon: Decimal,
    reason: str,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Ask for ε to move from one charter's allocation to another's."""
    if epsilon <= 0 or giver == taker:
        raise Invalid("A transfer moves a positive ε between two charters.", code="transfer-invalid")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        document = {
            "population_id": str(population_id),
            "from": str(giver),
            "to": str(taker),
            "epsilon": plain(epsilon),
            "reason": reason,
        }
        await _apply_transfer(connection, document, None, by, now, dry=True)
        subject = f"transfer:{population_id}:{giver}:{taker}"
        matter = reviews.Matter("transfer", subject, document)
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def conclude(decided: Decided) -> dict[str, Any]:
    """Apply what was voted; what no longer fits is told, and changes nothing."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    if state != "approved":
        return {"applied": False}
    apply = _apply_budget if row.kind == "budget" else _apply_transfer
    try:
        await apply(connection, row.document, row.id, row.opened_by, now)
    except (Conflict, NotFound) as error:
        return {"applied": False, "because": str(error)}
    return {"applied": True}


async def _apply_budget(
    connection: AsyncConnection,
    document: Mapping[str, Any],
    review_id: UUID | None,
    by: str,
    now: datetime,
    *,
    dry: bool = False,
) -> None:
    store = BudgetStore(connection)
    population_id = UUID(document["population_id"])
    charter_id = UUID(document["charter_id"]) if document["charter_id"] else None
    await store.population(population_id)
    rows = await store.accounts_of(population_id, lock=True)
    chosen = [row for row in rows if row.charter_id == charter_id]
    if not chosen:
        raise NotFound("This charter has no allocation of this population.")
    stated = document.get("approximate_delta")
    kept = chosen[0].approximate_delta if stated is None else Decimal(stated)
    size = Size(Decimal(document["epsilon"]), Decimal(document["delta"]), kept)
    if size.approximate_delta >= size.delta:
        raise Conflict(
            f"δ must be above the {plain(kept)} of it that is set aside for approximate mechanisms.", code="budget-held"
        )
    if charter_id is not None:
        _check_room(rows, size, without=charter_id)
    else:
        _check_allocations(rows, size)
    changed = [as_account(row).resized(size.epsilon, size.delta, size.approximate_delta) for row in chosen]
    if not dry:
        await _write(store, changed, document["reason"], review_id, by, now)
        await _journal(connection, now, by, "budget.version", population_id, epsilon=size.epsilon, delta=size.delta)


def _check_allocations(rows: Sequence[Any], size: Size) -> None:
    for partition in {row.partition for row in rows}:
        given = [row for row in rows if row.charter_id is not None and row.partition == partition]
        wanted = (size.epsilon, size.delta, size.approximate_delta)
        sums = [sum(getattr(row, name) for row in given) for name in ("epsilon", "delta", "approximate_delta")]
        if any(allocated > whole for allocated, whole in zip(sums, wanted, strict=True)):
            raise Conflict("More is allocated to charters than the new budget holds.", code="over-allocated")


async def _apply_transfer(
    connection: AsyncConnection,
    document: Mapping[str, Any],
    review_id: UUID | None,
    by: str,
    now: datetime,
    *,
    dry: bool = False,
) -> None:
    store = BudgetStore(connection)
    population_id, epsilon = UUID(document["population_id"]), Decimal(document["epsilon"])
    await store.population(population_id)
    rows = await store.accounts_of(population_id, lock=True)
    sides = ((UUID(document["from"]), -epsilon), (UUID(document["to"]), epsilon))
    changed: list[Account] = []
    for charter_id, amount in sides:
        chosen = [row for row in rows if row.charter_id == charter_id]
        if not chosen:
            raise NotFound(f"Charter {charter_id} has no allocation of this population.")
        for row in chosen:
            if row.epsilon + amount <= 0:
                raise Conflict("More would be moved than the charter was given.", code="over-allocated")
            changed.append(as_account(row).resized(row.epsilon + amount, row.delta, row.approximate_delta))
    if not dry:
        await _write(store, changed, document["reason"], review_id, by, now)
        await _journal(connection, now, by, "budget.transfer", population_id, epsilon=epsilon)


async def _write(
    store: BudgetStore, changed: Sequence[Account], reason: str, review_id: UUID | None, by: str, now: datetime
) -> None:
    for account in changed:
        await store.resize(account)
        await store.add_version(UUID(account.id), size_of(account), reason, review_id, by, now)


async def _journal(
    connection: AsyncConnection, at: datetime, by: str, action: str, population_id: UUID, **amounts: Decimal
) -> None:
    details = {name: str(amount) for name, amount in amounts.items()}
    await journal.record(connection, at, AuditEvent(by, action, f"population:{population_id}", details=details))
