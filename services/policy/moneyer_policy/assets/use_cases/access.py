"""Other systems' questions answered: OpenID AuthZEN. Advisory, as all advice."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.assets.use_cases.releases import may_read
from moneyer_policy.charters.rules.extra_rules import compile_access_rule
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.store.looks import LookStore
from moneyer_policy.gate.use_cases.advice import balances_of
from moneyer_policy.gate.use_cases.bench import Allowance
from moneyer_policy.gate.use_cases.decisions import judge
from moneyer_policy.gate.use_cases.facts import brief
from moneyer_policy.library.store import LibraryStore
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.errors import Forbidden, Gone, MoneyerError, NotFound


async def evaluate(office: Office, question: Mapping[str, Any], allowance: Allowance | None = None) -> dict[str, Any]:
    """An AuthZEN 1.0 answer: whether the subject may do the action on the resource, and why not.

    Assets are decided by grants, sources by the gate (the context carries ``plan`` and ``offer``), every
    other type by the access policy set for it. What nobody decided on is denied, and so is what the allowance
    of the questions asked together no longer suffices for.
    """
    allowance = allowance or Allowance()
    subject, action, resource = question["subject"], question["action"], question["resource"]
    if allowance.is_spent:
        reasons = [{"code": "too-much-work", "actual": "the questions before took all the time; ask this one again"}]
        return {"decision": False, "context": {"reasons": reasons}}
    match resource["type"], action["name"]:
        case "asset", "read":
            reasons = await _reading(office, subject["id"], resource["id"], question)
        case "source", "generate":
            reasons = await _generating(office, subject["id"], resource["id"], question, allowance)
        case _:
            reasons = await _by_policy(office, question, allowance)
    return {"decision": True} if not reasons else {"decision": False, "context": {"reasons": reasons}}


async def _reading(office: Office, person: str, asset: str, question: Mapping[str, Any]) -> list[dict[str, Any]]:
    use_case = question.get("context", {}).get("use_case")
    for_what = use_case if isinstance(use_case, str) else None
    try:
        async with office.database.snapshot() as snapshot:
            await may_read(snapshot, UUID(asset), person, for_what, office.clock())
    except (NotFound, Forbidden, Gone) as refusal:
        return [_reason(refusal)]
    except ValueError:
        return [{"code": "not-found", "actual": "no asset has this id"}]
    return []


def _reason(refusal: MoneyerError) -> dict[str, Any]:
    return {"code": refusal.problem_code, "actual": refusal.detail}


async def _generating(
    office: Office, person: str, source: str, question: Mapping[str, Any], allowance: Allowance
) -> list[dict[str, Any]]:
    stated = question.get("context", {})
    try:
        plan = dict(stated["plan"]) | {"source_id": source}
        asked = {"run_id": str(UUID(int=0)), "requester": person, "plan": plan, "offer": stated["offer"]}
        request = DecisionRequest.model_validate(asked)
    except (KeyError, TypeError, ValueError):
        return [{"code": "context-incomplete", "actual": "the context must carry a valid plan and offer"}]
    async with office.database.snapshot() as snapshot:
        prepared = await brief(snapshot, await office.rulebook.read(snapshot), request, office.clock())
        balances = await balances_of(snapshot, prepared)
        looks = await LookStore(snapshot).taken([prepared.look])
    judged = partial(judge, prepared, balances, looks, alone=True)
    judgement = await office.bench.do(partial(allowance.spend, judged))
    assert judgement is not None
    if judgement.verdict == "review":
        return [{"code": "review.plan", "actual": "this charter has every plan voted on"}]
    return [_told_outside(asdict(clause)) for clause in judgement.clauses]


def _told_outside(clause: dict[str, Any]) -> dict[str, Any]:
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


async def _by_policy(office: Office, question: Mapping[str, Any], allowance: Allowance) -> list[dict[str, Any]]:
    kind = question["resource"]["type"]
    async with office.database.snapshot() as snapshot:
        policies = await LibraryStore(snapshot).access_policies()
    row = next((row for row in policies if row.resource_type == kind), None)
    if row is None:
        return [{"code": "no-policy", "actual": f"no access policy is set for {kind}"}]
    values = {name: dict(question.get(name, {})) for name in ("subject", "action", "resource", "context")}
    for name in ("subject", "action", "resource"):
        # So that a policy reads properties without asking first whether there are any.
        values[name].setdefault("properties", {})
    asked = partial(_ask_rule, row.expression, values)
    held, why = await office.bench.do(partial(allowance.spend, asked))
    return [] if held else [{"code": "access-policy", "policy": row.name, "actual": why}]


def _ask_rule(expression: str, values: Mapping[str, Any]) -> tuple[bool, str]:
    return compile_access_rule(expression)(values)
