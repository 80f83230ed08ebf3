"""Audits of what engines claim."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.store.audits import AuditStore
from moneyer_generation.use_cases import audits as use_cases
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.policy import Parameter
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/audits", tags=["audits"])


class AuditRequest(Document):
    """Fit a configuration so many times on a public table, half of them with a worst-case record in it."""

    generator: Name
    parameters: dict[Name, Parameter] = Field(default_factory=dict, max_length=50)
    fits: Annotated[int, Field(ge=40, le=2000, multiple_of=2)] = 200


class Audit(Document):
    """``condemned``: more ε was measured than is claimed, and policy refuses plans that rest on the claim."""

    id: UUID
    state: Literal["queued", "scored", "done", "failed"]
    generator: str
    parameters: dict[str, Parameter]
    fits: int
    verdict: Literal["stands", "condemned"] | None
    failure: str | None
    requested_by: str
    requested_at: Moment
    changed_at: Moment


@router.post(
    "", status_code=202, response_model=Audit, operation_id="requestAudit", summary="Have a guarantee put to the test"
)
async def request(
    asked: AuditRequest,
    workshop: InWorkshop,
    attempt: ThisAttempt,
    caller: Caller = requires("generation:audits:write"),
) -> JSONResponse:
    reply = await use_cases.request(
        workshop,
        generator=asked.generator,
        parameters=asked.parameters,
        fits=asked.fits,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("", operation_id="listAudits", summary="Audits, the latest first")
async def audits(
    workshop: InWorkshop,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = requires("generation:read"),
) -> list[Audit]:
    async with workshop.database.transaction() as connection:
        rows = await AuditStore(connection).page(after)
    pages.follow(rows)
    return [Audit.model_validate(use_cases.show(row)) for row in rows]


@router.get("/{audit_id}", operation_id="getAudit", summary="An audit")
async def audit(audit_id: UUID, workshop: InWorkshop, _: Caller = requires("generation:read")) -> Audit:
    async with workshop.database.transaction() as connection:
        row = await AuditStore(connection).audit(audit_id)
    return Audit.model_validate(use_cases.show(row))
