"""Populations, the budgets charters may spend of them, and what changes those: only a vote."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain.accounting import Account
from mintmark_policy.store.budgets import BudgetStore, as_account
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.tables import journal
from mintmark_policy.use_cases import reviews
from mintmark_policy.use_cases.accounts import plain
from mintmark_policy.use_cases.office import Office
from mintmark_policy.use_cases.owners import check_owner
from mintmark_shared.errors import Conflict, Forbidden, Invalid, NotFound
from mintmark_shared.idempotency import Attempt, Reply
from mintmark_shared.journal import AuditEvent


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
    partitions: Sequence[str],
    epsilon: Decimal,
    delta: Decimal,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Name a population and its whole budget; each partition has the whole of it (parallel composition)."""
    check_amounts(epsilon, delta)
    if len(set(partitions)) != len(partitions):
        raise Invalid("Partitions must differ from one another.", code="partitions-repeat")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = BudgetStore(connection)
        made = await store.create_population(name, privacy_unit, partitions, by, now)
        for partition in partitions or ("",):
            await store.open_account(
                population_id=made, charter_id=None, partition=partition, epsilon=epsilon, delta=delta,
                releases_limit=None, created_by=by, at=now,
            )  # fmt: skip
        await _journal(connection, now, by, "population.create", made, epsilon=epsilon, delta=delta)
        body = {"id": str(made), "name": name, "epsilon": str(epsilon), "delta": str(delta)}
        return await attempt.keep(connection, by, Reply(201, body, {"Location": f"/v1/populations/{made}"}))


async def allocate(
    office: Office,
    *,
    population_id: UUID,
    charter_id: UUID,
    epsilon: Decimal,
    delta: Decimal,
    releases_limit: int | None,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Set a part of a population's budget aside for one charter, the same part of every partition.

    Raises:
        Forbidden: the population is somebody else's, or the charter one's own.
        Conflict: the charter has an allocation, or less is left.
    """
    check_amounts(epsilon, delta)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = BudgetStore(connection)
        population = await store.population(population_id)
        await check_owner(connection, "population", population_id, by=by)
        rows = await store.accounts_of(population_id, lock=True)
        charter = await CharterStore(connection).latest(charter_id, now)
        if by in {charter.document["owner"], charter.author}:
            raise Forbidden("Nobody allocates budget to their own charter.", code="own-matter")
        if any(account.charter_id == charter_id for account in rows):
            raise Conflict(
                "This charter has an allocation of this population; ask for a transfer or a new budget.",
                code="already-allocated",
            )
        _check_room(rows, epsilon, delta)
        made = [
            await store.open_account(
                population_id=population_id, charter_id=charter_id, partition=partition, epsilon=epsilon,
                delta=delta, releases_limit=releases_limit, created_by=by, at=now,
            )
            for partition in population.partitions or ("",)
        ]  # fmt: skip
        await _journal(connection, now, by, "budget.allocate", population_id, epsilon=epsilon, delta=delta)
        body = {
            "id": str(made[0]),
            "charter_id": str(charter_id),
            "epsilon": str(epsilon),
            "delta": str(delta),
        }
        return await attempt.keep(connection, by, Reply(201, body))


def _check_room(rows: Sequence[Any], epsilon: Decimal, delta: Decimal, *, without: UUID | None = None) -> None:
    """Allocations add up by basic composition; the filter on the population itself guards in any case."""
    for own in (row for row in rows if row.charter_id is None):
        others = [
            row
            for row in rows
            if row.charter_id is not None and row.partition == own.partition and row.charter_id != without
        ]
        free_epsilon = own.epsilon - sum(row.epsilon for row in others)
        free_delta = own.delta - sum(row.delta for row in others)
        if epsilon > free_epsilon or delta > free_delta:
            raise Conflict(
                f"The population has ε {plain(free_epsilon)} and δ {plain(free_delta)} left to allocate.",
                code="over-allocated",
            )


# --- changes, each by a vote --------------------------------------------------------------


async def propose_budget(
    office: Office,
    *,
    population_id: UUID,
    charter_id: UUID | None,
    epsilon: Decimal,
    delta: Decimal,
    reason: str,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Ask for a new version of a population's budget, or of one charter's allocation."""
    check_amounts(epsilon, delta)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        document = {
            "population_id": str(population_id),
            "charter_id": str(charter_id) if charter_id else None,
            "epsilon": plain(epsilon),
            "delta": plain(delta),
            "reason": reason,
        }
        await _apply_budget(connection, document, None, by, now, dry=True)
        owner = await _owner(connection, charter_id, now)
        subject = f"budget:{population_id}:{charter_id or 'population'}"
        matter = reviews.Matter("budget", subject, document, (by, owner), charter_id)
        return await attempt.keep(connection, by, await reviews.put_up(connection, matter, by=by, now=now))


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
        owners = (await _owner(connection, giver, now), await _owner(connection, taker, now))
        subject = f"transfer:{population_id}:{giver}:{taker}"
        matter = reviews.Matter("transfer", subject, document, (by, *owners))
        return await attempt.keep(connection, by, await reviews.put_up(connection, matter, by=by, now=now))


async def _owner(connection: AsyncConnection, charter_id: UUID | None, now: datetime) -> str | None:
    if charter_id is None:
        return None
    return str((await CharterStore(connection).latest(charter_id, now)).document["owner"])


async def conclude(connection: AsyncConnection, row: Any, now: datetime) -> dict[str, Any]:
    """Apply what was voted; what no longer fits is told, and changes nothing."""
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
    epsilon, delta = Decimal(document["epsilon"]), Decimal(document["delta"])
    await store.population(population_id)
    rows = await store.accounts_of(population_id, lock=True)
    chosen = [row for row in rows if row.charter_id == charter_id]
    if not chosen:
        raise NotFound("This charter has no allocation of this population.")
    if charter_id is not None:
        _check_room(rows, epsilon, delta, without=charter_id)
    else:
        _check_allocations(rows, epsilon, delta)
    changed = [as_account(row).resized(epsilon, delta) for row in chosen]
    if not dry:
        await _write(store, changed, document["reason"], review_id, by, now)
        await _journal(connection, now, by, "budget.version", population_id, epsilon=epsilon, delta=delta)


def _check_allocations(rows: Sequence[Any], epsilon: Decimal, delta: Decimal) -> None:
    for partition in {row.partition for row in rows}:
        given = [row for row in rows if row.charter_id is not None and row.partition == partition]
        if sum(row.epsilon for row in given) > epsilon or sum(row.delta for row in given) > delta:
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
            changed.append(as_account(row).resized(row.epsilon + amount, row.delta))
    if not dry:
        await _write(store, changed, document["reason"], review_id, by, now)
        await _journal(connection, now, by, "budget.transfer", population_id, epsilon=epsilon)


async def _write(
    store: BudgetStore, changed: Sequence[Account], reason: str, review_id: UUID | None, by: str, now: datetime
) -> None:
    for account in changed:
        await store.resize(account)
        await store.add_version(UUID(account.id), account.epsilon, account.delta, reason, review_id, by, now)


async def _journal(
    connection: AsyncConnection, at: datetime, by: str, action: str, population_id: UUID, **amounts: Decimal
) -> None:
    details = {name: str(amount) for name, amount in amounts.items()}
    await journal.record(connection, at, AuditEvent(by, action, f"population:{population_id}", details=details))
