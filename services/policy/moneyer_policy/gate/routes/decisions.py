"""Decisions: what the other services call, and what people may see."""

from fastapi import Request, Response

from moneyer_policy.gate.routes.direct import DecisionRoute
from moneyer_policy.gate.use_cases import decisions
from moneyer_policy.gate.use_cases.explanation import explain_decision
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.policy import Decision, DecisionRequest
from moneyer_shared.idempotency import IdempotencyKey
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="gate")
READ = "policy:read"


async def decide(
    plan: DecisionRequest,
    request: Request,
    key: IdempotencyKey,
    caller: Caller = requires("policy:decisions:write"),
) -> Response:
    answer = await decisions.decide(request.app.state.dependencies, plan, by=caller.subject, key=key)
    return Response(answer.text, 201, answer.headers, media_type="application/json")


routes.router.add_api_route(
    "/decisions",
    decide,
    methods=["POST"],
    status_code=201,
    response_model=Decision,
    operation_id="decide",
    summary="Judge a plan",
    route_class_override=DecisionRoute,
)
routes.add("GET", "/decisions/{decision_id}", decisions.get_decision, "A decision as it was made", scope=READ)
routes.add("GET", "/decisions", decisions.search_decisions, "Past decisions, newest first", scope=READ, page="id")
routes.add("POST", "/decisions/{decision_id}:explain", explain_decision, "What would make this pass", scope=READ)
routes.add(
    "GET",
    "/runs/{run_id}/decision",
    decisions.get_run_decision,
    "The last decision on a run",
    scope=READ,
    extra={"description": "Its permit is shown only to a service that may ask for decisions."},
)
