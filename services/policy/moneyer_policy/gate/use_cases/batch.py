"""Plans decided in one transaction: what they are paid from, locked, and everything that is written of them."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from moneyer_policy.budgets.rules.accounting import Account
from moneyer_policy.budgets.use_cases.charges import known_as, mechanism_of, movement
from moneyer_policy.gate.store.hot import (
    AuditRow,
    DecisionRow,
    HotStore,
    LedgerRow,
    OutboxRow,
    PermitRow,
    Rows,
    array,
    mechanism_row,
    text_array,
)
from moneyer_policy.gate.store.waivers import WaiverStore
from moneyer_policy.gate.use_cases.gate_input import GateInput
from moneyer_policy.gate.use_cases.judging import Judgement
from moneyer_policy.gate.use_cases.looks import Looks
from moneyer_policy.gate.use_cases.reservations import return_expired
from moneyer_policy.metadata import journal
from moneyer_policy.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts import policy as contract
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import DecisionFacet, job_of_runs, run_event
from moneyer_shared.contracts.policy import Decision, DecisionRequest, Permit, Waived
from moneyer_shared.journal import AuditEvent, sealed_leaf
from moneyer_shared.leaves import Word


@dataclass
class Batch:
    """Plans decided in one transaction: what they are paid from, locked, and what is to be written of them."""

    work: Work
    hot: HotStore
    accounts: dict[UUID, Account]
    looks: Looks
    held: set[UUID] = field(default_factory=set[UUID])
    """Accounts that something was set aside on."""
    rows: Rows = field(default_factory=Rows)

    @classmethod
    async def lock(cls, work: Work, hot: HotStore, inputs: Iterable[GateInput]) -> "Batch":
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


async def enter(
    batch: Batch,
    request: DecisionRequest,
    prepared: GateInput,
    judgement: Judgement,
    *,
    round_: int = 0,
    review_id: UUID | None = None,
) -> Decision:
    """Enter a decision with all that follows from it into the batch; it has its permit where there is one."""
    rows, now = batch.rows, batch.work.now
    charter, asked = prepared.facts.charter, request.model_dump(mode="json")
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
        plan_digest=digest(asked["plan"]),
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
    _journal(batch, request, {"request": asked, "decision": kept, **moved}, failed)
    return decision


def _reserve(batch: Batch, request: DecisionRequest, prepared: GateInput, decision: Decision) -> Permit:
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


def _journal(batch: Batch, request: DecisionRequest, shown: Mapping[str, Any], failed: Sequence[str]) -> None:
    """Tell of a decision, and show it as it is kept, with what was asked and what was set aside for it."""
    now, rows, decision = batch.work.now, batch.rows, shown["decision"]
    asked = {name: shown["request"][name] for name in ("requester", "plan", "offer")}
    event = AuditEvent(
        request.requester,
        Action.PLAN_DECIDE,
        f"run:{request.run_id}",
        decision["verdict"],
        {"decision": decision["id"], "plan_digest": decision["plan_digest"], "failed": [Word(code) for code in failed],
         "charter_digest": decision["charter_digest"], "waived": [one["waiver_id"] for one in decision["waived"]]},
        shown={**shown, "request": asked},
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
