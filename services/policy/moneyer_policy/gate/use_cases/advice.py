"""Judging without deciding: drafts tried on past plans, refusals explained.

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

from moneyer_policy.budgets.rules.accounting import Account
from moneyer_policy.budgets.store import BudgetStore, as_account
from moneyer_policy.charters.rules.charter import Charter, check_document, read_charter
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.explanation import suggest
from moneyer_policy.gate.rules.facts import Clause, Facts
from moneyer_policy.gate.rules.gate.charter_rules import charter_is_in_force
from moneyer_policy.gate.rules.gate.rule import Suggestion
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.store.looks import LookStore
from moneyer_policy.gate.use_cases.bench import Allowance
from moneyer_policy.gate.use_cases.facts import Brief, brief
from moneyer_policy.gate.use_cases.office import Office
from moneyer_policy.gate.use_cases.rulebook import Book
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.errors import Invalid

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
    return prepared.with_balances(await balances_of(snapshot, prepared), looks)


async def balances_of(snapshot: AsyncConnection, prepared: Brief) -> dict[UUID, Account]:
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
