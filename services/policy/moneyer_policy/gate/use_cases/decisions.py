"""The gate at work: plans that wait together are judged one by one and reserved in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import cost_of
from moneyer_policy.budgets.use_cases.charges import mechanism_of
from moneyer_policy.gate.documents.decisions import DecisionSearch, DecisionSummary
from moneyer_policy.gate.rules.facts import Clause
from moneyer_policy.gate.store.decisions import DecisionStore, StoredDecision
from moneyer_policy.gate.store.hot import (
    HotStore,
    KeptReply,
    ReplyRow,
)
from moneyer_policy.gate.use_cases.batch import Batch, enter
from moneyer_policy.gate.use_cases.gate_input import GateInput, read_gate_input
from moneyer_policy.gate.use_cases.group_commit import GroupCommit
from moneyer_policy.gate.use_cases.judging import Judgement, judge
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ITSELF, ChangingRules, Work
from moneyer_shared.auth import Caller
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.people import subject_named
from moneyer_shared.contracts.policy import Decision, DecisionRequest
from moneyer_shared.database import driver_connection
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, Unavailable
from moneyer_shared.idempotency import in_flight

if TYPE_CHECKING:
    from moneyer_policy.dependencies import Dependencies

PERMITS = "policy:decisions:write"
"""Who may ask for decisions, and so may redeem what they permit."""


@dataclass(frozen=True)
class Ask:
    """One request for a decision, by whom and under which key."""

    request: DecisionRequest
    by: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Answer:
    """A decision as it goes over the wire, already written."""

    text: str
    decision_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Location": f"/v1/decisions/{self.decision_id}"}


@dataclass(frozen=True)
class NeedsTurn:
    """The answer to a plan that needs a waiver or a review: those change the rules, so they go by themselves."""


Given = Answer | NeedsTurn | MoneyerError
Plans = GroupCommit[Ask, Given]
"""Where plans wait to be decided together."""


async def decide(dependencies: "Dependencies", request: DecisionRequest, *, by: str, key: str) -> Answer:
    """Judge a plan. The answer is stored as it stands, whatever it is.

    Raises:
        Conflict: the run has been decided on, or the first request with this key is under way.
        Invalid: the key was used for another request, or the mechanism cannot be accounted for.
    """
    cost_of(mechanism_of(request.offer.mechanism))
    ask = Ask(request, by, key, digest(request.model_dump_json()))
    answer = await dependencies.plans.submit(ask, partial(decide_together, dependencies))
    if isinstance(answer, NeedsTurn):
        (answer,) = await _decide_batch(dependencies, [ask], alone=True)
    if isinstance(answer, MoneyerError):
        raise answer
    assert isinstance(answer, Answer)
    return answer


async def decide_together(dependencies: "Dependencies", asks: Sequence[Ask]) -> list[Given | Exception]:
    """One answer each; what goes wrong with one of a batch sends everybody through again alone."""
    try:
        return [*await _decide_batch(dependencies, asks, alone=False)]
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 (handed to its asker, who raises it)
        if len(asks) == 1:
            return [error]
        return [answer for ask in asks for answer in await decide_together(dependencies, [ask])]


async def _decide_batch(dependencies: "Dependencies", asks: Sequence[Ask], *, alone: bool) -> list[Given]:
    async with dependencies.begin(ChangingRules if alone else Work, ITSELF) as work:
        rulebook = dependencies.rulebook
        rules = await (rulebook.private(work.connection) if alone else rulebook.open(work.connection))
        hot = HotStore(await driver_connection(work.connection))
        known = await _already_answered(hot, asks)
        waiting = {
            number: await read_gate_input(work.connection, rules, ask.request, work.now)
            for number, ask in enumerate(asks)
            if known[number] is None
        }
        batch = await Batch.lock(work, hot, waiting.values())
        answers = [
            answer if answer is not None else await _decide_one(batch, asks[number], waiting[number], alone=alone)
            for number, answer in enumerate(known)
        ]
        await batch.write()
    rules.mechanisms.update(row.digest for row in batch.rows.mechanisms)
    return answers


async def _already_answered(hot: HotStore, asks: Sequence[Ask]) -> list[Given | None]:
    """The stored reply, an error, or None for what is to be decided now."""
    known = await hot.known([(ask.by, ask.key) for ask in asks])
    decided = await hot.decided([ask.request.run_id for ask in asks])
    seen: set[tuple[str, str]] = set()
    answers: list[Given | None] = []
    for ask in asks:
        pair = (ask.by, ask.key)
        answers.append(_stored(ask, known[pair]) if pair in known else _refused(ask, pair in seen, decided))
        seen.add(pair)
        if answers[-1] is None:
            decided.add(ask.request.run_id)
    return answers


def _stored(ask: Ask, reply: KeptReply | None) -> Given:
    if reply is None:
        return in_flight()
    if reply.fingerprint != ask.fingerprint:
        return Invalid(
            "This Idempotency-Key was used for another request; choose a new one.", code="idempotency-key-reused"
        )
    return Answer(reply.body, json.loads(reply.body)["id"])


def _refused(ask: Ask, under_way: bool, decided: set[UUID]) -> MoneyerError | None:
    if under_way:
        return in_flight()
    if ask.request.run_id in decided:
        return Conflict("This run has been decided on; a new plan needs a new run.", code="run-decided")
    return None


async def _decide_one(batch: Batch, ask: Ask, prepared: GateInput, *, alone: bool) -> Given:
    judgement = judge(prepared, batch.accounts, batch.looks.taken, alone=alone)
    if judgement is None:
        return NeedsTurn()
    review_id = await _open_review(batch.work, ask.request, prepared) if judgement.verdict == "review" else None
    decision = await enter(batch, ask.request, prepared, judgement, review_id=review_id)
    answer = Answer(decision.model_dump_json(), str(decision.id))
    headers = json.dumps(answer.headers)
    batch.rows.replies.append(ReplyRow(ask.by, ask.key, ask.fingerprint, 201, answer.text, headers, batch.work.now))
    return answer


async def _open_review(work: Work, request: DecisionRequest, prepared: GateInput) -> UUID:
    """Put a plan up for votes, in the name of who asks for it."""
    assert prepared.version is not None
    matter = reviews.Matter(
        kind="plan",
        subject=f"run:{request.run_id}",
        document=request.model_dump(mode="json"),
        charter_id=request.plan.charter_id,
        quorum=prepared.version.charter.quorum_for("plan"),
    )
    asker = Caller(request.requester, request.requester, frozenset())
    return await reviews.open_review(replace(work, caller=asker), matter)


async def conclude(decided: Decided) -> dict[str, str]:
    """A reviewed plan is judged once more as things stand now, and permitted if nothing has come in between."""
    work = decided.work
    request = DecisionRequest.model_validate(decided.row.document)
    rules = await work.dependencies.rulebook.private(work.connection)
    prepared = await read_gate_input(work.connection, rules, request, work.now)
    batch = await Batch.lock(work, HotStore(await driver_connection(work.connection)), [prepared])
    judgement = judge(prepared, batch.accounts, batch.looks.taken, alone=True, reviewed=True)
    assert judgement is not None
    if not decided.approved:
        clause = Clause("review.plan", "an approved review", f"the review is {decided.state}", "plan anew")
        judgement = Judgement("deny", (clause, *judgement.clauses))
    decision = await enter(batch, request, prepared, judgement, round_=1, review_id=decided.row.id)
    await batch.write()
    return {"decision_id": str(decision.id), "verdict": decision.verdict}


# --- what was decided -----------------------------------------------------------------------


async def get_decision(work: Work, decision_id: UUID) -> Decision:
    """Raises NotFound: there is no such decision."""
    return (await DecisionStore(work.connection).read(decision_id)).document


async def search_decisions(work: Work, wanted: DecisionSearch) -> list[DecisionSummary]:
    asked = wanted.model_copy(update={"requester": subject_named(wanted.requester, work.by)})
    return [_summary(found) for found in await DecisionStore(work.connection).search(asked)]


def _summary(found: StoredDecision) -> DecisionSummary:
    document = found.document.model_copy(update={"id": found.id})
    return DecisionSummary(requester=found.requester, charter_id=found.charter_id, **dict(document))


async def get_run_decision(work: Work, run_id: UUID) -> Decision:
    """What was decided on a run last; its permit is shown only to a service that may ask for decisions.

    Raises:
        NotFound: nothing was decided on this run.
    """
    store = DecisionStore(work.connection)
    decision = (await store.last(run_id)).document
    if PERMITS not in work.caller.scopes or decision.verdict != "permit":
        return decision
    permit = work.dependencies.signer.permit(await store.permit_of_run(run_id))
    return decision.model_copy(update={"permit": permit})
