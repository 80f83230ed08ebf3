"""Audits of an engine's guarantee: fitted many times on a public table, and judged by evaluation."""

from collections.abc import Sequence
from contextlib import aclosing
from uuid import UUID

from moneyer_generation.dependencies import Flow
from moneyer_generation.documents.audits import Audit, AuditRequest
from moneyer_generation.execution.children import ChildFailed
from moneyer_generation.execution.protocol import Job
from moneyer_generation.generators.auditing import AUDITED, table_for
from moneyer_generation.generators.catalogue import offered_named
from moneyer_generation.generators.protocol import Parameters, complete
from moneyer_generation.store.audits import AuditChanges, KeptAudit, Scores
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import GuaranteeAuditRequest
from moneyer_shared.contracts.policy import Parameter
from moneyer_shared.errors import Invalid
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.queue import Later

SLICE = 20
"""Fits made in one go: an audit is long, and runs are what a worker is for."""
LAST = 2**30
"""The place in the queue behind everything else."""


async def request_audit(work: Work, asked: AuditRequest) -> Audit:
    """Queue an audit.

    Raises:
        Invalid: an unknown generator or parameter, or one that claims no ε.
    """
    completed = asked.model_copy(update={"parameters": _claiming(asked.generator, asked.parameters)})
    audit = await work.audits.add(completed, work.by, work.now)
    await work.schedule("audit", audit.id, place=LAST)
    details = {"generator": Word(asked.generator), "fits": asked.fits}
    await work.tell(AuditEvent(work.by, Action.AUDIT_REQUEST, f"audit:{audit.id}", details=details))
    return audit


async def list_audits(work: Work, after: UUID | None = None) -> Sequence[Audit]:
    return await work.audits.page(after)


async def get_audit(work: Work, audit_id: UUID) -> Audit:
    return (await work.audits.audit(audit_id)).shown


def _claiming(generator: str, parameters: Parameters) -> dict[str, Parameter]:
    """The parameters completed, of an engine that claims an ε."""
    engine = offered_named(generator)
    completed = complete(engine, parameters)
    if "epsilon" not in engine.parameters or engine.needs not in AUDITED:
        raise Invalid(
            f"{generator} claims no ε that can be audited: there is nothing to hold it to.", code="claims-nothing"
        )
    return completed


async def carry_audit(flow: Flow, audit_id: UUID) -> None:
    """Carry an audit a slice further. The table is public: fits that were cut off are simply made again.

    Raises:
        Later: more fits are to be made.
        Unavailable: evaluation does not answer, or nothing can be run now.
    """
    async with flow.begin(Work, read_only=True) as work:
        kept = await work.audits.audit(audit_id)
    if kept.shown.state == "queued":
        kept = await _score(flow, kept)
        if kept.shown.state == "queued":
            # The next slice waits its turn behind whatever else the worker has to do.
            raise Later
    if kept.shown.state == "scored" and kept.scores is not None:
        judged = await flow.dependencies.evaluation.audit(_to_judge(kept.shown, kept.scores))
        await _save(flow, kept.shown, {"state": "done", "verdict": judged.verdict})


async def _score(flow: Flow, kept: KeptAudit) -> KeptAudit:
    await flow.dependencies.ready()
    audit, before = kept.shown, kept.scores or Scores(inside=[], outside=[])
    left = audit.fits - len(before["inside"]) - len(before["outside"])
    job: Job = {
        "audit": min(SLICE, left),
        "generator": audit.generator,
        "parameters": audit.parameters,
        "objects_url": flow.dependencies.settings.objects_url,
        "store_environment": custody.store_environment(),
    }
    try:
        new = await _scores_of(flow, job)
    except ChildFailed as error:
        return await _save(flow, audit, {"state": "failed", "failure": f"The generator failed: {error}"})
    scores = Scores(inside=before["inside"] + new["inside"], outside=before["outside"] + new["outside"])
    return await _save(flow, audit, {"state": "scored" if left <= SLICE else "queued", "scores": scores})


async def _scores_of(flow: Flow, job: Job) -> Scores:
    async with aclosing(flow.dependencies.make_table(job)) as messages:
        async for message in messages:
            if "done" in message:
                return Scores(inside=message["done"]["inside"], outside=message["done"]["outside"])
    raise ChildFailed("the process said nothing more")


def _to_judge(audit: Audit, scores: Scores) -> GuaranteeAuditRequest:
    engine = offered_named(audit.generator)
    guarantee = engine.guarantee(table_for(engine), audit.parameters)
    return GuaranteeAuditRequest.model_validate(
        {
            "id": audit.id,
            "generator": audit.generator,
            "engine_version": engine.version,
            "parameters": audit.parameters,
            "guarantee": guarantee.level,
            "epsilon": audit.parameters["epsilon"],
            "delta": guarantee.delta or "0",
            **scores,
        }
    )


async def _save(flow: Flow, audit: Audit, changes: AuditChanges) -> KeptAudit:
    async with flow.begin(Work) as work:
        saved = await work.audits.save(audit, work.now, **changes)
        await work.tell(AuditEvent(work.by, Action.AUDIT_MOVE, f"audit:{audit.id}", saved.shown.state))
    return saved
