"""A draft tried on past plans. Nothing here reserves, stores or promises anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from moneyer_policy.charters.rules.charter import Charter, check_document, read_charter
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.gate.documents.decisions import DecisionSearch
from moneyer_policy.gate.documents.dry_run import ChangedVerdict, DryRun, DryRunResult
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.facts import Facts
from moneyer_policy.gate.rules.gate.charter_rules import charter_is_in_force
from moneyer_policy.gate.rules.gate.rule import Asked
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.use_cases.gate_input import read_gate_input
from moneyer_policy.gate.use_cases.worker_threads import Allowance
from moneyer_policy.work import Flow, Snapshot
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import Clause, DecisionRequest
from moneyer_shared.errors import Invalid

MOST_EVALUATIONS = 20_000
"""Rules times plans of one dry run."""


@dataclass(frozen=True)
class _Case:
    """A plan to try a draft on, and the clauses it failed when it was decided; None for one never decided."""

    request: DecisionRequest
    facts: Facts
    failed: Sequence[Clause] | None


async def dry_run_charter(flow: Flow, charter_id: UUID, asked: DryRun) -> DryRunResult:
    """Every verdict that would change if a draft were in force, and why.

    The draft is the ``document`` asked about, or else the newest version. Plans are the last decided under the
    charter, or those given. Only what a charter's text decides is judged anew; budgets, keys and assessments
    count as they did. It is read as things stand at one moment and worked out aside: no plan waits for it, and no
    stop. What its time does not suffice for is left out, and said to be.

    Raises:
        NotFound: there is no such charter.
        Invalid: the draft is none, or there is more to try than may be at once.
        TooMany: too many such questions are being worked out already.
    """
    threads = flow.dependencies.threads
    async with flow.begin(Snapshot) as work:
        newest = await CharterStore(work.connection).newest_version(charter_id, work.now)
        cases = await _cases(work, charter_id, asked)
    draft = await threads.do(partial(_read_draft, newest.document, asked.document))
    _check_work(draft, cases)
    tried, changes = await threads.do(partial(_try, draft, cases, Allowance()))
    return DryRunResult(
        charter_id=charter_id, digest=draft.digest, judged=tried, complete=tried == len(cases), changes=changes
    )


def _read_draft(newest: Mapping[str, Any], given: Mapping[str, Any] | None) -> Charter:
    if given is not None:
        check_document(given)
    tried = newest if given is None else given
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


async def _cases(work: Snapshot, charter_id: UUID, asked: DryRun) -> list[_Case]:
    rules = await work.dependencies.rulebook.read(work.connection)
    plans: list[tuple[DecisionRequest, Sequence[Clause] | None]] = [(request, None) for request in asked.requests]
    if not plans:
        found = await DecisionStore(work.connection).search(DecisionSearch(charter=charter_id), limit=asked.last)
        plans = [(decided.request, decided.document.clauses) for decided in found]
    return [
        _Case(request, (await read_gate_input(work.connection, rules, request, work.now)).facts, failed)
        for request, failed in plans
    ]


def _try(draft: Charter, cases: Sequence[_Case], allowance: Allowance) -> tuple[int, list[ChangedVerdict]]:
    """How many plans the draft was tried on, and the verdicts that would change."""
    tried, changes = 0, list[ChangedVerdict]()
    for case in cases:
        if allowance.is_spent:
            break
        change = allowance.spend(partial(_change, case, draft))
        tried += 1
        if change is not None:
            changes.append(change)
    return tried, changes


def _change(case: _Case, draft: Charter) -> ChangedVerdict | None:
    before = case.failed
    if before is None:
        # Under a charter that never was in force nothing passes, whatever its draft says.
        before = _judged(gate.TEXT_RULES if case.facts.charter is not None else (charter_is_in_force,), case.facts)
    after = _judged(gate.TEXT_RULES, replace(case.facts, charter=draft, in_force_at=None))
    carried = [clause for clause in before if clause.code not in gate.TEXT_CODES]
    old, new = {clause.code for clause in before}, {clause.code for clause in (*after, *carried)}
    if old == new:
        return None
    return ChangedVerdict(
        run_id=case.request.run_id,
        requester=case.request.requester,
        before="deny" if old else "permit",
        after="deny" if new else "permit",
        newly_failed=[clause for clause in after if clause.code not in old],
        no_longer_failed=sorted(old - new),
    )


def _judged(rules: Sequence[Asked], facts: Facts) -> list[Clause]:
    return [Clause.model_validate(clause) for clause in gate.judge(rules, facts)]
