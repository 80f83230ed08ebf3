"""Privacy impact assessments of charters."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from moneyer_policy.library.documents import AssessmentMade, AssessmentRequest
from moneyer_policy.library.use_cases import assessments
from moneyer_policy.reviews.routes.office import InOffice
from moneyer_shared.auth import Caller, requires
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1", tags=["charters"])


@router.post(
    "/charters/{charter_id}/assessments",
    status_code=201,
    response_model=AssessmentMade,
    operation_id="assessCharter",
    summary="Record a privacy impact assessment",
)
async def assess(
    charter_id: UUID,
    request: AssessmentRequest,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = requires("policy:assessments:write"),
) -> JSONResponse:
    reply = await assessments.assess(
        office,
        charter_id=charter_id,
        charter_digest=request.digest,
        acceptable=request.acceptable,
        summary=request.summary,
        valid_until=request.valid_until,
        template=request.template,
        answers=request.answers,
        risks=[stated.risk() for stated in request.risks],
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()
