"""Judging without deciding: drafts tried on past plans, refusals explained, other systems' questions answered.

Nothing here reserves, stores or promises anything: the gate decides when a plan is really asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.domain import gate
from moneyer_policy.domain.accounting import Account
from moneyer_policy.domain.charter import Charter, check_document, read_charter
from moneyer_policy.domain.explanation import suggest
from moneyer_policy.domain.extra_rules import compile_access_rule
from moneyer_policy.domain.facts import Clause, Facts
from moneyer_policy.domain.gate.charter_rules import charter_is_in_force
from moneyer_policy.domain.gate.rule import Suggestion
from moneyer_policy.store.budgets import BudgetStore, as_account
from moneyer_policy.store.charters import CharterStore
from moneyer_policy.store.decisions import DecisionStore
from moneyer_policy.store.looks import LookStore
from moneyer_policy.store.rulebook import RulebookStore
from moneyer_policy.use_cases.bench import Allowance
from moneyer_policy.use_cases.decisions import judge
from moneyer_policy.use_cases.facts import Brief, brief
from moneyer_policy.use_cases.office import Office
from moneyer_policy.use_cases.releases import may_read
from moneyer_policy.use_cases.rulebook import Book
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.errors import Forbidden, Gone, Invalid, MoneyerError, NotFound

# --- a draft on past plans ----------------------------------------------------------------

MOST_EVALUATIONS = 20_000
"""Rules times plans of one dry run."""


@dataclass(frozen=True)
class _Case:
    """A plan to try a draft on, and the clauses it failed when it was decided; None for one never decided."""

    request: DecisionRequest
    facts: Facts
    failed: list[dict[str, Any]] | None


async def dry_run(
    office: Office,
    charter_id: UUID,
    *,
    document: Mapping[str, Any] | None,
    last: int,
    requests: Sequence[DecisionRequest],
) -> dict[str, Any]:
    """Every verdict that would change if a draft were in force, and why.

    The draft is ``document``, or else the newest version. Plans are the last decided under the charter,
    or those given. Only what a charter's text decides is judged anew; budgets, keys and assessments
    count as they did. It is read as things stand at one moment and worked out aside: no plan waits for it, and no
    stop. What its time does not suffice for is left out, and said to be.

    Raises:
        Invalid: the draft is none, or there is more to try than may be at once.
        TooMany: too much advice is asked for already.
    """
    now = office.clock()
    async with office.database.snapshot() as snapshot:
        newest = await CharterStore(snapshot).newest_version(charter_id, now)
        book = await office.rulebook.read(snapshot)
        cases = await _cases(snapshot, book, charter_id, last, requests, now)
    draft = await office.bench.do(partial(_read_draft, newest.document if document is None else document, document))
    _check_work(draft, cases)
    tried, changes = await office.bench.do(partial(_try, draft, cases, Allowance()))
    return {
        "charter_id": str(charter_id),
        "digest": draft.digest,
        "judged": tried,
        "complete": tried == len(cases),
        "changes": changes,
    }


def _read_draft(tried: Mapping[str, Any], given: Mapping[str, Any] | None) -> Charter:
    if given is not None:
        check_document(given)
    return read_charter(tried, digest(tried))


def _check_work(draft: Charter, cases: Sequence[_Case]) -> None:
    """That rules times plans are no more than may be tried at once.

    Raises:
        Invalid: they are more.
    """
    rules = sum(len(draft.extra_rules) + _rules_of(case) for case in cases)
    if rules > MOST_EVALUATIONS:
        raise Invalid(
            f"{len(cases)} plans are {rules} evaluations of a rule, and one dry run makes at most {MOST_EVALUATIONS}; "
            f"try {MOST_EVALUATIONS * len(cases) // rules} plans at once.",
            code="too-much-work",
        )


def _rules_of(case: _Case) -> int:
    """How many rules say what becomes of a plan without the draft; none where that was decided."""
    return len(case.facts.charter.extra_rules) if case.failed is None and case.facts.charter else 0


async def _cases(
    snapshot: AsyncConnection,
    book: Book,
    charter_id: UUID,
    last: int,
    requests: Sequence[DecisionRequest],
    now: datetime,
) -> list[_Case]:
    asked: list[tuple[DecisionRequest, list[dict[str, Any]] | None]] = [(request, None) for request in requests]
    if not requests:
        rows = await DecisionStore(snapshot).search(limit=last, charter_id=charter_id)
        asked = [(DecisionRequest.model_validate(row.request), row.document["clauses"]) for row in rows]
    return [_Case(request, (await brief(snapshot, book, request, now)).facts, failed) for request, failed in asked]


def _try(draft: Charter, cases: Sequence[_Case], allowance: Allowance) -> tuple[int, list[dict[str, Any]]]:
    """How many plans the draft was tried on, and the verdicts that would change."""
    tried, changes = 0, list[dict[str, Any]]()
    for case in cases:
        if allowance.is_spent:
            break
        change = allowance.spend(partial(_change, case, draft))
        tried += 1
        if change is not None:
            changes.append(change)
    return tried, changes


def _change(case: _Case, draft: Charter) -> dict[str, Any] | None:
    before = case.failed
    if before is None:
        # Under a charter that never was in force nothing passes, whatever its draft says.
        asked = gate.TEXT_RULES if case.facts.charter is not None else (charter_is_in_force,)
        before = [asdict(clause) for clause in gate.judge(asked, case.facts)]
    tried = replace(case.facts, charter=draft, in_force_at=None)
    after = [asdict(clause) for clause in gate.judge(gate.TEXT_RULES, tried)]
    carried = [clause for clause in before if clause["code"] not in gate.TEXT_CODES]
    old, new = {clause["code"] for clause in before}, {clause["code"] for clause in (*after, *carried)}
    if old == new:
        return None
    return {
        "run_id": str(case.request.run_id),
        "requester": case.request.requester,
        "before": "deny" if old else "permit",
        "after": "deny" if new else "permit",
        "newly_failed": [clause for clause in after if clause["code"] not in old],
        "no_longer_failed": sorted(old - new),
    }


# --- a refusal explained ------------------------------------------------------------------


async def explain(office: Office, decision_id: UUID) -> dict[str, Any]:
    """What would make a decided plan pass today, and whether the changes named would do."""
    now = office.clock()
    async with office.database.snapshot() as snapshot:
        row = await DecisionStore(snapshot).decision(decision_id)
        request = DecisionRequest.model_validate(row.request)
        facts = await _facts(office, snapshot, request, now)
    clauses = await office.bench.do(partial(gate.judge, gate.GATE, facts))
    suggestions = suggest(clauses, facts)
    mended = _mended(request, [change for _, change in suggestions])
    left: tuple[Clause, ...] = clauses
    if mended is not None and suggestions:
        async with office.database.snapshot() as snapshot:
            facts = await _facts(office, snapshot, mended, now)
        left = await office.bench.do(partial(gate.judge, gate.GATE, facts))
    return {
        "decision_id": str(decision_id),
        "verdict_now": "deny" if clauses else "permit",
        "clauses": [asdict(clause) for clause in clauses],
        "suggestions": [{"code": code} | asdict(change) for code, change in suggestions],
        "plan": mended.plan.model_dump(mode="json") if mended is not None else None,
        "still_failing": [asdict(clause) for clause in left],
    }


async def _facts(office: Office, snapshot: AsyncConnection, request: DecisionRequest, now: datetime) -> Facts:
    """What the gate would look at, with the balances as they are, nothing locked."""
    prepared = await brief(snapshot, await office.rulebook.read(snapshot), request, now)
    looks = await LookStore(snapshot).taken([prepared.look])
    return prepared.with_balances(await _balances(snapshot, prepared), looks)


async def _balances(snapshot: AsyncConnection, prepared: Brief) -> dict[UUID, Account]:
    return {row.id: as_account(row) for row in await BudgetStore(snapshot).read(prepared.account_ids)}


def _mended(request: DecisionRequest, suggestions: Sequence[Suggestion]) -> DecisionRequest | None:
    """The plan with every suggested change made; None where they make no valid plan."""
    plan = request.plan.model_dump(mode="json")
    for suggestion in suggestions:
        head, _, name = suggestion.path.partition(".")
        if head == "parameters" and suggestion.value is None:
            plan["parameters"].pop(name, None)
        elif head == "parameters":
            plan["parameters"][name] = suggestion.value
        elif head in plan:
            plan[head] = suggestion.value
    try:
        return DecisionRequest.model_validate(request.model_dump(mode="json") | {"plan": plan})
    except ValidationError:
        return None


# --- AuthZEN ------------------------------------------------------------------------------


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
        balances = await _balances(snapshot, prepared)
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
        policies = await RulebookStore(snapshot).access_policies()
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
