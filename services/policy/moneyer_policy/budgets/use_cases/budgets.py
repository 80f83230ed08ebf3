"""Populations, the budgets charters may spend of them, and what changes those: only a vote."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from moneyer_policy.budgets.documents import (
    Allocation,
    AllocationRequest,
    BudgetProposal,
    NewPopulation,
    PopulationRequest,
    ProposedBudget,
    ProposedTransfer,
    TransferProposal,
)
from moneyer_policy.budgets.rules.accounting import Account, plain
from moneyer_policy.budgets.rules.size import Size, check_amounts, order_named
from moneyer_policy.budgets.rules.unit import Unit, unit_in_words
from moneyer_policy.budgets.store.budgets import BudgetStore
from moneyer_policy.budgets.store.records import AccountRow, as_account, size_of
from moneyer_policy.budgets.use_cases.owners import check_owner
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.policy import PopulationUnit
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word


async def create_population(work: ChangingRules, asked: PopulationRequest) -> NewPopulation:
    """Name a population and its whole budget; each partition has the whole of it (parallel composition).

    Raises:
        Invalid: the budget promises nothing, its order or unit is unknown, or partitions repeat.
        Conflict: the name is taken.
    """
    size = asked.size()
    check_amounts(size)
    order, unit = order_named(asked.order), _unit_of(asked)
    if len(set(asked.partitions)) != len(asked.partitions):
        raise Invalid("Partitions must differ from one another.", code="partitions-repeat")
    store = BudgetStore(work.connection)
    made = await store.create_population(asked.name, asked.privacy_unit, unit, asked.partitions, work.by, work.now)
    for partition in asked.partitions or ("",):
        await store.open_account(
            population_id=made, charter_id=None, partition=partition, size=size, order=order, releases_limit=None,
            created_by=work.by, at=work.now,
        )  # fmt: skip
    await _record(work, work.by, Action.POPULATION_CREATE, made, epsilon=size.epsilon, delta=size.delta)
    return NewPopulation(id=made, name=asked.name, epsilon=str(size.epsilon), delta=str(size.delta))


def _unit_of(asked: PopulationRequest) -> Unit:
    """The declared unit, or what the words alone say."""
    if asked.unit is None:
        return unit_in_words(asked.privacy_unit)
    return Unit(asked.unit.kind, asked.unit.identified_by)


async def declare_unit(work: ChangingRules, population_id: UUID, unit: PopulationUnit) -> None:
    """Say of a population of before units were declared what its unit is; once, for all.

    Raises:
        NotFound: there is no such population.
        Forbidden: the population is somebody else's.
        Conflict: its unit is declared.
    """
    store = BudgetStore(work.connection)
    population = await store.population(population_id)
    await check_owner(work, "population", population_id)
    if population.unit.kind != "undeclared":
        raise Conflict("The population's unit is declared; name another population.", code="unit-declared")
    await store.declare_unit(population_id, Unit(unit.kind, unit.identified_by))
    details = {"kind": Word(unit.kind), "unit": digest(unit.model_dump(mode="json"))}
    await work.tell(AuditEvent(work.by, Action.POPULATION_DECLARE_UNIT, f"population:{population_id}", details=details))


async def allocate_budget(work: ChangingRules, population_id: UUID, asked: AllocationRequest) -> Allocation:
    """Set a part of a population's budget aside for one charter, the same part of every partition.

    Returns:
        The charter's account of the first partition.

    Raises:
        NotFound: there is no such population or charter.
        Invalid: the budget promises nothing, or its order is unknown.
        Forbidden: the population is somebody else's, or the charter the giver's own.
        Conflict: the charter never was in force, has an allocation, or asks for more than there is.
    """
    size = asked.size()
    check_amounts(size)
    order = order_named(asked.order)
    store = BudgetStore(work.connection)
    population = await store.population(population_id)
    await check_owner(work, "population", population_id)
    rows = await store.accounts_of(population_id, lock=True)
    await _check_giver(work, asked.charter_id)
    if any(account.charter_id == asked.charter_id for account in rows):
        raise Conflict(
            "This charter has an allocation of this population; ask for a transfer or a new budget.",
            code="already-allocated",
        )
    _check_room(rows, size)
    made = [
        await store.open_account(
            population_id=population_id, charter_id=asked.charter_id, partition=partition, size=size, order=order,
            releases_limit=asked.releases, created_by=work.by, at=work.now,
        )
        for partition in population.partitions or ("",)
    ]  # fmt: skip
    await _record(work, work.by, Action.BUDGET_ALLOCATE, population_id, epsilon=size.epsilon, delta=size.delta)
    return Allocation.model_validate(made[0])


async def _check_giver(work: Work, charter_id: UUID) -> None:
    """Only a version in force says whose a charter is: a draft's owner could be anybody until the vote.

    Raises:
        Forbidden: the giver owns it, drafted it, or wrote or submitted what is in force.
        Conflict: no version ever was in force.
    """
    store = CharterStore(work.connection)
    row = await store.governing(charter_id, work.now)
    if work.by in {row.document["owner"], *row.authors, row.submitter, await store.creator(charter_id)}:
        raise Forbidden("Nobody allocates budget to their own charter.", code="own-matter")


def _check_room(rows: Sequence[AccountRow], size: Size, *, without: UUID | None = None) -> None:
    """Allocations add up by basic composition; the filter on the population itself guards in any case.

    Raises:
        Conflict: the population has less left to allocate than ``size``, in some partition.
    """
    for own in (row for row in rows if row.charter_id is None):
        others = [row for row in rows if row.partition == own.partition and row.charter_id not in {None, without}]
        free = [whole - given for whole, given in zip(own.size.amounts, _sums(others), strict=True)]
        if any(more > left for more, left in zip(size.amounts, free, strict=True)):
            epsilon, delta, approximate_delta = map(plain, free)
            raise Conflict(
                f"The population has ε {epsilon} and δ {delta} left to allocate, "
                f"{approximate_delta} of that δ for approximate mechanisms.",
                code="over-allocated",
            )


def _sums(rows: Iterable[AccountRow]) -> tuple[Decimal, Decimal, Decimal]:
    """(ε, δ, δ for approximate mechanisms) of some accounts together."""
    sizes = [row.size for row in rows]
    return (
        sum((size.epsilon for size in sizes), Decimal(0)),
        sum((size.delta for size in sizes), Decimal(0)),
        sum((size.approximate_delta for size in sizes), Decimal(0)),
    )


# --- changes, each by a vote --------------------------------------------------------------


async def propose_budget(work: ChangingRules, population_id: UUID, asked: BudgetProposal) -> ReviewOpened:
    """Ask for a new version of a population's budget, or of one charter's allocation.

    Raises:
        Invalid: the budget promises nothing.
        NotFound: there is no such population, or the charter has no allocation of it.
        Conflict: it would not fit if it were approved now, or is being voted on.
    """
    check_amounts(Size(Decimal(asked.epsilon), Decimal(asked.delta), Decimal(asked.approximate_delta or "0")))
    proposed = ProposedBudget(population_id=population_id, **dict(asked))
    await _with_budget(work, proposed)
    subject = f"budget:{population_id}:{asked.charter_id or 'population'}"
    matter = reviews.Matter("budget", subject, proposed.model_dump(mode="json"), asked.charter_id)
    return await reviews.put_up(work, matter)


async def propose_transfer(work: ChangingRules, population_id: UUID, asked: TransferProposal) -> ReviewOpened:
    """Ask for ε to move from one charter's allocation to another's.

    Raises:
        Invalid: nothing would move.
        NotFound: there is no such population, or one of the charters has no allocation of it.
        Conflict: it would not fit if it were approved now, or is being voted on.
    """
    if Decimal(asked.epsilon) <= 0 or asked.giver == asked.taker:
        raise Invalid("A transfer moves a positive ε between two charters.", code="transfer-invalid")
    stated = {"from": asked.giver, "to": asked.taker, "epsilon": asked.epsilon, "reason": asked.reason}
    proposed = ProposedTransfer.model_validate({"population_id": population_id} | stated)
    await _with_transfer(work, proposed)
    subject = f"transfer:{population_id}:{asked.giver}:{asked.taker}"
    matter = reviews.Matter("transfer", subject, proposed.model_dump(mode="json", by_alias=True))
    return await reviews.put_up(work, matter)


async def conclude(decided: Decided) -> Mapping[str, bool | str]:
    """Apply what was voted; what no longer fits is told, and changes nothing."""
    if not decided.approved:
        return {"applied": False}
    try:
        await (_apply_budget if decided.row.kind == "budget" else _apply_transfer)(decided)
    except (Conflict, NotFound) as error:
        return {"applied": False, "because": str(error)}
    return {"applied": True}


async def _apply_budget(decided: Decided) -> None:
    proposed = ProposedBudget.model_validate(decided.row.document)
    changed = await _with_budget(decided.work, proposed)
    await _write(decided, changed, proposed.reason)
    amounts = {"epsilon": Decimal(proposed.epsilon), "delta": Decimal(proposed.delta)}
    await _record(decided.work, decided.row.opened_by, Action.BUDGET_VERSION, proposed.population_id, **amounts)


async def _with_budget(work: Work, proposed: ProposedBudget) -> list[Account]:
    """The accounts as a new budget would make them.

    Raises:
        NotFound: there is no such population, or the charter has no allocation of it.
        Conflict: more is held or allocated than it has.
    """
    store = BudgetStore(work.connection)
    await store.population(proposed.population_id)
    rows = await store.accounts_of(proposed.population_id, lock=True)
    chosen = [row for row in rows if row.charter_id == proposed.charter_id]
    if not chosen:
        raise NotFound("This charter has no allocation of this population.")
    stated = proposed.approximate_delta
    kept = chosen[0].approximate_delta if stated is None else Decimal(stated)
    size = Size(Decimal(proposed.epsilon), Decimal(proposed.delta), kept)
    if size.approximate_delta >= size.delta:
        raise Conflict(
            f"δ must be above the {plain(kept)} of it that is set aside for approximate mechanisms.", code="budget-held"
        )
    if proposed.charter_id is not None:
        _check_room(rows, size, without=proposed.charter_id)
    else:
        _check_allocations(rows, size)
    return [as_account(row).resized(*size.amounts) for row in chosen]


def _check_allocations(rows: Sequence[AccountRow], size: Size) -> None:
    """Raises Conflict: charters have more than the new budget holds, in some partition."""
    for partition in {row.partition for row in rows}:
        given = _sums(row for row in rows if row.charter_id is not None and row.partition == partition)
        if any(allocated > whole for allocated, whole in zip(given, size.amounts, strict=True)):
            raise Conflict("More is allocated to charters than the new budget holds.", code="over-allocated")


async def _apply_transfer(decided: Decided) -> None:
    proposed = ProposedTransfer.model_validate(decided.row.document)
    changed = await _with_transfer(decided.work, proposed)
    await _write(decided, changed, proposed.reason)
    moved = {"epsilon": Decimal(proposed.epsilon)}
    await _record(decided.work, decided.row.opened_by, Action.BUDGET_TRANSFER, proposed.population_id, **moved)


async def _with_transfer(work: Work, proposed: ProposedTransfer) -> list[Account]:
    """The accounts of both charters as the transfer would make them.

    Raises:
        NotFound: there is no such population, or one of the charters has no allocation of it.
        Conflict: more would be moved than was given, or less left than is held.
    """
    store, epsilon = BudgetStore(work.connection), Decimal(proposed.epsilon)
    await store.population(proposed.population_id)
    rows = await store.accounts_of(proposed.population_id, lock=True)
    changed: list[Account] = []
    for charter_id, amount in ((proposed.giver, -epsilon), (proposed.taker, epsilon)):
        chosen = [row for row in rows if row.charter_id == charter_id]
        if not chosen:
            raise NotFound(f"Charter {charter_id} has no allocation of this population.")
        for row in chosen:
            if row.epsilon + amount <= 0:
                raise Conflict("More would be moved than the charter was given.", code="over-allocated")
            changed.append(as_account(row).resized(row.epsilon + amount, row.delta, row.approximate_delta))
    return changed


async def _write(decided: Decided, changed: Sequence[Account], reason: str) -> None:
    """Keep accounts as a vote made them, each with a version that names its review."""
    store, row = BudgetStore(decided.work.connection), decided.row
    for account in changed:
        await store.resize(account)
        await store.add_version(
            UUID(account.id), size_of(account), reason, row.id, row.opened_by, decided.work.now
        )  # fmt: skip


async def _record(work: Work, by: str, action: Action, population_id: UUID, **amounts: Decimal) -> None:
    details = {name: str(amount) for name, amount in amounts.items()}
    await work.tell(AuditEvent(by, action, f"population:{population_id}", details=details))
