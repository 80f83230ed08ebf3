"""Plans in, runs out."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse

from moneyer_generation.dependencies import Workshop
from moneyer_generation.documents import Generation
from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.rules.run import MOVES
from moneyer_generation.store import Store
from moneyer_generation.use_cases import plans
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.errors import Unavailable
from moneyer_shared.idempotency import IdempotencyKey
from moneyer_shared.streams import EventStream
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/generations", tags=["generations"])
READ = requires("generation:read")
WRITE = requires("generation:runs:write")
POLL_SECONDS = 0.3
PAUSE_SECONDS = 1.0


@router.post(
    "",
    status_code=202,
    response_model=Generation,
    operation_id="requestGeneration",
    summary="Ask for a synthetic table",
)
async def request_generation(
    plan: Plan, workshop: InWorkshop, key: IdempotencyKey, caller: Caller = WRITE
) -> JSONResponse:
    return (await plans.request_run(workshop, plan, by=caller.subject, key=key)).response()


@router.get("", operation_id="listGenerations", summary="Runs, newest first")
async def list_generations(
    workshop: InWorkshop, pages: Pages, after: Annotated[UUID | None, Query()] = None, _: Caller = READ
) -> list[Generation]:
    async with workshop.database.transaction() as connection:
        rows = await Store(connection).runs(after)
    pages.follow(rows)
    return [Generation.model_validate(shown) for shown in await plans.show_now(workshop, rows)]


@router.get("/{run_id}", operation_id="getGeneration", summary="Where a run stands")
async def get_generation(run_id: UUID, workshop: InWorkshop, _: Caller = READ) -> Generation:
    async with workshop.database.transaction() as connection:
        row = await Store(connection).run(run_id)
    (shown,) = await plans.show_now(workshop, [row])
    return Generation.model_validate(shown)


@router.get(
    "/{run_id}/events",
    operation_id="watchGeneration",
    summary="Progress as server-sent events, until the run ends",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def watch(run_id: UUID, request: Request, workshop: InWorkshop, caller: Caller = READ) -> StreamingResponse:
    async with workshop.database.transaction() as connection:
        await Store(connection).run(run_id)
    return EventStream(_events(workshop, run_id), request, caller)


async def _events(workshop: Workshop, run_id: UUID) -> AsyncIterator[str]:
    last = None
    while True:
        try:
            async with workshop.database.transaction() as connection:
                row = await Store(connection).run(run_id)
            (shown,) = await plans.show_now(workshop, [row])
        except Unavailable:
            # Whoever watches waits with us: the run goes on too.
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        told = {"state": shown["state"], "progress": round(row.progress, 3), "failure": row.failure}
        if told != last:
            yield f"event: progress\ndata: {json.dumps(told)}\n\n"
            last = told
        if row.state not in MOVES:
            return
        await asyncio.sleep(POLL_SECONDS)


@router.post("/{run_id}:cancel", status_code=202, operation_id="cancelGeneration", summary="Ask for a run to end")
async def cancel(run_id: UUID, workshop: InWorkshop, caller: Caller = WRITE) -> Generation:
    return Generation.model_validate(await plans.cancel(workshop, run_id, by=caller.subject))
