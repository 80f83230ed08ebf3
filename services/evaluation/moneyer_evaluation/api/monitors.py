"""Monitors: standing watches over released assets."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from moneyer_evaluation.api.words import RAW, READ, InLaboratory, MonitorRequest, Scorers, ScoresKept, ScoresPosted
from moneyer_evaluation.store.monitors import MonitorStore
from moneyer_evaluation.use_cases import monitors as use_cases
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.evaluation import Look, Monitor
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/monitors", tags=["monitors"])
WRITE = requires("evaluation:monitors:write")


@router.post("", status_code=201, response_model=Monitor, operation_id="makeMonitor", summary="Watch over an asset")
async def make(
    request: MonitorRequest, laboratory: InLaboratory, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.make(
        laboratory,
        name=request.name,
        asset_id=request.asset_id,
        terms=request.terms,
        every_hours=request.every_hours,
        scorers=request.scorers,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("", operation_id="listMonitors", summary="Monitors, all or of one asset")
async def monitors(
    laboratory: InLaboratory,
    pages: Pages,
    asset: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[Monitor]:
    async with laboratory.database.transaction() as connection:
        rows = await MonitorStore(connection).page(asset, after)
    pages.follow(rows)
    return [Monitor.model_validate(use_cases.show(row)) for row in rows]


@router.get("/{monitor_id}", operation_id="getMonitor", summary="A monitor")
async def monitor(monitor_id: UUID, laboratory: InLaboratory, _: Caller = READ) -> Monitor:
    async with laboratory.database.transaction() as connection:
        row = await MonitorStore(connection).monitor(monitor_id)
    return Monitor.model_validate(use_cases.show(row))


@router.get("/{monitor_id}/looks", operation_id="listLooks", summary="What a monitor saw, the latest first")
async def looks(
    monitor_id: UUID,
    laboratory: InLaboratory,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    caller: Caller = READ,
) -> list[Look]:
    async with laboratory.database.transaction() as connection:
        store = MonitorStore(connection)
        await store.monitor(monitor_id)
        rows = await store.looks(monitor_id, after)
    pages.follow(rows)
    return [Look.model_validate(use_cases.show_look(row, raw=caller.holds(RAW))) for row in rows]


@router.post(
    "/{monitor_id}/scores",
    status_code=202,
    response_model=ScoresKept,
    operation_id="postScores",
    summary="Scores of a model that uses the asset; kept as counts",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def scores(
    monitor_id: UUID,
    request: ScoresPosted,
    laboratory: InLaboratory,
    attempt: ThisAttempt,
    caller: Caller = requires("evaluation:scores:write"),
) -> JSONResponse:
    reply = await use_cases.post_scores(
        laboratory, monitor_id, scores=request.scores, by=caller.subject, attempt=attempt
    )
    return reply.response()


@router.put("/{monitor_id}/scorers", operation_id="nameScorers", summary="Say who besides the owner may post scores")
async def scorers(monitor_id: UUID, said: Scorers, laboratory: InLaboratory, caller: Caller = WRITE) -> Monitor:
    named = await use_cases.name_scorers(laboratory, monitor_id, scorers=said.scorers, by=caller.subject)
    return Monitor.model_validate(named)


@router.post("/{monitor_id}:pause", operation_id="pauseMonitor", summary="Look no more for now")
async def pause(monitor_id: UUID, laboratory: InLaboratory, caller: Caller = WRITE) -> Monitor:
    return Monitor.model_validate(await use_cases.switch(laboratory, monitor_id, active=False, by=caller.subject))


@router.post("/{monitor_id}:resume", operation_id="resumeMonitor", summary="Look again, from now on")
async def resume(monitor_id: UUID, laboratory: InLaboratory, caller: Caller = WRITE) -> Monitor:
    return Monitor.model_validate(await use_cases.switch(laboratory, monitor_id, active=True, by=caller.subject))
