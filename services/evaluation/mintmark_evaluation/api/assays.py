"""Assays, asked for and read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from mintmark_evaluation import use_cases
from mintmark_evaluation.api.report import HEADERS, render
from mintmark_evaluation.store import PAGE, Store
from mintmark_evaluation.use_cases import Laboratory
from mintmark_shared.auth import Caller, requires
from mintmark_shared.contracts.evaluation import Assay, AssayRequest
from mintmark_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1/assays", tags=["assays"])
READ = requires("evaluation:read")
WRITE = requires("evaluation:assays:write")


async def _laboratory(request: Request) -> Laboratory:
    laboratory: Laboratory = request.app.state.laboratory
    return laboratory


InLaboratory = Annotated[Laboratory, Depends(_laboratory)]


@router.post("", status_code=202, response_model=Assay, operation_id="requestAssay", summary="Have an asset judged")
async def request_assay(
    request: AssayRequest,
    laboratory: InLaboratory,
    attempt: ThisAttempt,
    caller: Caller = WRITE,
) -> JSONResponse:
    return (await use_cases.request_assay(laboratory, request, by=caller.subject, attempt=attempt)).response()


@router.get("", operation_id="listAssays", summary="Assays, all or of one asset")
async def list_assays(
    laboratory: InLaboratory,
    response: Response,
    asset: Annotated[UUID | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[Assay]:
    async with laboratory.database.transaction() as connection:
        rows = await Store(connection).page(asset, after)
    if len(rows) == PAGE:
        response.headers["Link"] = f'</v1/assays?after={rows[-1].id}>; rel="next"'
    return [Assay.model_validate(use_cases.show(row)) for row in rows]


@router.get("/{assay_id}", operation_id="getAssay", summary="An assay and its figures")
async def get_assay(assay_id: UUID, laboratory: InLaboratory, _: Caller = READ) -> Assay:
    async with laboratory.database.transaction() as connection:
        row = await Store(connection).assay(assay_id)
    return Assay.model_validate(use_cases.show(row))


@router.get(
    "/{assay_id}/report",
    operation_id="reportAssay",
    summary="An assay as one page to read and print",
    response_class=HTMLResponse,
)
async def report(assay_id: UUID, laboratory: InLaboratory, _: Caller = READ) -> HTMLResponse:
    async with laboratory.database.transaction() as connection:
        row = await Store(connection).assay(assay_id)
    criteria = row.release["criteria"] if row.release else []
    return HTMLResponse(render(use_cases.show(row), criteria), headers=HEADERS)
