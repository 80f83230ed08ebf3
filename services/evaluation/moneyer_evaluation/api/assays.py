"""Assays asked for, repeated and read, and audits of guarantees."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, JSONResponse

from moneyer_evaluation.api.report import HEADERS, render
from moneyer_evaluation.api.words import RAW, READ, InLaboratory, ReassayRequest
from moneyer_evaluation.store import Store
from moneyer_evaluation.use_cases import assays as use_cases
from moneyer_evaluation.use_cases import audits, reassays
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.evaluation import Assay, AssayRequest, GuaranteeAudit, GuaranteeAuditRequest, Reassays
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import KeyedAttempt, ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["assays"])
WRITE = requires("evaluation:assays:write")


@router.post(
    "/assays",
    status_code=202,
    response_model=Assay,
    operation_id="requestAssay",
    summary="Have an asset judged",
    openapi_extra={LARGEST_BODY: 16 * 2**20},
)
async def request_assay(
    request: AssayRequest,
    laboratory: InLaboratory,
    attempt: ThisAttempt,
    caller: Caller = WRITE,
) -> JSONResponse:
    return (await use_cases.request_assay(laboratory, request, by=caller.subject, attempt=attempt)).response()


@router.get("/assays", operation_id="listAssays", summary="Assays, all or of one asset")
async def list_assays(
    laboratory: InLaboratory,
    pages: Pages,
    asset: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    caller: Caller = READ,
) -> list[Assay]:
    async with laboratory.database.transaction() as connection:
        rows = await Store(connection).assays(asset, after)
    pages.follow(rows)
    return [Assay.model_validate(use_cases.show(row, raw=caller.holds(RAW))) for row in rows]


@router.get("/assays/{assay_id}", operation_id="getAssay", summary="An assay and its figures")
async def get_assay(assay_id: UUID, laboratory: InLaboratory, caller: Caller = READ) -> Assay:
    async with laboratory.database.transaction() as connection:
        row = await Store(connection).assay(assay_id)
    return Assay.model_validate(use_cases.show(row, raw=caller.holds(RAW)))


@router.get(
    "/assays/{assay_id}/report",
    operation_id="reportAssay",
    summary="An assay as one page to read and print",
    response_class=HTMLResponse,
)
async def report(assay_id: UUID, laboratory: InLaboratory, caller: Caller = READ) -> HTMLResponse:
    async with laboratory.database.transaction() as connection:
        row = await Store(connection).assay(assay_id)
    raw = caller.holds(RAW)
    page = render(use_cases.show(row, raw=raw), use_cases.shown_criteria(row, raw=raw))
    return HTMLResponse(page, headers=HEADERS)


@router.post(
    "/reassays",
    status_code=202,
    response_model=Reassays,
    operation_id="reassay",
    summary="Look at released assets again, with a suite or a single attacker",
)
async def reassay(
    request: ReassayRequest,
    laboratory: InLaboratory,
    attempt: ThisAttempt,
    caller: Caller = requires("evaluation:reassays:write"),
) -> JSONResponse:
    reply = await reassays.request(
        laboratory,
        suite=request.suite,
        assets=request.assets,
        register=request.register_id,
        after=request.after,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/guarantee-audits",
    status_code=201,
    response_model=GuaranteeAudit,
    operation_id="auditGuarantee",
    summary="Hold a configuration's ε against what its runs show",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def audit(
    request: GuaranteeAuditRequest, laboratory: InLaboratory, attempt: KeyedAttempt, caller: Caller = WRITE
) -> JSONResponse:
    return (await audits.judge(laboratory, request, by=caller.subject, attempt=attempt)).response()


@router.get("/guarantee-audits", operation_id="listGuaranteeAudits", summary="Audits, all or of one generator")
async def list_audits(
    laboratory: InLaboratory,
    pages: Pages,
    generator: Annotated[Name | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[GuaranteeAudit]:
    async with laboratory.database.transaction() as connection:
        rows = await Store(connection).audits(generator, after)
    pages.follow(rows)
    return [GuaranteeAudit.model_validate(audits.show(row)) for row in rows]
