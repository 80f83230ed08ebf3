"""What a worker does with a delivery: open the table for whoever asked, hold it to its record, bring it there.

That an attempt begins is noted before a byte of it leaves. Whoever takes the delivery up after a lost worker looks
first whether the table came to lie there: what is there is done, and only what is not is begun anew.
"""

import asyncio
import hashlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.sending import NotDelivered, delivered
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.dependencies import Flow
from moneyer_generation.describing.delivered import about, postgres_columns, schema_beside, written
from moneyer_generation.describing.description import Description
from moneyer_generation.documents.connections import Problem
from moneyer_generation.downloads import render
from moneyer_generation.rules.delivery import LONGEST_UNSURE, MOST_ATTEMPTS, DeliveryState, next_step
from moneyer_generation.store.deliveries import KeptDelivery
from moneyer_generation.use_cases.assets import OpenedAsset, open_asset
from moneyer_generation.use_cases.connections import fetch_job, problem_of
from moneyer_generation.use_cases.descriptions import description_of
from moneyer_generation.use_cases.pulls import usable_connection
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.events import (
    DeliveryFacet,
    dataset,
    job_of_deliveries,
    job_of_runs,
    run_event,
)
from moneyer_shared.errors import Conflict, MoneyerError, Unavailable
from moneyer_shared.figures import about as roughly
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word, document
from moneyer_shared.queue import Later
from moneyer_shared.spool import Spool

logger = logging.getLogger("moneyer.delivery")
LOOK_SECONDS = 1.0
ASK_AGAIN = timedelta(minutes=1)
LOST = f"The worker that brought it was lost {MOST_ATTEMPTS} times; the table may be too large for its machine."
UNSURE = (
    "An attempt broke off, and since then nobody answers there or lets it be seen whether the table came to lie there. "
    "Look by hand; the asset's record counts it as a copy outside custody."
)
Step = Callable[[Flow, KeptDelivery], Awaitable[KeptDelivery]]


@dataclass(frozen=True)
class Ready:
    """All that a delivery needs, the table under seal in this process."""

    job: FetchJob
    spool: Spool


async def carry_delivery(flow: Flow, delivery_id: uuid.UUID) -> None:
    """Carry a delivery to its end.

    Raises:
        Later: nobody answers who knows whether an attempt came to lie there.
        Unavailable: policy does not answer, or the disk is full; take it up again.
        Superseded: another worker took it up.
    """
    async with flow.begin(Work) as work:
        delivery = await work.deliveries.take_up(delivery_id)
    while (step := next_step(delivery.progress)) != "rest":
        told = {"delivery": str(delivery_id), "step": step, "attempt": delivery.attempt}
        logger.info("delivery", extra={"fields": told})
        delivery = await STEPS[step](flow, delivery)


# --- an attempt ------------------------------------------------------------------------------------------------


async def _deliver(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    """One attempt, begun only for somebody who may read the table now."""
    try:
        ready = await _ready(flow, delivery)
    except Fault as fault:
        return await _save(flow, delivery, problem=problem_of(fault))
    except Unavailable:
        raise
    except Conflict as refusal:
        state: DeliveryState = "failed" if refusal.problem_code == "not-as-recorded" else "refused"
        return await _end(flow, delivery, state, _told(refusal))
    except MoneyerError as refusal:
        return await _end(flow, delivery, "refused", _told(refusal))
    try:
        async with flow.begin(Work) as work:
            attempt = delivery.attempt + 1
            delivery = await work.deliveries.save(
                delivery, work.now, state="delivering", attempt=attempt, begun_at=work.now
            )
        return await _bring(flow, delivery, ready)
    finally:
        ready.spool.close()


def _told(error: MoneyerError) -> Problem:
    """Why the table was not opened, in policy's words or ours; what stands in its reasons is not asked for."""
    return Problem(code=error.problem_code, detail=error.detail)


async def _ready(flow: Flow, delivery: KeptDelivery) -> Ready:
    """The table as it is recorded, opened for whoever asked, and where it goes.

    Raises:
        Forbidden, Gone, NotFound, Conflict: they may not read it, or not use the connection; or it is not as recorded.
        Fault: the worker finds no secret, or no table.
    """
    shown = delivery.shown
    requester = Caller(shown.requested_by, flow.caller.client, frozenset())
    async with flow.dependencies.begin(Work, requester, read_only=True) as work:
        row = await usable_connection(work, shown.connection_id, shown.requested_by, "deliver")
    # Before the table is opened, so that whatever comes of that is told to policy at the end.
    delivery = await _save(flow, delivery, opened=True)
    opened = await _opened(flow, delivery)
    table = await description_of(flow, shown.asset_id, opened.file, shown.requested_by)
    settings = flow.dependencies.settings
    job = fetch_job(settings, row, _asked(delivery, table), seconds=settings.pull_seconds)
    stated = opened.file.delivered
    rendered = await asyncio.to_thread(render, opened.table, shown.form, stated)
    return Ready(job, rendered.spool)


async def _opened(flow: Flow, delivery: KeptDelivery) -> OpenedAsset:
    shown = delivery.shown
    try:
        return await open_asset(flow, shown.asset_id, reader=shown.requested_by, delivery=shown.id)
    except (FileNotFoundError, custody.SealBroken):
        detail = "The sealed table cannot be read: tell whoever runs this."
        raise Fault("table-unreadable", detail) from None


def _asked(delivery: KeptDelivery, table: Description) -> dict[str, Any]:
    """What the delivering process is told beside the place."""
    shown, wanted = delivery.shown, delivery.wanted
    sha256 = shown.digest.removeprefix("sha256:")
    said = about(table, delivery=str(shown.id), form=shown.form, sha256=sha256, size=shown.bytes)
    asked = _named(delivery) | {"look": False}
    if wanted.table is not None:
        return asked | {"columns": postgres_columns(table), "mark": written(said)}
    schema = schema_beside(table)
    beside = {"sha256": hashlib.sha256(schema.encode()).hexdigest(), "of": "Open Data Contract Standard 3.1"}
    return asked | {"about": written(said | {"schema": beside}), "schema": schema}


def _named(delivery: KeptDelivery) -> dict[str, Any]:
    shown, wanted = delivery.shown, delivery.wanted
    return {
        "delivery": str(shown.id),
        "table": wanted.table,
        "path": wanted.path,
        "sha256": shown.digest.removeprefix("sha256:"),
        "bytes": shown.bytes,
    }


async def _bring(flow: Flow, delivery: KeptDelivery, ready: Ready) -> KeptDelivery:
    """What came of the attempt; a wish to end is heard until the act that makes the table be there."""
    is_committing, looked = False, time.monotonic()
    try:
        async with aclosing(delivered(ready.job, ready.spool)) as told:
            async for one in told:
                is_committing = is_committing or (one is not None and "committing" in one)
                if not is_committing and time.monotonic() - looked >= LOOK_SECONDS:
                    looked = time.monotonic()
                    delivery = await _save(flow, delivery)
                    if delivery.cancel_requested:
                        return delivery
    except NotDelivered as ended:
        problem = problem_of(ended.fault)
        if ended.is_clean:
            return await _save(flow, delivery, problem=problem, begun_at=None)
        return await _save(flow, delivery, problem=problem)
    return await _done(flow, delivery)


# --- what an attempt left ----------------------------------------------------------------------------------------


async def _look(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    """Whether the table came to lie there, when whoever brought it could not say.

    Raises:
        Later: nobody answers, or lets it be seen.
    """
    try:
        is_there, left = await _seen(flow, delivery)
    except (Fault, NotDelivered) as unknown:
        assert delivery.begun_at is not None, "an attempt was begun"
        if flow.dependencies.clock() - delivery.begun_at < LONGEST_UNSURE:
            raise Later(ASK_AGAIN) from unknown
        return await _end(flow, delivery, "failed", Problem(code="unsure", detail=UNSURE), is_void=False)
    if is_there:
        return await _done(flow, delivery)
    if left and delivery.shown.problem is not None:
        reasons: list[dict[str, str | int]] = [{"code": "left-behind", "path": path} for path in left]
        problem = delivery.shown.problem.model_copy(update={"reasons": [*delivery.shown.problem.reasons, *reasons]})
        return await _save(flow, delivery, state="waiting", begun_at=None, problem=problem)
    return await _save(flow, delivery, state="waiting", begun_at=None)


async def _seen(flow: Flow, delivery: KeptDelivery) -> tuple[bool, list[str]]:
    async with flow.begin(Work, read_only=True) as work:
        row = await work.connections.connection(delivery.shown.connection_id)
    settings = flow.dependencies.settings
    asked = _named(delivery) | {"look": True, "about": "", "schema": ""}
    async with aclosing(delivered(fetch_job(settings, row, asked, seconds=settings.pull_seconds), None)) as told:
        async for one in told:
            if one is not None and "there" in one:
                return bool(one["there"]), [str(path) for path in one["left"]]
    raise Fault("driver-failed", "The delivering process said nothing of the place.")


# --- ends ----------------------------------------------------------------------------------------------------------


async def _done(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    """The table lies there: the delivery's end, and what is told of it, in one transaction (I4)."""
    shown = delivery.shown
    async with flow.begin(Work) as work:
        ended = await work.deliveries.save(delivery, work.now, state="done", begun_at=None, problem=None)
        run = await work.runs.run(shown.asset_id)
        facet = await _facet(work, delivery, "done")
        told = run_event(
            at=work.now,
            event_type="COMPLETE",
            run_id=str(shown.id),
            job=job_of_deliveries(shown.asset_id),
            inputs=[dataset("asset", str(shown.asset_id))],
            outputs=[dataset("delivery", str(shown.id))],
            facets=[facet],
            parent=(str(shown.asset_id), job_of_runs(run.plan.model_dump(mode="json"))),
        )
        event = AuditEvent(
            work.by,
            Action.ASSET_DELIVER,
            f"asset:{shown.asset_id}",
            details={
                "delivery": str(shown.id), "connection": str(shown.connection_id), "kind": Word(facet.kind),
                "form": Word(shown.form), "digest": shown.digest, "rows": facet.rows, "place": facet.place,
            },
            people={"requester": shown.requested_by},
        )  # fmt: skip
        await work.tell(event, lineage=[told])
    return ended


async def _end(
    flow: Flow,
    delivery: KeptDelivery,
    state: DeliveryState,
    problem: Problem | None = None,
    *,
    is_void: bool = True,
) -> KeptDelivery:
    """End a delivery that is not known to lie anywhere; one that left nothing is no copy outside custody.

    Raises:
        Unavailable: policy does not answer.
    """
    shown = delivery.shown
    if is_void:
        await flow.dependencies.policy.void_copy(shown.asset_id, shown.id)
    async with flow.begin(Work) as work:
        kept = problem or shown.problem
        ended = await work.deliveries.save(delivery, work.now, state=state, begun_at=None, problem=kept)
        facet = await _facet(work, ended, state)
        told = run_event(
            at=work.now,
            event_type="ABORT" if state == "cancelled" else "FAIL",
            run_id=str(shown.id),
            job=job_of_deliveries(shown.asset_id),
            inputs=[dataset("asset", str(shown.asset_id))],
            facets=[facet],
        )
        details = {"asset": str(shown.asset_id)} | ({"problem": Word(kept.code)} if kept else {})
        event = AuditEvent(work.by, Action.DELIVERY_END, f"delivery:{shown.id}", state, details)
        await work.tell(event, lineage=[told])
    return ended


async def _facet(work: Work, delivery: KeptDelivery, state: Any) -> DeliveryFacet:
    """What is told of it: the address as a digest under the delivery's salt, since it may name people or hosts."""
    shown = delivery.shown
    row = await work.connections.connection(shown.connection_id)
    place = {"target": row.target.model_dump(mode="json"), "wanted": delivery.wanted.model_dump(mode="json")}
    return DeliveryFacet(
        id=str(shown.id),
        connection_id=str(shown.connection_id),
        kind=row.target.kind,
        state=state,
        because=None if state == "done" or shown.problem is None else shown.problem.code,
        form=shown.form,
        digest=shown.digest,
        rows=roughly(shown.rows),
        place=document(delivery.salt, place),
        at=work.now.isoformat(),
    )


async def _fail(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    return await _end(flow, delivery, "failed")


async def _cancel(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    return await _end(flow, delivery, "cancelled")


async def _give_up(flow: Flow, delivery: KeptDelivery) -> KeptDelivery:
    return await _end(flow, delivery, "failed", Problem(code="interrupted", detail=LOST))


async def _save(flow: Flow, delivery: KeptDelivery, **changes: Any) -> KeptDelivery:
    async with flow.begin(Work) as work:
        return await work.deliveries.save(delivery, work.now, **changes)


STEPS: Mapping[str, Step] = {
    "look": _look, "fail": _fail, "cancel": _cancel, "give-up": _give_up, "deliver": _deliver,
}  # fmt: skip
