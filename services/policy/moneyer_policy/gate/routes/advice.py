"""A draft tried on past plans."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from moneyer_policy.gate.routes.office import InOffice
from moneyer_policy.gate.use_cases import advice
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.policy import Clause, DecisionRequest
from moneyer_shared.doors import LARGEST_BODY

router = APIRouter(prefix="/v1", tags=["charters"])
READ = requires("policy:read")


class DryRun(Document):
    """A draft (else the newest version is tried), and the plans to try it on (else the last decided ones)."""

    document: dict[str, Any] | None = None
    last: Annotated[int, Field(ge=1, le=1_000)] = 100
    requests: Annotated[list[DecisionRequest], Field(max_length=1_000)] = Field(default_factory=list[DecisionRequest])


class ChangedVerdict(Document):
    run_id: UUID
    requester: str
    before: str
    after: str
    newly_failed: list[Clause]
    no_longer_failed: list[str]


class DryRunResult(Document):
    """``complete`` is false where the time for one dry run sufficed for only the first ``judged`` plans."""

    charter_id: UUID
    digest: str
    judged: int
    complete: bool
    changes: list[ChangedVerdict]


@router.post(
    "/charters/{charter_id}:dry-run",
    operation_id="dryRunCharter",
    summary="What a draft would change",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def dry_run(charter_id: UUID, request: DryRun, office: InOffice, _: Caller = READ) -> DryRunResult:
    tried = await advice.dry_run(
        office, charter_id, document=request.document, last=request.last, requests=request.requests
    )
    return DryRunResult.model_validate(tried)
