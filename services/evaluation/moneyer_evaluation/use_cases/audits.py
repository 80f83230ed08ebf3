"""Audits of a guarantee: what runs of a configuration show of ε, held against what it claims."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.documents import estimate_of
from moneyer_evaluation.events import audit_event
from moneyer_evaluation.measures.guarantee import lower_bound
from moneyer_evaluation.work import Work
from moneyer_shared.canonical import check_storable
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.documents import Name
from moneyer_shared.contracts.evaluation import Estimate, GuaranteeAudit, GuaranteeAuditRequest
from moneyer_shared.contracts.policy import Condemnation
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.work import Workflow


@dataclass(frozen=True)
class MeasuredClaim:
    """A lower bound on ε, and whether the claim stands beside it."""

    estimate: Estimate
    verdict: Literal["stands", "condemned"]


async def measure_claim(flow: Workflow[Dependencies], asked: GuaranteeAuditRequest) -> MeasuredClaim:
    """Bound ε from below by the scores of runs with and without a record, and hold the claim to it.

    A condemned generator is refused by policy before the audit is recorded: asked again after a crash, both are there.

    Raises:
        Unavailable: policy does not answer.
    """
    check_storable(asked.model_dump(mode="json"))
    bound = lower_bound(asked.inside, asked.outside, float(asked.delta))
    verdict: Literal["stands", "condemned"] = "condemned" if bound.lower > float(asked.epsilon) else "stands"
    if verdict == "condemned":
        measured = f"{bound.lower:.6f}"
        await flow.dependencies.policy.condemn(
            Condemnation(generator=asked.generator, audit_id=asked.id, claimed=asked.epsilon, measured=measured)
        )
    return MeasuredClaim(estimate_of(bound), verdict)


async def audit_guarantee(work: Work, asked: GuaranteeAuditRequest, *, claim: MeasuredClaim) -> GuaranteeAudit:
    """Record an audit of a guarantee."""
    audit = await work.audits.add(asked, claim.estimate, claim.verdict, by=work.by, at=work.now)
    details = {
        "generator": Word(audit.generator),
        "epsilon": audit.epsilon,
        "bound": f"{audit.estimate.lower}",
    }
    event = AuditEvent(work.by, Action.GUARANTEE_AUDIT, f"audit:{audit.id}", audit.verdict, details)
    await work.tell(event, lineage=[audit_event(audit)])
    return audit


async def list_guarantee_audits(
    work: Work, generator: Name | None = None, after: UUID | None = None
) -> list[GuaranteeAudit]:
    """A page of all audits, or of one generator's."""
    return await work.audits.audits(generator, after)
