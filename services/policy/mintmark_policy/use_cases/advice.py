"""Judging without deciding: drafts tried on past plans, refusals explained, other systems' questions answered.

Nothing here reserves, stores or promises anything: the gate decides when a plan is really asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from mintmark_policy.domain import gate
from mintmark_policy.domain.charter import check_document, read_charter
from mintmark_policy.domain.explanation import Suggestion, suggest
from mintmark_policy.domain.extra_rules import compile_access_rule
from mintmark_policy.domain.facts import Clause, Facts
from mintmark_policy.domain.gate.charter_rules import charter_is_in_force
from mintmark_policy.store.budgets import BudgetStore, as_account
from mintmark_policy.store.charters import CharterStore
from mintmark_policy.store.decisions import DecisionStore
from mintmark_policy.store.looks import LookStore
from mintmark_policy.store.rulebook import RulebookStore
from mintmark_policy.use_cases.decisions import judge
from mintmark_policy.use_cases.facts import Brief, brief
from mintmark_policy.use_cases.office import Office
from mintmark_policy.use_cases.releases import may_read
from mintmark_policy.use_cases.rulebook import Book
from mintmark_shared.canonical import digest
from mintmark_shared.contracts.policy import DecisionRequest
from mintmark_shared.documents import apart
from mintmark_shared.errors import Forbidden, Gone, MintmarkError, NotFound

# --- a draft on past plans ----------------------------------------------------------------


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
    count as they did.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        newest = await CharterStore(connection).newest_version(charter_id, now)
        if document is not None:
            await apart(check_document, document)
        tried = document if document is not None else newest.document
        draft = read_charter(tried, digest(tried))
        book = await office.rulebook.open(connection)
        cases = await _cases(connection, charter_id, last, requests)
        changes = [
            change
            for request, carried in cases
            if (change := await _change(connection, book, request, carried, draft, office)) is not None
        ]
    return {"charter_id": str(charter_id), "digest": draft.digest, "judged": len(cases), "changes": changes}


async def _cases(
    connection: AsyncConnection, charter_id: UUID, last: int, requests: Sequence[DecisionRequest]
) -> list[tuple[DecisionRequest, list[dict[str, Any]] | None]]:
    """Each plan with the clauses it failed when it was decided; None for one never decided."""
    if requests:
        return [(request, None) for request in requests]
    rows = await DecisionStore(connection).search(after=None, limit=last, charter_id=charter_id)
    return [(DecisionRequest.model_validate(row.request), row.document["clauses"]) for row in rows]


async def _change(
    connection: AsyncConnection,
    book: Book,
    request: DecisionRequest,
    before: list[dict[str, Any]] | None,
    draft: Any,
    office: Office,
) -> dict[str, Any] | None:
    now = office.clock()
    prepared = await brief(connection, book, request, now)
    if before is None:
        # Under a charter that never was in force nothing passes, whatever its draft says.
        asked = gate.TEXT_RULES if prepared.facts.charter is not None else (charter_is_in_force,)
        before = [asdict(clause) for clause in gate.judge(asked, prepared.facts)]
    tried = replace(prepared.facts, charter=draft, in_force_at=None)
    after = [asdict(clause) for clause in gate.judge(gate.TEXT_RULES, tried)]
    carried = [clause for clause in before if clause["code"] not in gate.TEXT_CODES]
    old, new = {clause["code"] for clause in before}, {clause["code"] for clause in (*after, *carried)}
    if old == new:
        return None
    return {
        "run_id": str(request.run_id),
        "requester": request.requester,
        "before": "deny" if old else "permit",
        "after": "deny" if new else "permit",
        "newly_failed": [clause for clause in after if clause["code"] not in old],
        "no_longer_failed": sorted(old - new),
    }


# --- a refusal explained ------------------------------------------------------------------


async def explain(office: Office, decision_id: UUID) -> dict[str, Any]:
    """What would make a decided plan pass today, and whether the changes named would do."""
    now = office.clock()
    async with office.database.transaction() as connection:
        row = await DecisionStore(connection).decision(decision_id)
        request = DecisionRequest.model_validate(row.request)
        book = await office.rulebook.open(connection)
        facts, clauses = await _judged(connection, await brief(connection, book, request, now))
        suggestions = suggest(clauses, facts)
        mended = _mended(request, suggestions)
        left: tuple[Clause, ...] = clauses
        if mended is not None and suggestions:
            _, left = await _judged(connection, await brief(connection, book, mended, now))
    return {
        "decision_id": str(decision_id),
        "verdict_now": "deny" if clauses else "permit",
        "clauses": [asdict(clause) for clause in clauses],
        "suggestions": [asdict(suggestion) for suggestion in suggestions],
        "plan": mended.plan.model_dump(mode="json") if mended is not None else None,
        "still_failing": [asdict(clause) for clause in left],
    }


async def _judged(connection: AsyncConnection, prepared: Brief) -> tuple[Facts, tuple[Clause, ...]]:
    """The gate's clauses with the balances as they are, nothing locked."""
    rows = await BudgetStore(connection).read(prepared.account_ids)
    looks = await LookStore(connection).taken([prepared.look])
    facts = prepared.with_balances({row.id: as_account(row) for row in rows}, looks)
    return facts, gate.judge(gate.GATE, facts)


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


async def evaluate(office: Office, question: Mapping[str, Any]) -> dict[str, Any]:
    """An AuthZEN 1.0 answer: whether the subject may do the action on the resource, and why not.

    Assets are decided by grants, sources by the gate (the context carries ``plan`` and ``offer``), every
    other type by the access policy set for it. What nobody decided on is denied.
    """
    subject, action, resource = question["subject"], question["action"], question["resource"]
    async with office.database.transaction() as connection:
        match resource["type"], action["name"]:
            case "asset", "read":
                reasons = await _reading(office, connection, subject["id"], resource["id"], question)
            case "source", "generate":
                reasons = await _generating(office, connection, subject["id"], resource["id"], question)
            case _:
                reasons = await _by_policy(connection, question)
    return {"decision": True} if not reasons else {"decision": False, "context": {"reasons": reasons}}


async def _reading(
    office: Office, connection: AsyncConnection, person: str, asset: str, question: Mapping[str, Any]
) -> list[dict[str, Any]]:
    use_case = question.get("context", {}).get("use_case")
    try:
        await may_read(connection, UUID(asset), person, use_case if isinstance(use_case, str) else None, office.clock())
    except (NotFound, Forbidden, Gone) as refusal:
        return [_reason(refusal)]
    except ValueError:
        return [{"code": "not-found", "actual": "no asset has this id"}]
    return []


def _reason(refusal: MintmarkError) -> dict[str, Any]:
    return {"code": refusal.problem_code, "actual": refusal.detail}


async def _generating(
    office: Office, connection: AsyncConnection, person: str, source: str, question: Mapping[str, Any]
) -> list[dict[str, Any]]:
    stated = question.get("context", {})
    try:
        plan = dict(stated["plan"]) | {"source_id": source}
        asked = {"run_id": str(UUID(int=0)), "requester": person, "plan": plan, "offer": stated["offer"]}
        request = DecisionRequest.model_validate(asked)
    except (KeyError, TypeError, ValueError):
        return [{"code": "context-incomplete", "actual": "the context must carry a valid plan and offer"}]
    book = await office.rulebook.open(connection)
    prepared = await brief(connection, book, request, office.clock())
    rows = await BudgetStore(connection).read(prepared.account_ids)
    looks = await LookStore(connection).taken([prepared.look])
    judgement = judge(prepared, {row.id: as_account(row) for row in rows}, looks, alone=True)
    assert judgement is not None
    if judgement.verdict == "review":
        return [{"code": "review.plan", "actual": "this charter has every plan voted on"}]
    return [_told_outside(asdict(clause)) for clause in judgement.clauses]


def _told_outside(clause: dict[str, Any]) -> dict[str, Any]:
    """A clause without balances: whoever may ask whether somebody may is not told how much is left."""
    if not clause["code"].startswith(("budget.", "population.", "allocation.")):
        return clause
    return clause | {
        "expected": "a budget that this fits",
        "actual": "it does not fit",
        "remedy": "ask whoever keeps the budget",
    }


async def _by_policy(connection: AsyncConnection, question: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind = question["resource"]["type"]
    row = next((row for row in await RulebookStore(connection).access_policies() if row.resource_type == kind), None)
    if row is None:
        return [{"code": "no-policy", "actual": f"no access policy is set for {kind}"}]
    values = {name: dict(question.get(name, {})) for name in ("subject", "action", "resource", "context")}
    for name in ("subject", "action", "resource"):
        # So that a policy reads properties without asking first whether there are any.
        values[name].setdefault("properties", {})
    held, why = compile_access_rule(row.expression)(values)
    return [] if held else [{"code": "access-policy", "policy": row.name, "actual": why}]
