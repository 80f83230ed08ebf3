"""Searches: tuning under a budget."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from moneyer_generation.documents import Search
from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.store.searches import SearchStore
from moneyer_generation.use_cases import searches as use_cases
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.search import SearchRequest
from moneyer_shared.idempotency import KeyedAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/searches", tags=["searches"])
READ = requires("generation:read")
WRITE = requires("generation:runs:write")


@router.post(
    "",
    status_code=202,
    response_model=Search,
    operation_id="requestSearch",
    summary="Search engines and parameters for a table that is accepted, within a total ε",
)
async def request_search(
    request: SearchRequest, workshop: InWorkshop, attempt: KeyedAttempt, caller: Caller = WRITE
) -> JSONResponse:
    return (await use_cases.request_search(workshop, request, by=caller.subject, attempt=attempt)).response()


@router.get("", operation_id="listSearches", summary="Searches, newest first")
async def list_searches(
    workshop: InWorkshop, pages: Pages, after: Annotated[UUID | None, Query()] = None, _: Caller = READ
) -> list[Search]:
    async with workshop.database.transaction() as connection:
        store = SearchStore(connection)
        rows = await store.searches(after)
        shown = [use_cases.show(row, await store.trials(row.id)) for row in rows]
    pages.follow(rows)
    return [Search.model_validate(one) for one in shown]


@router.get("/{search_id}", operation_id="getSearch", summary="Where a search stands, trial by trial")
async def get_search(search_id: UUID, workshop: InWorkshop, _: Caller = READ) -> Search:
    async with workshop.database.transaction() as connection:
        store = SearchStore(connection)
        shown = use_cases.show(await store.search(search_id), await store.trials(search_id))
    return Search.model_validate(shown)


@router.post("/{search_id}:cancel", status_code=202, operation_id="cancelSearch", summary="Ask for a search to end")
async def cancel(search_id: UUID, workshop: InWorkshop, caller: Caller = WRITE) -> Search:
    return Search.model_validate(await use_cases.cancel(workshop, search_id, by=caller.subject))
