"""What evaluation finds about assets that are out, and about generators that claim too much."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.use_cases import dossier, findings, grounds
from moneyer_policy.library.routes.library import RejectionMade
from moneyer_policy.library.use_cases import library
from moneyer_policy.reviews.documents import RAW
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.policy import Condemnation, Finding, FindingRequest, Grounds
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import KeyedAttempt

router = APIRouter(prefix="/v1", tags=["gate"])
EVIDENCE = requires("policy:evidence:read")


@router.post(
    "/findings",
    status_code=201,
    response_model=Finding,
    operation_id="reportFinding",
    summary="Hold what was found about a released asset against its charter",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def report(
    request: FindingRequest,
    office: InOffice,
    attempt: KeyedAttempt,
    caller: Caller = requires("policy:releases:write"),
) -> JSONResponse:
    return (await findings.report(office, request, by=caller.subject, attempt=attempt)).response()


@router.get(
    "/assets/{asset_id}/dossier",
    operation_id="getDossier",
    summary="Under which charter, votes, assessments and budget an asset was made, and what became of it",
    description="Names who voted, assessed and asked, and why: for lineage, and for those who may ask it for evidence.",
)
async def get_dossier(asset_id: UUID, office: InOffice, caller: Caller = EVIDENCE) -> dict[str, Any]:
    return await dossier.dossier(office, asset_id, raw=caller.holds(RAW))


@router.get(
    "/assets/{asset_id}/salts",
    operation_id="getSalts",
    summary="What opens the digests of people, and of what a dossier shows, in leaves about an asset",
    description="By leaf, hexadecimal; a leaf about anything else has no salt here.",
)
async def get_salts(
    asset_id: UUID,
    leaf: Annotated[list[UUID], Query(min_length=1, max_length=100, description="Ids of leaves.")],
    office: InOffice,
    _: Caller = EVIDENCE,
) -> dict[str, str]:
    return await dossier.salts(office, asset_id, leaf)


@router.get(
    "/assets/{asset_id}/grounds",
    operation_id="getGrounds",
    summary="Under which charter version, votes and budget an asset was made, as they stood then",
)
async def get_grounds(asset_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> Grounds:
    return Grounds.model_validate(await grounds.grounds(office, asset_id))


@router.post(
    "/condemnations",
    status_code=201,
    response_model=RejectionMade,
    operation_id="condemnGenerator",
    summary="Refuse plans that rest on a claim an audit disproved",
)
async def condemn(
    request: Condemnation,
    office: InOffice,
    attempt: KeyedAttempt,
    caller: Caller = requires("policy:releases:write"),
) -> JSONResponse:
    reply = await library.reject(
        office,
        name=f"{library.OF_AUDITS}{request.audit_id}",
        # A generator's name holds nothing that CEL would read as more than text.
        expression=f"generator == '{request.generator}' && guarantee != 'none'",
        reason=f"An audit measured an ε of at least {request.measured} where {request.claimed} is claimed.",
        by=caller.subject,
        attempt=attempt,
        audited=True,
    )
    return reply.response()
