"""Audits of a guarantee: what runs of a configuration show of ε, held against what it claims."""

from typing import Any

from moneyer_evaluation.measures.guarantee import lower_bound
from moneyer_evaluation.store import Store
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.assays import wire_estimate
from moneyer_evaluation.use_cases.laboratory import Laboratory
from moneyer_shared.canonical import check_storable
from moneyer_shared.contracts.evaluation import GuaranteeAuditRequest
from moneyer_shared.contracts.policy import Condemnation
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, openlineage_event
from moneyer_shared.leaves import Word


def show(row: Any) -> dict[str, Any]:
    """An audit as it goes over the wire; the scores stay in the record."""
    request = {name: value for name, value in row.request.items() if name not in {"inside", "outside"}}
    return request | {"estimate": row.estimate, "verdict": row.verdict, "at": row.at.isoformat()}


async def judge(lab: Laboratory, request: GuaranteeAuditRequest, *, by: str, attempt: Attempt) -> Reply:
    """Bound ε from below by the scores of runs with and without a record, and hold the claim to it.

    A condemned generator is refused by policy before the audit is recorded: asked again after a crash, both are there.

    Raises:
        Unavailable: policy does not answer.
    """
    if answer := await attempt.answered_before(lab.database, by):
        return answer
    now, body = lab.clock(), request.model_dump(mode="json")
    check_storable(body)
    estimate = lower_bound(request.inside, request.outside, float(request.delta))
    verdict = "condemned" if estimate.lower > float(request.epsilon) else "stands"
    if verdict == "condemned":
        measured = f"{estimate.lower:.6f}"
        await lab.policy.condemn(
            Condemnation(generator=request.generator, audit_id=request.id, claimed=request.epsilon, measured=measured)
        )
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        values = {
            "id": request.id, "generator": request.generator, "request": body,
            "estimate": wire_estimate(estimate), "verdict": verdict, "reported_by": by, "at": now,
        }  # fmt: skip
        shown = show(await Store(connection).add_audit(values))
        details = {
            "generator": Word(request.generator),
            "epsilon": request.epsilon,
            "bound": shown["estimate"]["lower"],
        }
        event = AuditEvent(by, "guarantee.audit", f"audit:{request.id}", verdict, details)
        lineage = openlineage_event(
            at=now,
            event_type="COMPLETE",
            run_id=str(request.id),
            job=f"evaluation.guarantee-audit/{request.generator}",
            facets={"moneyer_guarantee_audit": shown},
        )
        await journal.record(connection, now, event, lineage=[lineage])
        return await attempt.keep(connection, by, Reply(201, shown))
