"""Plans in, runs out."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated
from uuid import UUID

from fastapi import Body, Depends, Request
from fastapi.responses import StreamingResponse

from moneyer_generation.dependencies import Flow
from moneyer_generation.routes.flows import ReadersFlow
from moneyer_generation.use_cases.measurements import draft_measured_source, get_measured_domain
from moneyer_generation.use_cases.plans import (
    cancel_generation,
    check_generation,
    get_generation,
    list_generations,
    offer_generation,
    request_generation,
    watch_generation,
)
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.idempotency import Attempt, IdempotencyKey
from moneyer_shared.routes import Routes
from moneyer_shared.streams import EventStream

routes = Routes(prefix="/v1/generations", tag="generations")
READ, WRITE = "generation:read", "generation:runs:write"


async def _attempt(plan: Annotated[Plan, Body()], key: IdempotencyKey) -> Attempt:
    """A plan is the same whether its defaults are written out or left out."""
    return Attempt(key, digest(plan.model_dump(mode="json")))


routes.add(
    "POST", "", request_generation, "Ask for a synthetic table", scope=WRITE, status=202,
    once=Annotated[Attempt, Depends(_attempt)],
    given={"key": IdempotencyKey}, location="/v1/generations/{id}", headers={"Retry-After": "2"},
)  # fmt: skip
routes.add(
    "POST",
    ":offer",
    offer_generation,
    "What a plan would get and what it would lose, before anything is paid",
    scope=WRITE,
)
routes.add("GET", "", list_generations, "Runs, newest first", scope=READ, page="id")
routes.add("GET", "/{run_id}", get_generation, "Where a run stands", scope=READ)
routes.add("GET", "/{run_id}/domain", get_measured_domain, "What a run of domain-discovery measured", scope=READ)

routes.add(
    "GET",
    "/{run_id}/declaration",
    draft_measured_source,
    "The declaration of a source by what was measured",
    scope=READ,
)


@routes.router.get(
    "/{run_id}/events",
    operation_id="watchGeneration",
    summary="Progress as server-sent events, until the run ends",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def watch(run_id: UUID, request: Request, flow: ReadersFlow) -> StreamingResponse:
    await check_generation(flow, run_id)
    return EventStream(_events(flow, run_id), request, flow.caller)


async def _events(flow: Flow, run_id: UUID) -> AsyncIterator[str]:
    async with aclosing(watch_generation(flow, run_id)) as changes:
        async for progress in changes:
            yield f"event: progress\ndata: {json.dumps(progress.model_dump(mode='json'))}\n\n"


routes.add("POST", "/{run_id}:cancel", cancel_generation, "Ask for a run to end", scope=WRITE, status=202)
