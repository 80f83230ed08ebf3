"""What stops sources and populations, and all that is stopped now."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.use_cases import holdings
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1", tags=["stops"])
STOP = requires("policy:charters:suspend")
STEWARD = requires("policy:grants:write")


class SuspensionShown(Document):
    """Something that is suspended: no key is opened of it, under it, or of what was made from it."""

    id: UUID
    kind: Literal["charter", "asset", "source", "population"]
    subject: UUID
    incident_id: UUID | None
    suspended_by: str
    suspended_at: datetime


@router.get("/suspensions", operation_id="listSuspensions", summary="All that is suspended now, the longest first")
async def suspensions(office: InOffice, _: Caller = requires("policy:read")) -> list[SuspensionShown]:
    return [
        SuspensionShown(
            id=row.id, kind=row.kind, subject=row.subject, incident_id=row.incident_id, suspended_by=row.suspended_by,
            suspended_at=row.suspended_at,
        )
        for row in await holdings.suspensions(office)
    ]  # fmt: skip


@router.post(
    "/sources/{source_id}:suspend", status_code=204, operation_id="suspendSource", summary="Stop a source at once"
)
async def suspend_source(source_id: UUID, request: Reason, office: InOffice, caller: Caller = STOP) -> None:
    await holdings.suspend(office, kind="source", subject=source_id, reason=request.reason, by=caller.subject)


@router.post(
    "/sources/{source_id}:resume",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="resumeSource",
    summary="Ask for a suspended source to be learnt from again; a vote decides",
)
async def resume_source(
    source_id: UUID, request: Reason, office: InOffice, attempt: ThisAttempt, caller: Caller = STEWARD
) -> JSONResponse:
    reply = await holdings.resume(
        office, kind="source", subject=source_id, reason=request.reason, by=caller.subject, attempt=attempt
    )
    return reply.response()


@router.post(
    "/populations/{population_id}:suspend",
    status_code=204,
    operation_id="suspendPopulation",
    summary="Stop everything about a population at once",
)
async def suspend_population(population_id: UUID, request: Reason, office: InOffice, caller: Caller = STOP) -> None:
    await holdings.suspend(office, kind="population", subject=population_id, reason=request.reason, by=caller.subject)


@router.post(
    "/populations/{population_id}:resume",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="resumePopulation",
    summary="Ask for a suspended population to be learnt from again; a vote decides",
)
async def resume_population(
    population_id: UUID, request: Reason, office: InOffice, attempt: ThisAttempt, caller: Caller = STEWARD
) -> JSONResponse:
    reply = await holdings.resume(
        office, kind="population", subject=population_id, reason=request.reason, by=caller.subject, attempt=attempt
    )
    return reply.response()
