"""A refusal explained: what would make a plan pass today. Nothing here reserves, stores or promises anything."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from pydantic import ValidationError

from moneyer_policy.gate.documents.decisions import Explanation, Suggestion
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.explanation import suggest
from moneyer_policy.gate.rules.facts import Facts
from moneyer_policy.gate.rules.gate import rule
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.store.looks import LookStore
from moneyer_policy.gate.use_cases.gate_input import balances_of, read_gate_input
from moneyer_policy.work import Flow, Snapshot
from moneyer_shared.contracts.policy import Clause, DecisionRequest


async def explain_decision(flow: Flow, decision_id: UUID) -> Explanation:
    """What would make a decided plan pass today, and whether the changes named would do.

    Raises:
        NotFound: there is no such decision.
        TooMany: too many such questions are being worked out already.
    """
    threads = flow.dependencies.threads
    async with flow.begin(Snapshot) as work:
        request = (await DecisionStore(work.connection).read(decision_id)).request
        facts = await _facts(work, request)
    clauses = await threads.do(partial(gate.judge, gate.GATE, facts))
    suggestions = suggest(clauses, facts)
    mended, left = _mended(request, [change for _, change in suggestions]), clauses
    if mended is not None and suggestions:
        async with flow.begin(Snapshot) as work:
            facts = await _facts(work, mended)
        left = await threads.do(partial(gate.judge, gate.GATE, facts))
    return Explanation(
        decision_id=decision_id,
        verdict_now="deny" if clauses else "permit",
        clauses=[Clause.model_validate(clause) for clause in clauses],
        suggestions=[
            Suggestion(code=code, path=change.path, value=change.value, choices=list(change.choices))
            for code, change in suggestions
        ],
        plan=mended.plan.model_dump(mode="json") if mended is not None else None,
        still_failing=[Clause.model_validate(clause) for clause in left],
    )


async def _facts(work: Snapshot, request: DecisionRequest) -> Facts:
    """What the gate would look at, with the balances as they are, nothing locked."""
    rules = await work.dependencies.rulebook.read(work.connection)
    prepared = await read_gate_input(work.connection, rules, request, work.now)
    looks = await LookStore(work.connection).taken([prepared.look])
    return prepared.with_balances(await balances_of(work.connection, prepared), looks)


def _mended(request: DecisionRequest, suggestions: Sequence[rule.Suggestion]) -> DecisionRequest | None:
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
