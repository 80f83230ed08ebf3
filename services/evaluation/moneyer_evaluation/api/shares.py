"""Published shares of a population, which assays and monitors hold assets against."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from moneyer_evaluation.api.words import READ, InLaboratory, SharesDeclared
from moneyer_evaluation.store import Store
from moneyer_evaluation.use_cases import shares as use_cases
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.evaluation import ReferenceShares
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import ThisAttempt

router = APIRouter(prefix="/v1/populations", tags=["shares"])


@router.post(
    "/{population_id}/shares",
    status_code=201,
    response_model=ReferenceShares,
    operation_id="declareShares",
    summary="Declare a population's published shares, in a new version",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def declare(
    population_id: UUID,
    request: SharesDeclared,
    laboratory: InLaboratory,
    attempt: ThisAttempt,
    caller: Caller = requires("evaluation:shares:write"),
) -> JSONResponse:
    reply = await use_cases.declare(
        laboratory,
        population_id,
        source=request.source,
        as_of=request.as_of,
        shares=request.shares,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.get("/{population_id}/shares", operation_id="listShares", summary="All versions, the newest first")
async def versions(population_id: UUID, laboratory: InLaboratory, _: Caller = READ) -> list[ReferenceShares]:
    async with laboratory.database.transaction() as connection:
        rows = await Store(connection).shares(population_id)
    return [ReferenceShares.model_validate(use_cases.show(row)) for row in rows]
