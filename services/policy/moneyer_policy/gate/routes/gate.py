"""Decisions: what the other services call, and what people may see."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from moneyer_policy.gate.routes.direct import DecisionRoute
from moneyer_policy.gate.routes.office import InOffice
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.use_cases import advice, decisions
from moneyer_policy.reviews.documents import Subject
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.policy import (
    Clause,
    Decision,
    DecisionRequest,
)
from moneyer_shared.idempotency import IdempotencyKey
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["gate"])


async def decide(
    request: DecisionRequest,
    office: InOffice,
    key: IdempotencyKey,
    caller: Caller = requires("policy:decisions:write"),
) -> Response:
    answer = await decisions.decide(office, request, by=caller.subject, key=key)
    return Response(answer.text, 201, answer.headers, media_type="application/json")


router.add_api_route(
    "/decisions",
    decide,
    methods=["POST"],
    status_code=201,
    response_model=Decision,
    operation_id="decide",
    summary="Judge a plan",
    route_class_override=DecisionRoute,
)


@router.get("/decisions/{decision_id}", operation_id="getDecision", summary="A decision as it was made")
async def get_decision(decision_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> Decision:
    async with office.database.transaction() as connection:
        row = await DecisionStore(connection).decision(decision_id)
    return Decision.model_validate(row.document)


class DecisionSummary(Decision):
    requester: str
    charter_id: UUID


class Suggestion(Document):
    """One change: a place in the plan, a value that passes there, and what else would.

    ``cost`` is the largest part of the plan's cost, from 0 to 1, that the budgets still admit.
    """

    code: str
    path: str
    value: Any
    choices: list[Any]


class Explanation(Document):
    """What would make a plan pass today; ``plan`` has the changes made, ``still_failing`` is what they leave."""

    decision_id: UUID
    verdict_now: Literal["permit", "deny"]
    clauses: list[Clause]
    suggestions: list[Suggestion]
    plan: dict[str, Any] | None
    still_failing: list[Clause]


@router.get("/decisions", operation_id="searchDecisions", summary="Past decisions, newest first")
async def search(
    office: InOffice,
    pages: Pages,
    charter: Annotated[UUID | None, Query()] = None,
    requester: Annotated[Subject | None, Query()] = None,
    verdict: Annotated[Literal["permit", "deny", "review"] | None, Query()] = None,
    code: Annotated[Name | None, Query(description="A rule that failed")] = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = requires("policy:read"),
) -> list[DecisionSummary]:
    async with office.database.transaction() as connection:
        rows = await DecisionStore(connection).search(
            after=after, charter_id=charter, requester=requester, verdict=verdict, code=code,
            since=since, until=until,
        )  # fmt: skip
    pages.follow(rows)
    return [
        DecisionSummary.model_validate(row.document | {"requester": row.requester, "charter_id": row.charter_id})
        for row in rows
    ]


@router.post("/decisions/{decision_id}:explain", operation_id="explainDecision", summary="What would make this pass")
async def explain(decision_id: UUID, office: InOffice, _: Caller = requires("policy:read")) -> Explanation:
    return Explanation.model_validate(await advice.explain(office, decision_id))


@router.get("/runs/{run_id}/decision", operation_id="getRunDecision", summary="The last decision on a run")
async def run_decision(run_id: UUID, office: InOffice, caller: Caller = requires("policy:read")) -> Decision:
    """Its permit is shown only to a service that may ask for decisions."""
    with_permit = "policy:decisions:write" in caller.scopes
    return Decision.model_validate(await decisions.of_run(office, run_id, with_permit=with_permit))
