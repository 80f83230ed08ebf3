"""Populations, allocations and the ledger."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from moneyer_policy.budgets.documents import (
    AccountShown,
    AllocationMade,
    AllocationRequest,
    Ledger,
    LedgerEntry,
    PopulationMade,
    PopulationRequest,
    PopulationShown,
    UnitShown,
)
from moneyer_policy.budgets.rules.accounting import ORDERS, SCALE, in_words
from moneyer_policy.budgets.store import BudgetStore, Size, exact
from moneyer_policy.budgets.use_cases import accounts
from moneyer_policy.budgets.use_cases import budgets as use_cases
from moneyer_policy.budgets.use_cases.charges import mechanism_of
from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.routes.office import InOffice
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import AmountText, Document, Name, Text
from moneyer_shared.contracts.policy import Mechanism, PopulationUnit
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages


class Sized(Protocol):
    """A request that says how large a budget is to be."""

    @property
    def epsilon(self) -> str: ...
    @property
    def delta(self) -> str: ...
    @property
    def approximate_delta(self) -> str | None: ...


def size_of(request: Sized) -> Size:
    return Size(Decimal(request.epsilon), Decimal(request.delta), Decimal(request.approximate_delta or "0"))


router = APIRouter(prefix="/v1/populations", tags=["budgets"])
READ = requires("policy:read")
WRITE = requires("policy:budgets:write")


@router.post(
    "",
    status_code=201,
    response_model=PopulationMade,
    operation_id="createPopulation",
    summary="Name a population and its whole budget",
)
async def create(
    request: PopulationRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.create_population(
        office,
        name=request.name,
        privacy_unit=request.privacy_unit,
        unit=request.unit,
        partitions=request.partitions,
        size=size_of(request),
        order=request.order,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/{population_id}:declare-unit",
    status_code=204,
    operation_id="declareUnit",
    summary="Declare the privacy unit of a population that has none declared",
)
async def declare_unit(
    population_id: UUID, request: PopulationUnit, office: InOffice, caller: Caller = WRITE
) -> Response:
    await use_cases.declare_unit(office, population_id, request, by=caller.subject)
    return Response(status_code=204)


@router.get("", operation_id="listPopulations", summary="All populations")
async def list_populations(office: InOffice, _: Caller = READ) -> list[PopulationShown]:
    async with office.database.transaction() as connection:
        rows = await BudgetStore(connection).populations()
    shown = [await accounts.show_population(office, row.id) for row in rows]
    return [PopulationShown.model_validate(entry) for entry in shown]


@router.get("/{population_id}", operation_id="getPopulation", summary="A population and what is left")
async def get_population(population_id: UUID, office: InOffice, _: Caller = READ) -> PopulationShown:
    return PopulationShown.model_validate(await accounts.show_population(office, population_id))


@router.post(
    "/{population_id}/allocations",
    status_code=201,
    response_model=AllocationMade,
    operation_id="allocateBudget",
    summary="Set budget aside for a charter",
)
async def allocate(
    population_id: UUID,
    request: AllocationRequest,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = WRITE,
) -> JSONResponse:
    reply = await use_cases.allocate(
        office,
        population_id=population_id,
        charter_id=request.charter_id,
        size=size_of(request),
        order=request.order,
        releases_limit=request.releases,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


class BudgetProposal(Document):
    """A new budget for a population, or for one charter's allocation of it.

    Its order stays, and so does what is set aside of δ for approximate mechanisms, unless that is named.
    """

    charter_id: UUID | None = None
    epsilon: AmountText
    delta: AmountText
    approximate_delta: AmountText | None = None
    reason: Text


class TransferProposal(Document):
    giver: UUID
    taker: UUID
    epsilon: AmountText
    reason: Text


class ForecastRequest(Document):
    charter_id: UUID
    mechanism: Mechanism
    partitions: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list[Name])


class Forecast(Document):
    """``runs`` is null where nothing ends them; ``ended_by`` is the account that does."""

    runs: int | None
    ended_by: AccountShown | None
    epsilon_of_one: str


class Charges(Document):
    """How often one mechanism was charged, and what it costs."""

    event: dict[str, Any]
    renyi: list[int]
    releases: int
    delta: str
    reserved: int
    spent: int
    returned: int


class BudgetVersion(Document):
    version: int
    epsilon: str
    delta: str
    approximate_delta: str
    reason: str
    review_id: UUID | None
    set_by: str
    set_at: datetime


class AccountStated(AccountShown):
    held: list[int]
    spent: list[int]
    charges: list[Charges]
    versions: list[BudgetVersion]


class Statement(Document):
    """All that was charged to a population, for an auditor to compose again."""

    population_id: UUID
    name: str
    privacy_unit: str
    unit: UnitShown
    stated_at: datetime
    orders: list[str]
    scale: int
    accounts: list[AccountStated]


@router.post(
    "/{population_id}/budget-versions",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="proposeBudget",
    summary="Ask for a new budget; a vote decides",
)
async def propose_budget(
    population_id: UUID, request: BudgetProposal, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.propose_budget(
        office,
        population_id=population_id,
        charter_id=request.charter_id,
        size=size_of(request),
        keep_approximate=request.approximate_delta is None,
        reason=request.reason,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/{population_id}/transfers",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="proposeTransfer",
    summary="Ask for budget to move between charters; a vote decides",
)
async def propose_transfer(
    population_id: UUID, request: TransferProposal, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.propose_transfer(
        office,
        population_id=population_id,
        giver=request.giver,
        taker=request.taker,
        epsilon=Decimal(request.epsilon),
        reason=request.reason,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post("/{population_id}:forecast", operation_id="forecastBudget", summary="How many more such runs fit")
async def forecast(population_id: UUID, request: ForecastRequest, office: InOffice, _: Caller = READ) -> Forecast:
    mechanism = mechanism_of(request.mechanism)
    answer = await accounts.forecast(office, population_id, request.charter_id, mechanism, request.partitions)
    return Forecast.model_validate(answer)


@router.get("/{population_id}/statement", operation_id="getStatement", summary="A statement an auditor can recompute")
async def statement(population_id: UUID, office: InOffice, _: Caller = READ) -> Statement:
    return Statement.model_validate(await accounts.statement(office, population_id))


@router.get("/{population_id}/ledger", operation_id="getLedger", summary="Every movement of the budget")
async def ledger(
    population_id: UUID,
    office: InOffice,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> Ledger:
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        await store.population(population_id)
        rows = await store.ledger(population_id, after)
    pages.follow(rows)
    entries = [
        LedgerEntry(
            id=row.id, charter_id=row.charter_id, partition=row.partition, permit_id=row.permit_id, kind=row.kind,
            mechanism=row.mechanism, renyi=list(exact(row.renyi)), releases=row.releases,
            delta=in_words(int(row.delta)), at=row.at,
        )
        for row in rows
    ]  # fmt: skip
    return Ledger(orders=[str(order) for order in ORDERS], scale=SCALE, entries=entries)
