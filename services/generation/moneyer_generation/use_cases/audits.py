"""Audits of an engine's guarantee: fitted many times on a public table, and judged by evaluation."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

from moneyer_generation.dependencies import AUDIT_JOB, Workshop
from moneyer_generation.execution.children import ChildFailed
from moneyer_generation.generators.auditing import TABLE
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.protocol import complete
from moneyer_generation.store.audits import AuditStore
from moneyer_generation.tables import journal
from moneyer_shared import custody
from moneyer_shared.contracts.evaluation import GuaranteeAuditRequest
from moneyer_shared.contracts.policy import Parameter
from moneyer_shared.errors import Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.queue import Later, enqueue

SLICE = 20
"""Fits made in one go: an audit is long, and runs are what a worker is for."""
LAST = 2**30


def show(row: Any) -> dict[str, Any]:
    """An audit as it goes over the wire; its scores are evaluation's to keep."""
    return {
        "id": str(row.id),
        "state": row.state,
        "generator": row.generator,
        "parameters": row.parameters,
        "fits": row.fits,
        "verdict": row.verdict,
        "failure": row.failure,
        "requested_by": row.requester,
        "requested_at": row.requested_at.isoformat(),
        "changed_at": row.changed_at.isoformat(),
    }


async def request(
    works: Workshop, *, generator: str, parameters: dict[str, Parameter], fits: int, by: str, attempt: Attempt
) -> Reply:
    """Queue an audit.

    Raises:
        Invalid: an unknown generator or parameter, or one that claims no ε.
    """
    now = works.clock()
    async with works.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        values = {
            "requester": by, "generator": generator, "parameters": _claiming(generator, parameters), "fits": fits,
            "state": "queued", "requested_at": now, "changed_at": now,
        }  # fmt: skip
        row = await AuditStore(connection).add(values)
        await enqueue(connection, AUDIT_JOB, row.id, place=LAST)
        event = AuditEvent(by, "audit.request", f"audit:{row.id}", details={"generator": Word(generator), "fits": fits})
        await journal.record(connection, now, event)
        headers = {"Location": f"/v1/audits/{row.id}", "Retry-After": "10"}
        return await attempt.keep(connection, by, Reply(202, show(row), headers))


def _claiming(generator: str, parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    """The parameters completed, of an engine that claims an ε."""
    engine = engine_named(generator)
    completed = complete(engine, parameters)
    if "epsilon" not in engine.parameters or engine.needs != "rows":
        raise Invalid(f"{generator} claims no ε for rows: there is nothing to hold it to.", code="claims-nothing")
    return completed


async def carry(works: Workshop, audit_id: UUID) -> None:
    """Carry an audit a slice further. The table is public: fits that were cut off are simply made again.

    Raises:
        Later: more fits are to be made.
        Unavailable: evaluation does not answer, or nothing can be run now.
    """
    async with works.database.transaction() as connection:
        row = await AuditStore(connection).audit(audit_id)
    if row.state == "queued":
        row = await _score(works, row)
        if row.state == "queued":
            # The next slice waits its turn behind whatever else the worker has to do.
            raise Later
    if row.state == "scored":
        judged = await works.evaluation.audit(_to_judge(row))
        await _save(works, row, state="done", verdict=judged.verdict)


async def _score(works: Workshop, row: Any) -> Any:
    await works.ready()
    before: dict[str, list[float]] = row.scores or {"inside": [], "outside": []}
    left = row.fits - sum(map(len, before.values()))
    job = {
        "audit": min(SLICE, left),
        "generator": row.generator,
        "parameters": row.parameters,
        "objects_url": works.settings.objects_url,
        "store_environment": custody.store_environment(),
    }
    try:
        told = await _told(works, job)
        scores = {side: [*before[side], *told[side]] for side in before}
        state = "scored" if left <= SLICE else "queued"
        return await _save(works, row, state=state, scores=scores)
    except ChildFailed as error:
        return await _save(works, row, state="failed", failure=f"The generator failed: {error}")


async def _told(works: Workshop, job: dict[str, Any]) -> dict[str, Any]:
    async with aclosing(works.make_table(job)) as messages:
        async for message in messages:
            if "done" in message:
                scores: dict[str, Any] = message["done"]
                return scores
    raise ChildFailed("the process said nothing more")


def _to_judge(row: Any) -> GuaranteeAuditRequest:
    engine = engine_named(row.generator)
    guarantee = engine.guarantee(TABLE, row.parameters)
    return GuaranteeAuditRequest.model_validate(
        {
            "id": row.id,
            "generator": row.generator,
            "engine_version": engine.version,
            "parameters": row.parameters,
            "guarantee": guarantee.level,
            "epsilon": row.parameters["epsilon"],
            "delta": guarantee.delta or "0",
            **row.scores,
        }
    )


async def _save(works: Workshop, row: Any, **values: Any) -> Any:
    now = works.clock()
    async with works.database.transaction() as connection:
        saved = await AuditStore(connection).save(row.id, row.state, changed_at=now, **values)
        event = AuditEvent("generation", "audit.move", f"audit:{row.id}", saved.state)
        await journal.record(connection, now, event)
    return saved
