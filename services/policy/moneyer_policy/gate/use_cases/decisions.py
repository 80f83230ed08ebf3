"""The gate at work: plans that wait together are judged one by one and reserved in one transaction."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import Account, cost_of
from moneyer_policy.budgets.use_cases.charges import known_as, mechanism_of, movement
from moneyer_policy.gate.documents.decisions import DecisionSearch, DecisionSummary
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.facts import Clause
from moneyer_policy.gate.rules.waiver import WaiverInEffect, waive
from moneyer_policy.gate.store.decisions import DecisionStore, StoredDecision
from moneyer_policy.gate.store.hot import (
    AuditRow,
    DecisionRow,
    HotStore,
    KeptReply,
    LedgerRow,
    OutboxRow,
    PermitRow,
    ReplyRow,
    Rows,
    array,
    mechanism_row,
    text_array,
)
from moneyer_policy.gate.store.looks import Pair
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.gate.use_cases.gate_input import GateInput, read_gate_input
from moneyer_policy.gate.use_cases.group_commit import GroupCommit
from moneyer_policy.gate.use_cases.looks import Looks
from moneyer_policy.gate.use_cases.reservations import return_expired
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import HOUSE, ChangingRules, Work
from moneyer_shared.auth import Caller
from moneyer_shared.canonical import digest
from moneyer_shared.contracts import policy as contract
from moneyer_shared.contracts.events import Action, DecisionFacet, job_of_runs, run_event
from moneyer_shared.contracts.policy import Decision, DecisionRequest, Permit, Waived
from moneyer_shared.database import driver_connection
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent, sealed_leaf
from moneyer_shared.leaves import Word

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
class Judgement:
    """What the gate made of one plan."""

    verdict: Literal["permit", "deny", "review"]
    clauses: tuple[Clause, ...]
    waived: tuple[tuple[Clause, WaiverInEffect], ...] = ()


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
    async with dependencies.begin(ChangingRules if alone else Work, HOUSE) as work:
        rulebook = dependencies.rulebook
        rules = await (rulebook.private(work.connection) if alone else rulebook.open(work.connection))
        hot = HotStore(await driver_connection(work.connection))
        known = await _already_answered(hot, asks)
        waiting = {
            number: await read_gate_input(work.connection, rules, ask.request, work.now)
            for number, ask in enumerate(asks)
            if known[number] is None
        }
        batch = await _Batch.lock(work, hot, waiting.values())
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
        return _in_flight()
    if reply.fingerprint != ask.fingerprint:
        return Invalid(
            "This Idempotency-Key was used for another request; choose a new one.", code="idempotency-key-reused"
        )
    return Answer(reply.body, json.loads(reply.body)["id"])


def _refused(ask: Ask, under_way: bool, decided: set[UUID]) -> MoneyerError | None:
    if under_way:
        return _in_flight()
    if ask.request.run_id in decided:
        return Conflict("This run has been decided on; a new plan needs a new run.", code="run-decided")
    return None


def _in_flight() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key is still under way; ask again shortly.",
        code="idempotency-key-in-flight",
        headers={"Retry-After": "1"},
    )


@dataclass
class _Batch:
    """Plans decided in one transaction: what they are paid from, locked, and what is to be written of them."""

    work: Work
    hot: HotStore
    accounts: dict[UUID, Account]
    looks: Looks
    held: set[UUID] = field(default_factory=set[UUID])
    """Accounts that something was set aside on."""
    rows: Rows = field(default_factory=Rows)

    @classmethod
    async def lock(cls, work: Work, hot: HotStore, inputs: Iterable[GateInput]) -> "_Batch":
        """With the accounts of all plans, after what expired unredeemed on them has returned; looks come after."""
        inputs = list(inputs)
        wanted = {key for prepared in inputs for key in prepared.account_ids}
        accounts = await hot.lock(wanted) if wanted else {}
        if wanted and await hot.has_expired(work.now, wanted):
            await return_expired(work, list(wanted))
            accounts = await hot.lock(wanted)
        return cls(work, hot, accounts, await Looks.lock(work.connection, inputs))

    async def write(self) -> None:
        await self.hot.hold({key: self.accounts[key] for key in self.held})
        await self.hot.write(self.rows)
        await self.looks.write()


async def _decide_one(batch: _Batch, ask: Ask, prepared: GateInput, *, alone: bool) -> Given:
    judgement = judge(prepared, batch.accounts, batch.looks.taken, alone=alone)
    if judgement is None:
        return NeedsTurn()
    review_id = await _open_review(batch.work, ask.request, prepared) if judgement.verdict == "review" else None
    decision = await _enter(batch, ask.request, prepared, judgement, review_id=review_id)
    answer = Answer(decision.model_dump_json(), str(decision.id))
    headers = json.dumps(answer.headers)
    batch.rows.replies.append(ReplyRow(ask.by, ask.key, ask.fingerprint, 201, answer.text, headers, batch.work.now))
    return answer


def judge(
    prepared: GateInput,
    accounts: Mapping[UUID, Account],
    looks: Mapping[Pair, int],
    *,
    alone: bool,
    reviewed: bool = False,
) -> Judgement | None:
    """The gate's verdict with waivers applied; None where that needs a transaction of its own."""
    facts = prepared.with_balances(accounts, looks)
    clauses = gate.judge(gate.GATE, facts)
    needs_review = not reviewed and prepared.version is not None and "plan" in prepared.version.charter.reviews
    if not alone and ((clauses and prepared.waivers) or (not clauses and needs_review)):
        return None
    clauses, waived = waive(
        clauses,
        prepared.waivers,
        prepared.closed,
        requester=facts.requester,
        use_case=facts.plan.use_case,
        now=facts.now,
        since=facts.in_force_at,
    )
    return Judgement("deny" if clauses else "review" if needs_review else "permit", clauses, waived)


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


async def _enter(
    batch: _Batch,
    request: DecisionRequest,
    prepared: GateInput,
    judgement: Judgement,
    *,
    round_: int = 0,
    review_id: UUID | None = None,
) -> Decision:
    """Enter a decision with all that follows from it into the batch; it has its permit where there is one."""
    rows, now = batch.rows, batch.work.now
    charter = prepared.facts.charter
    decision = Decision(
        id=uuid.uuid4(),
        run_id=request.run_id,
        round=round_,
        verdict=judgement.verdict,
        clauses=[contract.Clause.model_validate(clause) for clause in judgement.clauses],
        waived=[
            Waived.model_validate({"code": clause.code, "waiver_id": waiver.id, "kind": waiver.kind})
            for clause, waiver in judgement.waived
        ],
        review_id=review_id,
        plan_digest=digest(request.plan.model_dump(mode="json")),
        charter_digest=charter.digest if charter is not None else None,
        decided_at=now,
    )
    kept = decision.model_dump(mode="json", exclude={"permit"})
    failed = [clause.code for clause in judgement.clauses]
    rows.decisions.append(
        DecisionRow(
            decision.id, request.run_id, round_, request.plan.charter_id, request.requester, decision.verdict,
            text_array(failed), decision.model_dump_json(exclude={"permit"}), request.model_dump_json(), now,
        )
    )  # fmt: skip
    moved: dict[str, Any] = {}
    if decision.verdict == "permit":
        decision = decision.model_copy(update={"permit": _reserve(batch, request, prepared, decision)})
        cost = prepared.facts.cost
        moved = {"reserve": movement("reserve", prepared.account_ids, prepared.mechanism, cost, now)}
    await _use_up(batch.work, judgement, decision.id)
    _journal(batch, request, kept, failed, moved)
    return decision


def _reserve(batch: _Batch, request: DecisionRequest, prepared: GateInput, decision: Decision) -> Permit:
    """Set the cost aside on every account the source touches, and sign the permit."""
    rows, now, dependencies = batch.rows, batch.work.now, batch.work.dependencies
    cost, permit_id, expires_at = prepared.facts.cost, uuid.uuid4(), now + dependencies.permit_lifetime
    for key in prepared.account_ids:
        batch.accounts[key] = batch.accounts[key].holding(cost)
        batch.held.add(key)
        rows.ledger.append(LedgerRow(key, permit_id, prepared.mechanism, now))
    batch.looks.take(prepared, permit_id, request.run_id, now)
    if not prepared.is_written:
        _, document = known_as(mechanism_of(request.offer.mechanism))
        rows.mechanisms.append(mechanism_row(prepared.mechanism, document, cost))
    permit = PermitRow(
        permit_id, decision.id, request.run_id, request.requester, decision.plan_digest, decision.charter_digest,
        request.plan.charter_id, array(prepared.account_ids), prepared.mechanism, request.offer.source_key_id, now,
        expires_at,
    )  # fmt: skip
    rows.permits.append(permit)
    return dependencies.signer.permit(permit)


async def _use_up(work: Work, judgement: Judgement, decision_id: UUID) -> None:
    """An exception for a single use is used by the plan that passes because of it."""
    if judgement.verdict != "permit":
        return
    for waiver in {waiver for _, waiver in judgement.waived if waiver.single_use}:
        await WaiverStore(work.connection).change(UUID(waiver.id), used_by=decision_id)


def _journal(
    batch: _Batch, request: DecisionRequest, decision: Mapping[str, Any], failed: Sequence[str], moved: dict[str, Any]
) -> None:
    """Tell of a decision as it is kept (``decision``), and of what was set aside for it (``moved``)."""
    now, rows = batch.work.now, batch.rows
    asked = request.model_dump(mode="json", include={"requester", "plan", "offer"})
    event = AuditEvent(
        request.requester,
        Action.PLAN_DECIDE,
        f"run:{request.run_id}",
        decision["verdict"],
        {"decision": decision["id"], "plan_digest": decision["plan_digest"], "failed": [Word(code) for code in failed],
         "charter_digest": decision["charter_digest"], "waived": [one["waiver_id"] for one in decision["waived"]]},
        shown={"request": asked, "decision": decision, **moved},
    )  # fmt: skip
    facet = {name: value for name, value in decision.items() if name != "clauses"} | {"failed": failed}
    lineage = run_event(
        at=now,
        # A denied plan has ended: nothing more is told of its run.
        event_type="ABORT" if decision["verdict"] == "deny" else "OTHER",
        run_id=str(request.run_id),
        job=job_of_runs(vars(request.plan)),
        facets=[DecisionFacet.model_validate(facet)],
    )
    salt, leaf = sealed_leaf(journal.service, now, event, lineage=[lineage])
    sealed = json.dumps(leaf)
    rows.audit.append(AuditRow(UUID(leaf["id"]), now, event.actor, salt, sealed))
    rows.outbox.append(OutboxRow(now, "audit", sealed))
    rows.outbox.append(OutboxRow(now, "openlineage", json.dumps(lineage)))


async def conclude(decided: Decided) -> dict[str, str]:
    """A reviewed plan is judged once more as things stand now, and permitted if nothing has come in between."""
    work = decided.work
    request = DecisionRequest.model_validate(decided.row.document)
    rules = await work.dependencies.rulebook.private(work.connection)
    prepared = await read_gate_input(work.connection, rules, request, work.now)
    batch = await _Batch.lock(work, HotStore(await driver_connection(work.connection)), [prepared])
    judgement = judge(prepared, batch.accounts, batch.looks.taken, alone=True, reviewed=True)
    assert judgement is not None
    if not decided.approved:
        clause = Clause("review.plan", "an approved review", f"the review is {decided.state}", "plan anew")
        judgement = Judgement("deny", (clause, *judgement.clauses))
    decision = await _enter(batch, request, prepared, judgement, round_=1, review_id=decided.row.id)
    await batch.write()
    return {"decision_id": str(decision.id), "verdict": decision.verdict}


# --- what was decided -----------------------------------------------------------------------


async def get_decision(work: Work, decision_id: UUID) -> Decision:
    """Raises NotFound: there is no such decision."""
    return (await DecisionStore(work.connection).read(decision_id)).document


async def search_decisions(work: Work, wanted: DecisionSearch) -> list[DecisionSummary]:
    return [_summary(found) for found in await DecisionStore(work.connection).search(wanted)]


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
