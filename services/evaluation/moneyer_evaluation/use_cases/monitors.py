"""Monitors: on a schedule, whether what an asset was made from, is held against, or feeds is still what it was.

A monitor looks only at what is new: another upload of the source, another version of published shares, another batch
of a model's scores. However often it looks, the chance that it ever raises a false alarm stays below what its terms
allow.
"""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa

from moneyer_evaluation.domain import Estimate, Measured, counts_of, level_of_look
from moneyer_evaluation.measures import drift
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.store import Store
from moneyer_evaluation.store.monitors import MonitorStore
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.assays import keys_for, open_tables, wire_estimate
from moneyer_evaluation.use_cases.laboratory import LOOK_JOB, Laboratory
from moneyer_evaluation.use_cases.owners import check_owner
from moneyer_evaluation.use_cases.shares import as_numbers
from moneyer_evaluation.use_cases.telling import told_criteria, told_estimates
from moneyer_shared import custody
from moneyer_shared.contracts.evaluation import AssayRequest, CriterionResult, MonitorTerms
from moneyer_shared.contracts.policy import SUSPENDED, AssayKeysRequest, FindingRequest
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, Unavailable
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, dataset, openlineage_event
from moneyer_shared.leaves import Word
from moneyer_shared.queue import enqueue

CELLS = 100
"""Scores are kept as counts in so many equal cells of their range: no single score is kept."""


@dataclass(frozen=True)
class Seen:
    """Something new to look at: what it is called, and how to measure it at a confidence."""

    name: str
    measure: Callable[[float], Sequence[Measured]]


def show(row: Any) -> dict[str, Any]:
    """A monitor as it goes over the wire."""
    return {
        "id": str(row.id),
        "name": row.name,
        "asset_id": str(row.asset_id),
        "terms": row.terms,
        "state": row.state,
        "every_hours": row.every_hours,
        "looks": row.looks,
        "scorers": list(row.scorers),
        "made_by": row.made_by,
        "made_at": row.made_at.isoformat(),
        "next_at": row.next_at.isoformat(),
    }


def show_look(row: Any, *, raw: bool) -> dict[str, Any]:
    """A look as it goes over the wire; its figures ``raw`` to who may read them so."""
    telling: Literal["raw", "rounded"] = "raw" if raw else "rounded"
    return {
        "id": str(row.id),
        "monitor_id": str(row.monitor_id),
        "number": row.number,
        "seen": row.seen,
        "figures": telling,
        "estimates": told_estimates(row.estimates, telling),
        "breaches": told_criteria(row.breaches, telling),
        "review_id": row.finding["review_id"] if row.finding else None,
        "at": row.at.isoformat(),
    }


async def make(
    lab: Laboratory,
    *,
    name: str,
    asset_id: UUID,
    terms: MonitorTerms,
    every_hours: int,
    scorers: Sequence[str] = (),
    by: str,
    attempt: Attempt,
) -> Reply:
    """Begin to watch over an asset; the first look is due at once. ``scorers``: who else may post scores to it.

    Raises:
        NotFound: the asset was never assayed.
    """
    now = lab.clock()
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        assay = await Store(connection).release_assay(asset_id)
        if terms.kind == "source" and assay.request.get("source_id") is None:
            raise Invalid("The asset's assay names no source to watch.", code="no-source")
        values = {
            "kind": terms.kind, "asset_id": asset_id, "name": name, "terms": terms.model_dump(mode="json"),
            "state": "active", "every_hours": every_hours, "made_by": by, "scorers": sorted(set(scorers)),
            "made_at": now, "next_at": now,
        }  # fmt: skip
        row = await MonitorStore(connection).add(values)
        event = AuditEvent(by, "monitor.make", f"monitor:{row.id}", details={"asset": str(asset_id)})
        await journal.record(connection, now, event)
        return await attempt.keep(connection, by, Reply(201, show(row), {"Location": f"/v1/monitors/{row.id}"}))


async def switch(lab: Laboratory, monitor_id: UUID, *, active: bool, by: str) -> dict[str, Any]:
    """Pause a monitor, or have it look again; its count of looks goes on.

    Raises:
        Forbidden: it is somebody else's.
    """
    now, state = lab.clock(), "active" if active else "paused"
    async with lab.database.transaction() as connection:
        store = MonitorStore(connection)
        await store.monitor(monitor_id, lock=True)
        await check_owner(connection, "monitor", monitor_id, by=by)
        row = await store.set(monitor_id, state=state, **({"next_at": now} if active else {}))
        await journal.record(connection, now, AuditEvent(by, "monitor.switch", f"monitor:{monitor_id}", state))
    return show(row)


async def name_scorers(lab: Laboratory, monitor_id: UUID, *, scorers: Sequence[str], by: str) -> dict[str, Any]:
    """Say who besides the owner may post scores; those who were named before may no more.

    Raises:
        Forbidden: it is somebody else's monitor.
    """
    now = lab.clock()
    async with lab.database.transaction() as connection:
        store = MonitorStore(connection)
        await store.monitor(monitor_id, lock=True)
        await check_owner(connection, "monitor", monitor_id, by=by)
        row = await store.set(monitor_id, scorers=sorted(set(scorers)))
        details = {"scorers": len(row.scorers)}
        await journal.record(
            connection, now, AuditEvent(by, "monitor.name-scorers", f"monitor:{monitor_id}", details=details)
        )
    return show(row)


async def post_scores(
    lab: Laboratory, monitor_id: UUID, *, scores: Sequence[float], by: str, attempt: Attempt
) -> Reply:
    """Keep a batch of a model's scores, as counts; the first batch is what later ones are held against.

    Raises:
        Forbidden: neither the monitor's owner nor a scorer the owner named.
        Conflict: the monitor watches something else.
        Invalid: a score lies outside the declared range.
    """
    now = lab.clock()
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = MonitorStore(connection)
        row = await store.monitor(monitor_id, lock=True)
        await check_owner(connection, "monitor", monitor_id, *row.scorers, by=by)
        if row.kind != "scores":
            raise Conflict(f"This monitor watches {row.kind}, not scores.", code="not-a-score-monitor")
        low, high = (float(row.terms[end]) for end in ("minimum", "maximum"))
        if not all(low <= score <= high for score in scores):
            raise Invalid(f"Scores lie from {low:g} to {high:g}.", code="score-out-of-range")
        counts = counts_of(scores, low, high, CELLS)
        values = {"monitor_id": monitor_id, "counts": counts, "posted_by": by, "posted_at": now}
        batch = await store.add_scores(values)
        if row.state == "active":
            await enqueue(connection, LOOK_JOB, monitor_id)
        await journal.record(connection, now, AuditEvent(by, "monitor.scores", f"monitor:{monitor_id}"))
        return await attempt.keep(connection, by, Reply(202, {"id": str(batch.id), "scores": len(scores)}))


async def enqueue_due(lab: Laboratory) -> int:
    """Queue a look of every monitor whose time has come; how many there were."""
    async with lab.database.transaction() as connection:
        due = await MonitorStore(connection).due(lab.clock())
        for row in due:
            await enqueue(connection, LOOK_JOB, row.id)
    return len(due)


async def look(lab: Laboratory, monitor_id: UUID) -> None:
    """Look at what is new, if anything is, and tell policy of a breach; asked again, it does neither twice.

    Raises:
        Unavailable: policy or generation does not answer; look again.
    """
    async with lab.database.transaction() as connection:
        row = await MonitorStore(connection).monitor(monitor_id)
    if row.state == "active":
        await _look(lab, row)
    await _tell(lab, row)


async def _look(lab: Laboratory, row: Any) -> None:
    number = row.looks + 1
    try:
        level = level_of_look(number, float(row.terms["false_alarms"]))
        seen = await KINDS[row.kind](lab, row)
    except Unavailable:
        raise
    except MoneyerError as error:
        if error.problem_code == SUSPENDED:
            # Nothing is looked at while it lasts; the next look that falls due asks again.
            return
        # A withdrawn asset or a key that is gone ends the watch: there is nothing left to look at.
        await _pause(lab, row, error)
        return
    if seen is None or seen.name == row.seen:
        return
    found = await asyncio.to_thread(seen.measure, 1 - level)
    await _keep(lab, row, number, seen.name, found)


async def _pause(lab: Laboratory, row: Any, error: MoneyerError) -> None:
    now = lab.clock()
    async with lab.database.transaction() as connection:
        await MonitorStore(connection).set(row.id, state="paused")
        event = AuditEvent(
            "evaluation", "monitor.switch", f"monitor:{row.id}", "paused", {"because": Word(error.problem_code)}
        )
        await journal.record(connection, now, event)


async def _keep(lab: Laboratory, row: Any, number: int, seen: str, found: Sequence[Measured]) -> None:
    now = lab.clock()
    estimates = [one for one in found if isinstance(one, Estimate)]
    breaches = breached(estimates, row.terms["limits"])
    async with lab.database.transaction() as connection:
        store = MonitorStore(connection)
        if (await store.monitor(row.id, lock=True)).looks >= number:
            return
        values = {
            "monitor_id": row.id, "number": number, "seen": seen, "at": now,
            "state": "found" if breaches else "told",
            "estimates": [wire_estimate(one) for one in estimates], "breaches": breaches,
        }  # fmt: skip
        made = await store.add_look(values)
        await store.set(row.id, looks=number, seen=seen)
        await _journal(connection, row, made, now)


def breached(estimates: Sequence[Estimate], limits: Mapping[str, str]) -> list[dict[str, Any]]:
    """The figures whose lower bound lies above its limit: drift that chance does not explain and that matters."""
    return [
        CriterionResult(
            metric=one.metric,
            expected=f"lower bound at most {limits[one.metric]}",
            actual=f"{one.value:.6f} in [{one.lower:.6f}, {one.upper:.6f}]",
            met=False,
            shortfall=f"{one.lower - float(limits[one.metric]):.6f}",
            value=Decimal(f"{one.value:.6f}"),
            lower=Decimal(f"{one.lower:.6f}"),
            upper=Decimal(f"{one.upper:.6f}"),
            n=one.n,
        ).model_dump(mode="json")
        for one in estimates
        if one.metric in limits and one.lower > float(limits[one.metric])
    ]


async def _tell(lab: Laboratory, row: Any) -> None:
    async with lab.database.transaction() as connection:
        waiting = await MonitorStore(connection).untold(row.id)
    for found in waiting:
        breaches = [CriterionResult.model_validate(one) for one in found.breaches]
        finding = await lab.policy.report(
            FindingRequest(asset_id=row.asset_id, cause="drift", evidence=found.id, breaches=breaches)
        )
        async with lab.database.transaction() as connection:
            await MonitorStore(connection).told(found.id, finding.model_dump(mode="json"))


async def _journal(connection: Any, row: Any, made: Any, now: datetime) -> None:
    judged = (await Store(connection).release_assay(row.asset_id)).request
    outcome = "breached" if made.breaches else "kept"
    details = {
        "monitor": str(row.id),
        "number": made.number,
        "breached": [Word(one["metric"]) for one in made.breaches],
    }
    event = AuditEvent("evaluation", "monitor.look", f"asset:{row.asset_id}", outcome, details)
    told = show_look(made, raw=False)
    facet = {name: value for name, value in told.items() if name != "review_id"} | {"kind": row.kind}
    lineage = openlineage_event(
        at=now,
        event_type="COMPLETE",
        run_id=str(made.id),
        job=f"evaluation.monitor/{row.id}",
        inputs=[dataset("asset", str(row.asset_id))],
        facets={"moneyer_drift": facet},
        parent_run_id=str(row.asset_id),
        parent_job=AssayRequest.model_validate(judged).job,
    )
    await journal.record(connection, now, event, lineage=[lineage])


# --- what is new ---------------------------------------------------------------------------


async def _newer_source(lab: Laboratory, row: Any) -> Seen | None:
    """The newest upload of the source, if it is another than the asset was made from."""
    request = await _assay_request(lab, row.asset_id)
    assert request.source_id is not None
    held = await lab.generation.latest(request.source_id)
    if held.train_object == request.train_object or str(held.version_id) == row.seen:
        return None
    asked = AssayKeysRequest(asset_id=request.asset_id, purpose="re-assay", others=[held.key_id])
    keys = await lab.policy.assay_keys(request.permit_id, asked)

    def measure(confidence: float) -> Sequence[Measured]:
        before, after = b64decode(keys.source_key), b64decode(keys.others[str(held.key_id)])
        parts = [
            pa.concat_tables([custody.read_table(lab.objects, name, key) for name in names])
            for key, names in (
                (before, (request.train_object, request.holdout_object)),
                (after, (held.train_object, held.holdout_object)),
            )
        ]
        tables = Tables.of(request.declaration, parts[0], parts[0].slice(0, 0), parts[1], request.seed)
        return drift.between(tables, confidence)

    return Seen(str(held.version_id), measure)


async def _newer_shares(lab: Laboratory, row: Any) -> Seen | None:
    """The newest published shares of the population."""
    request = await _assay_request(lab, row.asset_id)
    async with lab.database.transaction() as connection:
        versions = await Store(connection).shares(request.declaration.population_id)
    if not versions or str(versions[0].id) == row.seen:
        return None
    again = request.model_copy(update={"purpose": "re-assay"})
    keys = await lab.policy.assay_keys(request.permit_id, keys_for(again))
    shares = as_numbers(versions[0].shares)

    def measure(confidence: float) -> Sequence[Measured]:
        tables = open_tables(lab.objects, again, keys, shares)
        return drift.of_shares(tables, confidence)

    return Seen(str(versions[0].id), measure)


async def _newer_scores(lab: Laboratory, row: Any) -> Seen | None:
    """The latest batch of scores, beside the first."""
    async with lab.database.transaction() as connection:
        ends = await MonitorStore(connection).scores(row.id)
    if ends is None:
        return None
    first, latest = ends
    return Seen(str(latest.id), lambda confidence: drift.of_scores(first.counts, latest.counts, confidence))


async def _assay_request(lab: Laboratory, asset_id: UUID) -> AssayRequest:
    async with lab.database.transaction() as connection:
        return AssayRequest.model_validate((await Store(connection).release_assay(asset_id)).request)


KINDS: Mapping[str, Callable[[Laboratory, Any], Awaitable[Seen | None]]] = {
    "source": _newer_source,
    "shares": _newer_shares,
    "scores": _newer_scores,
}
