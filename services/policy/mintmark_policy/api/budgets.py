"""Populations, allocations and the ledger."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from mintmark_policy.api.words import (
    AllocationMade,
    AllocationRequest,
    InOffice,
    Ledger,
    LedgerEntry,
    PopulationMade,
    PopulationRequest,
    PopulationShown,
)
from mintmark_policy.domain.accounting import ORDERS, SCALE
from mintmark_policy.store.budgets import BudgetStore, exact
from mintmark_policy.use_cases import budgets as use_cases
from mintmark_shared.auth import Caller, requires
from mintmark_shared.idempotency import OptionalIdempotencyKey

router = APIRouter(prefix="/v1/populations", tags=["budgets"])
READ = requires("policy:read")
WRITE = requires("policy:budgets:write")
PAGE = 200


@router.post(
    "",
    status_code=201,
    response_model=PopulationMade,
    operation_id="createPopulation",
    summary="Name a population and its whole budget",
)
async def create(
    request: PopulationRequest, office: InOffice, key: OptionalIdempotencyKey = None, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.create_population(
        office,
        name=request.name,
        privacy_unit=request.privacy_unit,
        epsilon=Decimal(request.epsilon),
        delta=Decimal(request.delta),
        by=caller.subject,
        key=key,
    )
    return reply.response()


@router.get("", operation_id="listPopulations", summary="All populations")
async def list_populations(office: InOffice, _: Caller = READ) -> list[PopulationShown]:
    async with office.database.transaction() as connection:
        rows = await BudgetStore(connection).populations()
    shown = [await use_cases.show_population(office, row.id) for row in rows]
    return [PopulationShown.model_validate(entry) for entry in shown]


@router.get("/{population_id}", operation_id="getPopulation", summary="A population and what is left")
async def get_population(population_id: UUID, office: InOffice, _: Caller = READ) -> PopulationShown:
    return PopulationShown.model_validate(await use_cases.show_population(office, population_id))


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
    key: OptionalIdempotencyKey = None,
    caller: Caller = WRITE,
) -> JSONResponse:
    reply = await use_cases.allocate(
        office,
        population_id=population_id,
        charter_id=request.charter_id,
        epsilon=Decimal(request.epsilon),
        delta=Decimal(request.delta),
        releases_limit=request.releases,
        by=caller.subject,
        key=key,
    )
    return reply.response()


@router.get("/{population_id}/ledger", operation_id="getLedger", summary="Every movement of the budget")
async def ledger(
    population_id: UUID,
    office: InOffice,
    response: Response,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> Ledger:
    async with office.database.transaction() as connection:
        store = BudgetStore(connection)
        await store.population(population_id)
        rows = await store.ledger(population_id, after, PAGE)
    if len(rows) == PAGE:
        response.headers["Link"] = f'</v1/populations/{population_id}/ledger?after={rows[-1].id}>; rel="next"'
    entries = [
        LedgerEntry(
            id=row.id, charter_id=row.charter_id, permit_id=row.permit_id, kind=row.kind,
            renyi=list(exact(row.renyi)), releases=row.releases, at=row.at,
        )
        for row in rows
    ]  # fmt: skip
    return Ledger(orders=[str(order) for order in ORDERS], scale=SCALE, entries=entries)
