"""Other systems' questions answered: OpenID AuthZEN. Advisory: nothing is reserved, stored or promised."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from moneyer_policy.assets.documents.authzen import ALLOWED, Answer, Question, denied
from moneyer_policy.assets.use_cases.grants import check_may_read
from moneyer_policy.charters.rules.extra_rules import compile_access_rule
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.store.looks import LookStore
from moneyer_policy.gate.use_cases.gate_input import balances_of, read_gate_input
from moneyer_policy.gate.use_cases.judging import judge
from moneyer_policy.gate.use_cases.worker_threads import Allowance
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.work import Flow, Snapshot
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.errors import Forbidden, Gone, NotFound

Reason = dict[str, Any]


async def describe_endpoints(flow: Flow) -> dict[str, str]:
    """Where the AuthZEN endpoints are."""
    base = flow.dependencies.public_url.rstrip("/")
    return {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
    }


async def evaluate_access(flow: Flow, asked: Question) -> Answer:
    """May this subject do this to that resource?

    Raises:
        TooMany: too many such questions are being worked out already.
    """
    return await _answer(flow, asked, Allowance())


async def evaluate_accesses(flow: Flow, asked: Question | Sequence[Question | Answer]) -> Answer:
    """Several questions at once; one that could not be read comes as its answer. A question alone is answered alone.

    Raises:
        TooMany: too many such questions are being worked out already.
    """
    if isinstance(asked, Question):
        return await evaluate_access(flow, asked)
    allowance = Allowance()
    answers = [one if isinstance(one, Answer) else await _answer(flow, one, allowance) for one in asked]
    return Answer(evaluations=[one.model_dump(exclude_none=True) for one in answers])


# --- one question -------------------------------------------------------------------------------------


async def _answer(flow: Flow, question: Question, allowance: Allowance) -> Answer:
    """Whether the subject may do the action on the resource, and why not.

    Assets are decided by grants, sources by the gate (the context carries ``plan`` and ``offer``), every
    other type by the access policy set for it. What nobody decided on is denied, and so is what the allowance
    of the questions asked together no longer suffices for.
    """
    if allowance.is_spent:
        return denied({"code": "too-much-work", "actual": "the questions before took all the time; ask this one again"})
    match question.resource.type, question.action.name:
        case "asset", "read":
            reasons = await _reading(flow, question)
        case "source", "generate":
            reasons = await _generating(flow, question, allowance)
        case _:
            reasons = await _by_policy(flow, question, allowance)
    return denied(*reasons) if reasons else ALLOWED


async def _reading(flow: Flow, question: Question) -> Sequence[Reason]:
    use_case = question.context.get("use_case")
    for_what = use_case if isinstance(use_case, str) else None
    try:
        asset_id = UUID(question.resource.id)
    except ValueError:
        return [{"code": "not-found", "actual": "no asset has this id"}]
    try:
        async with flow.begin(Snapshot) as work:
            await check_may_read(work, asset_id, question.subject.id, for_what)
    except (NotFound, Forbidden, Gone) as refusal:
        return [{"code": refusal.problem_code, "actual": refusal.detail}]
    return []


async def _generating(flow: Flow, question: Question, allowance: Allowance) -> Sequence[Reason]:
    try:
        request = _plan_asked_about(question)
    except (KeyError, TypeError, ValueError):
        return [{"code": "context-incomplete", "actual": "the context must carry a valid plan and offer"}]
    async with flow.begin(Snapshot) as work:
        rulebook = await work.dependencies.rulebook.read(work.connection)
        prepared = await read_gate_input(work.connection, rulebook, request, work.now)
        balances = await balances_of(work.connection, prepared)
        looks = await LookStore(work.connection).taken([prepared.look])
    judged = partial(judge, prepared, balances, looks, alone=True)
    judgement = await flow.dependencies.threads.do(partial(allowance.spend, judged))
    assert judgement is not None
    if judgement.verdict == "review":
        return [{"code": "review.plan", "actual": "this charter has every plan voted on"}]
    return [_told_outside(asdict(clause)) for clause in judgement.clauses]


def _plan_asked_about(question: Question) -> DecisionRequest:
    plan = dict(question.context["plan"]) | {"source_id": question.resource.id}  # type: ignore[arg-type]
    asked = {"run_id": str(UUID(int=0)), "requester": question.subject.id, "plan": plan}
    return DecisionRequest.model_validate(asked | {"offer": question.context["offer"]})


def _told_outside(clause: Reason) -> Reason:
    """A clause in full where it is about the plan and the charter's text, else its code alone.

    Whoever may ask whether somebody may is not told how much is left, or what others have taken.
    """
    if clause["code"] in gate.TEXT_CODES:
        return clause
    return clause | {
        "expected": "what this rule asks",
        "actual": "it does not hold",
        "remedy": "ask whoever answers for the charter or keeps the budget",
    }


async def _by_policy(flow: Flow, question: Question, allowance: Allowance) -> Sequence[Reason]:
    kind = question.resource.type
    async with flow.begin(Snapshot) as work:
        policies = await LibraryStore(work.connection).access_policies()
    row = next((row for row in policies if row.resource_type == kind), None)
    if row is None:
        return [{"code": "no-policy", "actual": f"no access policy is set for {kind}"}]
    asked = partial(_ask_rule, row.expression, question.model_dump())
    held, why = await flow.dependencies.threads.do(partial(allowance.spend, asked))
    return [] if held else [{"code": "access-policy", "policy": row.name, "actual": why}]


def _ask_rule(expression: str, values: Mapping[str, object]) -> tuple[bool, str]:
    return compile_access_rule(expression)(values)
