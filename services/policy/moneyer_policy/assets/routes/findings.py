"""What evaluation finds about assets that are out, and about generators that claim too much; and what policy knows."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from fastapi.responses import JSONResponse

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.assets.use_cases import dossier, findings, provenance
from moneyer_policy.library.routes.library import RejectionMade
from moneyer_policy.library.use_cases import library
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.policy import Condemnation
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import KeyedAttempt
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="gate")
READ, EVIDENCE = "policy:read", "policy:evidence:read"
MOST_LEAVES = 100

routes.add(
    "POST",
    "/findings",
    findings.report_finding,
    "Hold what was found about a released asset against its charter",
    scope="policy:releases:write",
    status=201,
    once="must",
    extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)
routes.add(
    "GET",
    "/assets/{asset_id}/dossier",
    dossier.get_dossier,
    "Under which charter, votes, assessments and budget an asset was made, and what became of it",
    scope=EVIDENCE,
    extra={
        "description": "Names who voted, assessed and asked, and why: for lineage, and for those who may ask it for "
        "evidence."
    },
)
routes.add(
    "GET",
    "/assets/{asset_id}/salts",
    dossier.get_salts,
    "What opens the digests of people, and of what a dossier shows, in leaves about an asset",
    scope=EVIDENCE,
    given={"leaf": Annotated[list[UUID], Query(min_length=1, max_length=MOST_LEAVES, description="Ids of leaves.")]},
    extra={"description": "By leaf, hexadecimal; a leaf about anything else has no salt here."},
)
routes.add(
    "GET",
    "/assets/{asset_id}/grounds",
    provenance.get_grounds,
    "Under which charter version, votes and budget an asset was made, as they stood then",
    scope=READ,
)


@routes.router.post(
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
