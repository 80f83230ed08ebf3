"""The gate at work: plans that wait together are judged one by one and reserved in one transaction."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.budgets.rules.accounting import Account, cost_of
from moneyer_policy.budgets.use_cases.charges import known_as, mechanism_of, movement
from moneyer_policy.gate.rules import gate
from moneyer_policy.gate.rules.facts import Clause
from moneyer_policy.gate.rules.waiver import WaiverInEffect, waive
from moneyer_policy.gate.store.decisions import DecisionStore
from moneyer_policy.gate.store.hot import HotStore, Rows, array, mechanism_row, text_array
from moneyer_policy.gate.store.looks import Pair
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.gate.use_cases.facts import Brief, brief
from moneyer_policy.gate.use_cases.looks import Looks
from moneyer_policy.gate.use_cases.office import Office
from moneyer_policy.gate.use_cases.reservations import return_expired_on
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.database import driver_connection
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent, job_of_runs, openlineage_event, sealed_leaf
from moneyer_shared.leaves import Word


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

    verdict: str
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


ALONE = object()
"""The answer to a plan that needs a waiver or a review: those change the rules, so they go by themselves."""


async def decide(office: Office, request: DecisionRequest, *, by: str, key: str) -> Answer:
    """Judge a plan. The answer is stored as it stands, whatever it is.

    Raises:
        Conflict: the run has been decided on, or the first request with this key is under way.
        Invalid: the key was used for another request, or the mechanism cannot be accounted for.
    """
    cost_of(mechanism_of(request.offer.mechanism))
    ask = Ask(request, by, key, digest(request.model_dump_json()))
    answer = await office.lane.submit(ask, partial(decide_together, office))
    if answer is ALONE:
        (answer,) = await _decide_batch(office, [ask], alone=True)
    if isinstance(answer, MoneyerError):
        raise answer
    found: Answer = answer
    return found


async def decide_together(office: Office, asks: Sequence[Ask]) -> list[Any]:
    """One answer each; what goes wrong with one of a batch sends everybody through again alone."""
    try:
        return await _decide_batch(office, asks, alone=False)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 (handed to its asker, who raises it)
        if len(asks) == 1:
            return [error]
        return [answer for ask in asks for answer in await decide_together(office, [ask])]


async def _decide_batch(office: Office, asks: Sequence[Ask], *, alone: bool) -> list[Any]:
    now = office.clock()
    rows = Rows.none()
    async with office.changing() if alone else office.database.transaction() as connection:
        book = await (office.rulebook.private(connection) if alone else office.rulebook.open(connection))
        hot = HotStore(await driver_connection(connection))
        answers = await _already_answered(hot, asks)
        briefs = {
            number: await brief(connection, book, ask.request, now)
            for number, ask in enumerate(asks)
            if answers[number] is None
        }
        accounts = await _lock(connection, hot, briefs, now)
        looks = await Looks.lock(connection, briefs.values())
        held: set[UUID] = set()
        for number, prepared in briefs.items():
            answers[number] = await _decide_one(
                office, connection, asks[number], prepared, accounts, looks, held, rows, now, alone=alone
            )
        await hot.hold({key: accounts[key] for key in held})
        await hot.write(rows)
        await looks.write()
    book.mechanisms.update(row[0] for row in rows.mechanisms)
    return answers


async def _already_answered(hot: HotStore, asks: Sequence[Ask]) -> list[Any]:
    """The stored reply, an error, or None for what is to be decided now."""
    known = await hot.known([(ask.by, ask.key) for ask in asks])
    decided = await hot.decided([ask.request.run_id for ask in asks])
    seen: set[tuple[str, str]] = set()
    answers: list[Any] = []
    for ask in asks:
        pair = (ask.by, ask.key)
        answers.append(_stored(ask, known[pair]) if pair in known else _refused(ask, pair in seen, decided))
        seen.add(pair)
        if answers[-1] is None:
            decided.add(ask.request.run_id)
    return answers


def _stored(ask: Ask, row: Any) -> Answer | MoneyerError:
    if row is None:
        return _in_flight()
    if row["fingerprint"] != ask.fingerprint:
        return Invalid(
            "This Idempotency-Key was used for another request; choose a new one.", code="idempotency-key-reused"
        )
    return Answer(row["body"], json.loads(row["body"])["id"])


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


async def _lock(
    connection: AsyncConnection, hot: HotStore, briefs: dict[int, Brief], now: datetime
) -> dict[UUID, Account]:
    """The accounts of all plans, after what expired unredeemed on them has returned."""
    wanted = {key for prepared in briefs.values() for key in prepared.account_ids}
    if not wanted:
        return {}
    accounts = await hot.lock(wanted)
    if await hot.has_expired(now, wanted):
        await return_expired_on(connection, now, list(wanted))
        accounts = await hot.lock(wanted)
    return accounts


async def _decide_one(
    office: Office,
    connection: AsyncConnection,
    ask: Ask,
    prepared: Brief,
    accounts: dict[UUID, Account],
    looks: Looks,
    held: set[UUID],
    rows: Rows,
    now: datetime,
    *,
    alone: bool,
) -> Any:
    judgement = judge(prepared, accounts, looks.taken, alone=alone)
    if judgement is None:
        return ALONE
    body = body_of(ask.request, prepared, judgement, round_=0, now=now)
    if judgement.verdict == "review":
        body["review_id"] = str(await _open_review(office, connection, ask, prepared, now))
    permit = moved = None
    rows.decisions.append(decision_row(ask.request, body, 0, now))
    if judgement.verdict == "permit":
        permit = _reserve(office, ask.request, prepared, body, accounts, looks, held, rows, now)
        moved = movement("reserve", prepared.account_ids, prepared.mechanism, prepared.facts.cost, now)
    _journal(ask.request, body, moved, rows, now)
    await _use_up(connection, judgement, body)
    answer = Answer(json.dumps(body | {"permit": permit}, separators=(",", ":")), body["id"])
    rows.idempotency.append((ask.by, ask.key, ask.fingerprint, 201, answer.text, json.dumps(answer.headers), now))
    return answer


def judge(
    prepared: Brief,
    accounts: dict[UUID, Account],
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
    verdict = "deny" if clauses else "review" if needs_review else "permit"
    return Judgement(verdict, clauses, waived)


def body_of(
    request: DecisionRequest, prepared: Brief, judgement: Judgement, *, round_: int, now: datetime
) -> dict[str, Any]:
    """A decision as it is stored and told."""
    return {
        "id": str(uuid.uuid4()),
        "run_id": str(request.run_id),
        "round": round_,
        "verdict": judgement.verdict,
        "clauses": [asdict(clause) for clause in judgement.clauses],
        "waived": [
            {"code": clause.code, "waiver_id": waiver.id, "kind": waiver.kind} for clause, waiver in judgement.waived
        ],
        "plan_digest": digest(request.plan.model_dump(mode="json")),
        "charter_digest": prepared.facts.charter.digest if prepared.facts.charter else None,
        "decided_at": now.isoformat(),
        "review_id": None,
    }


def decision_row(request: DecisionRequest, body: dict[str, Any], round_: int, now: datetime) -> tuple[Any, ...]:
    return (
        UUID(body["id"]), request.run_id, round_, request.plan.charter_id, request.requester, body["verdict"],
        text_array(clause["code"] for clause in body["clauses"]), json.dumps(body), request.model_dump_json(), now,
    )  # fmt: skip


def _reserve(
    office: Office,
    request: DecisionRequest,
    prepared: Brief,
    body: dict[str, Any],
    accounts: dict[UUID, Account],
    looks: Looks,
    held: set[UUID],
    rows: Rows,
    now: datetime,
) -> dict[str, Any]:
    """Set the cost aside on every account the source touches, and sign the permit."""
    cost, permit_id, expires_at = prepared.facts.cost, uuid.uuid4(), now + office.permit_lifetime
    for key in prepared.account_ids:
        accounts[key] = accounts[key].holding(cost)
        held.add(key)
        rows.ledger.append((key, permit_id, prepared.mechanism, now))
    looks.take(prepared, permit_id, request.run_id, now)
    if not prepared.is_written:
        _, document = known_as(mechanism_of(request.offer.mechanism))
        rows.mechanisms.append(mechanism_row(prepared.mechanism, document, cost))
    rows.permits.append(
        (
            permit_id, UUID(body["id"]), request.run_id, request.requester, body["plan_digest"],
            body["charter_digest"], request.plan.charter_id, array(prepared.account_ids), prepared.mechanism,
            request.offer.source_key_id, now, expires_at,
        )
    )  # fmt: skip
    return show_permit(office, permit_id, request.run_id, body["plan_digest"], now, expires_at)


def show_permit(
    office: Office, permit_id: UUID, run_id: UUID, plan_digest: str, made_at: datetime, expires_at: datetime
) -> dict[str, Any]:
    token = office.signer.sign(
        permit_id=str(permit_id), run_id=str(run_id), plan_digest=plan_digest, made_at=made_at, expires_at=expires_at
    )
    return {"id": str(permit_id), "token": token, "expires_at": expires_at.isoformat()}


async def _open_review(office: Office, connection: AsyncConnection, ask: Ask, prepared: Brief, now: datetime) -> UUID:
    assert prepared.version is not None
    charter, request = prepared.version.charter, ask.request
    matter = reviews.Matter(
        kind="plan",
        subject=f"run:{request.run_id}",
        document=request.model_dump(mode="json"),
        charter_id=request.plan.charter_id,
        quorum=charter.quorum_for("plan"),
    )
    return await reviews.open_review(work_of(office, connection, request.requester, now), matter)


async def _use_up(connection: AsyncConnection, judgement: Judgement, body: dict[str, Any]) -> None:
    """An exception for a single use is used by the plan that passes because of it."""
    if judgement.verdict != "permit":
        return
    for waiver in {waiver for _, waiver in judgement.waived if waiver.single_use}:
        await WaiverStore(connection).change(UUID(waiver.id), used_by=UUID(body["id"]))


async def conclude(decided: Decided) -> dict[str, Any]:
    """A reviewed plan is judged once more as things stand now, and permitted if nothing has come in between."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    office = decided.work.dependencies
    request = DecisionRequest.model_validate(row.document)
    book = await office.rulebook.private(connection)
    hot = HotStore(await driver_connection(connection))
    prepared = await brief(connection, book, request, now)
    accounts = await _lock(connection, hot, {0: prepared}, now)
    looks = await Looks.lock(connection, [prepared])
    judgement = judge(prepared, accounts, looks.taken, alone=True, reviewed=True)
    assert judgement is not None
    if state != "approved":
        clause = Clause("review.plan", "an approved review", f"the review is {state}", "plan anew")
        judgement = Judgement("deny", (clause, *judgement.clauses))
    rows, held = Rows.none(), set[UUID]()
    body = body_of(request, prepared, judgement, round_=1, now=now) | {"review_id": str(row.id)}
    rows.decisions.append(decision_row(request, body, 1, now))
    moved = None
    if judgement.verdict == "permit":
        _reserve(office, request, prepared, body, accounts, looks, held, rows, now)
        moved = movement("reserve", prepared.account_ids, prepared.mechanism, prepared.facts.cost, now)
    _journal(request, body, moved, rows, now)
    await _use_up(connection, judgement, body)
    await hot.hold({key: accounts[key] for key in held})
    await hot.write(rows)
    await looks.write()
    return {"decision_id": body["id"], "verdict": body["verdict"]}


async def of_run(office: Office, run_id: UUID, *, with_permit: bool) -> dict[str, Any]:
    """What was decided on a run last; its permit only for the service that may redeem it."""
    async with office.database.transaction() as connection:
        store = DecisionStore(connection)
        row = await store.latest_decision(run_id)
        shown: dict[str, Any] = dict(row.document)
        if with_permit and row.verdict == "permit":
            permit = await store.permit_of_run(run_id)
            shown["permit"] = show_permit(
                office, permit.id, run_id, permit.plan_digest, permit.made_at, permit.expires_at
            )
    return shown


def _journal(
    request: DecisionRequest, body: dict[str, Any], moved: Mapping[str, Any] | None, rows: Rows, now: datetime
) -> None:
    failed = [clause["code"] for clause in body["clauses"]]
    asked = request.model_dump(mode="json", include={"requester", "plan", "offer"})
    event = AuditEvent(
        request.requester,
        "plan.decide",
        f"run:{request.run_id}",
        body["verdict"],
        {"decision": body["id"], "plan_digest": body["plan_digest"], "failed": [Word(code) for code in failed],
         "charter_digest": body["charter_digest"], "waived": [entry["waiver_id"] for entry in body["waived"]]},
        shown={"request": asked, "decision": body} | ({"reserve": moved} if moved else {}),
    )  # fmt: skip
    facet = body | {"failed": failed}
    facet.pop("clauses")
    lineage = openlineage_event(
        at=now,
        # A denied plan has ended: nothing more is told of its run.
        event_type="ABORT" if body["verdict"] == "deny" else "OTHER",
        run_id=str(request.run_id),
        job=job_of_runs(vars(request.plan)),
        facets={"moneyer_policyDecision": facet},
    )
    salt, leaf = sealed_leaf(journal.service, now, event, lineage=[lineage])
    told = json.dumps(leaf)
    rows.audit.append((UUID(leaf["id"]), now, event.actor, salt, told))
    rows.outbox.append((now, "audit", told))
    rows.outbox.append((now, "openlineage", json.dumps(lineage)))
