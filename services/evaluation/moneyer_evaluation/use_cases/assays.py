"""Load, decide, save: an assay is requested, measured, and handed to policy for its verdict."""

import asyncio
import logging
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyarrow as pa
from obstore.store import ObjectStore

from moneyer_evaluation.domain import Estimate, Measured, can_tell, next_step
from moneyer_evaluation.measures.catalogue import STANDARD, chosen, flawless
from moneyer_evaluation.measures.reference import External, Shares, Tables
from moneyer_evaluation.measures.suite import assay as measure_all
from moneyer_evaluation.store import Store
from moneyer_evaluation.tables import journal
from moneyer_evaluation.use_cases.laboratory import ASSAY_JOB, Laboratory
from moneyer_evaluation.use_cases.shares import as_numbers
from moneyer_evaluation.use_cases.telling import telling_of, told_criteria, told_estimates
from moneyer_shared import custody
from moneyer_shared.canonical import check_storable, digest
from moneyer_shared.contracts.evaluation import Assay, AssayRequest
from moneyer_shared.contracts.evaluation import Estimate as EstimateOnWire
from moneyer_shared.contracts.policy import (
    SUSPENDED,
    AssayKeys,
    AssayKeysRequest,
    Finding,
    FindingRequest,
    Release,
    ReleaseRequest,
)
from moneyer_shared.errors import Invalid, MoneyerError, Unavailable
from moneyer_shared.figures import Telling
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent, dataset, openlineage_event
from moneyer_shared.queue import Later, enqueue
from moneyer_shared.telemetry import place_of

DIGITS = 6
RESUMING_TAKES = timedelta(seconds=30)
ADVICE = "Assay more rows, or ask for less."
logger = logging.getLogger("moneyer.assay")


def show(row: Any, *, raw: bool) -> dict[str, Any]:
    """An assay as it goes over the wire; its figures ``raw`` to who may read them so."""
    telling = telling_of(row.figures, raw=raw)
    return {
        "id": str(row.id),
        "asset_id": str(row.asset_id),
        "purpose": row.purpose,
        "suite": row.suite,
        "state": row.state,
        "requested_at": row.requested_at.isoformat(),
        "finished_at": row.finished_at.isoformat() if row.finished_at else None,
        "figures": telling,
        "estimates": told_estimates(row.estimates or [], telling),
        "not_estimable": (row.not_estimable or []) if telling != "withheld" else [],
        "power_notes": power_notes(row.estimates or [], row.release["criteria"] if row.release else [], telling),
        "verdict": row.release["verdict"] if row.release else None,
        "failure": row.failure,
    }


def shown_criteria(row: Any, *, raw: bool) -> list[dict[str, Any]]:
    """What policy held an assay against, as it is told."""
    return told_criteria(row.release["criteria"] if row.release else [], telling_of(row.figures, raw=raw))


def power_notes(
    estimates: Sequence[dict[str, Any]], criteria: Sequence[dict[str, Any]], telling: Telling
) -> list[dict[str, str]]:
    """Which criteria no table of this size could meet: intervals narrow with the root of the rows."""
    if telling == "withheld":
        return []
    known = {one["metric"]: one for one in estimates}
    notes: list[dict[str, str]] = []
    for criterion in criteria:
        found = known.get(criterion["metric"])
        if found is None or limit_of(criterion) is None:
            continue
        value, lower, upper = (float(found[name]) for name in ("value", "lower", "upper"))
        at_most, at_least = (_number(criterion.get(side)) for side in ("at_most", "at_least"))
        upward = at_most is not None
        best = flawless(criterion["metric"])
        if best is None or can_tell(best, value, lower, upper, at_most=at_most, at_least=at_least):
            continue
        found_so = (
            f" with n = {found['n']} the bound lies {upper - value if upward else value - lower:.4f} from the estimate."
        )
        note = f"Even a flawless table would miss this{':' + found_so if telling == 'raw' else '.'} {ADVICE}"
        notes.append({"metric": criterion["metric"], "note": note})
    return notes


def limit_of(criterion: Mapping[str, Any]) -> float | None:
    """The number that a criterion's bound is held against."""
    return _number(criterion.get("at_most") or criterion.get("at_least"))


def _number(text: str | None) -> float | None:
    return float(text) if text is not None else None


async def request_assay(lab: Laboratory, request: AssayRequest, *, by: str, attempt: Attempt) -> Reply:
    """Queue the assay that an asset's release is decided on.

    Raises:
        Conflict: the asset has one.
        Invalid: there is no such suite, or it is a re-assay, which has a route of its own.
    """
    if request.purpose != "release":
        raise Invalid("Ask POST /v1/reassays to look at released assets again.", code="not-a-release")
    now, body = lab.clock(), request.model_dump(mode="json")
    check_storable(body)
    async with lab.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if request.suite is not None:
            chosen(request.suite)
        store = Store(connection)
        made = await store.add(request.asset_id, body, now)
        await enqueue(connection, ASSAY_JOB, made)
        event = AuditEvent(by, "assay.request", f"asset:{request.asset_id}", details={"assay": str(made)})
        row = await store.assay(made)
        await journal.record(connection, now, event, lineage=[told_of(row, now, "START")])
        headers = {"Location": f"/v1/assays/{made}", "Retry-After": "2"}
        return await attempt.keep(connection, by, Reply(202, show(row, raw=False), headers))


async def carry(lab: Laboratory, assay_id: UUID) -> None:
    """Carry an assay as far as it goes.

    Raises:
        Unavailable: policy does not answer; take the assay up again.
        Later: something is suspended that the assay of a new table needs.
    """
    async with lab.database.transaction() as connection:
        row = await Store(connection).assay(assay_id)
    if next_step(row.state) == "measure":
        row = await _measure(lab, row)
    if next_step(row.state) == "ask-release":
        await _ask_policy(lab, row)


async def _measure(lab: Laboratory, row: Any) -> Any:
    request = AssayRequest.model_validate(row.request)
    row = await _save(lab, row, state="measuring")
    try:
        keys = await lab.policy.assay_keys(request.permit_id, keys_for(request))
        suite = request.suite or keys.suite or STANDARD
        row = await _save(lab, row, suite=suite, figures=keys.figures)
        shares = await _shares(lab, request.declaration.population_id)
        found = await asyncio.to_thread(measure_objects, lab.objects, request, keys, suite, shares)
    except Unavailable:
        raise
    except Invalid as error:
        return await _fail(lab, row, str(error))
    except MoneyerError as error:
        if error.problem_code == SUSPENDED and row.purpose == "release":
            # The table was paid for, and a vote may start again what is suspended.
            raise Later(RESUMING_TAKES) from error
        return await _fail(lab, row, f"Policy refused the keys: {error.problem_code}.")
    except Exception as error:
        logger.exception("assay failed", exc_info=error)
        return await _fail(lab, row, f"A measure failed: {place_of(error)['type']}.")
    estimates = [wire_estimate(entry) for entry in found if isinstance(entry, Estimate)]
    missing = [asdict(entry) for entry in found if not isinstance(entry, Estimate)]
    return await _save(lab, row, state="measured", estimates=estimates, not_estimable=missing)


def keys_for(request: AssayRequest) -> AssayKeysRequest:
    """The keys an assay takes: of the source, the asset, and the register it is linked with."""
    others = [request.linkage.key_id] if request.linkage else []
    return AssayKeysRequest(asset_id=request.asset_id, purpose=request.purpose, others=others)


async def _shares(lab: Laboratory, population_id: UUID) -> Shares:
    """The newest published shares of a population; none where nobody declared any."""
    async with lab.database.transaction() as connection:
        versions = await Store(connection).shares(population_id)
    return as_numbers(versions[0].shares) if versions else {}


def measure_objects(
    objects: ObjectStore, request: AssayRequest, keys: AssayKeys, suite: str, shares: Shares
) -> Sequence[Measured]:
    """Open the tables in memory and measure them."""
    return measure_all(open_tables(objects, request, keys, shares), suite=suite)


def open_tables(objects: ObjectStore, request: AssayRequest, keys: AssayKeys, shares: Shares) -> Tables:
    """Train, holdout and asset, and the register if one is linked with, in memory."""
    source_key, asset_key = b64decode(keys.source_key), b64decode(keys.asset_key)
    external = None
    if request.linkage is not None:
        key = b64decode(keys.others[str(request.linkage.key_id)])
        parts = [custody.read_table(objects, name, key) for name in request.linkage.objects]
        external = External(request.linkage.declaration, pa.concat_tables(parts))
    return Tables.of(
        request.declaration,
        custody.read_table(objects, request.train_object, source_key),
        custody.read_table(objects, request.holdout_object, source_key),
        custody.read_table(objects, request.asset_object, asset_key),
        request.seed,
        external=external,
        shares=shares,
    )


def wire_estimate(estimate: Estimate) -> dict[str, Any]:
    """Figures as decimal text; bounds are rounded so that they never look tighter than they are."""
    step = 10**-DIGITS
    return EstimateOnWire(
        metric=estimate.metric,
        value=_text(estimate.value),
        lower=_text(estimate.lower - step / 2),
        upper=_text(estimate.upper + step / 2),
        n=estimate.n,
        method=estimate.method,
        confidence=_text(estimate.confidence),
        seed=estimate.seed,
        details=estimate.details,
        measure=estimate.measure,
    ).model_dump(mode="json")


def _text(number: float) -> Any:
    return f"{number:.{DIGITS}f}"


async def _ask_policy(lab: Laboratory, row: Any) -> None:
    try:
        release = await _verdict(lab, row)
    except Unavailable:
        raise
    except MoneyerError as error:
        await _fail(lab, row, f"Policy refused to decide: {error.problem_code}.")
        return
    now = lab.clock()
    async with lab.database.transaction() as connection:
        body = release.model_dump(mode="json")
        saved = await Store(connection).save(row.id, row.state, state="done", release=body, finished_at=now)
        await _journal(connection, saved, now, "COMPLETE")


async def _verdict(lab: Laboratory, row: Any) -> Release | Finding:
    estimates = [EstimateOnWire.model_validate(entry) for entry in row.estimates]
    if row.purpose == "release":
        return await lab.policy.release(ReleaseRequest(asset_id=row.asset_id, assay_id=row.id, estimates=estimates))
    found = FindingRequest(asset_id=row.asset_id, cause="re-assay", evidence=row.id, estimates=estimates)
    return await lab.policy.report(found)


async def _save(lab: Laboratory, row: Any, **values: Any) -> Any:
    async with lab.database.transaction() as connection:
        return await Store(connection).save(row.id, row.state, **values)


async def _fail(lab: Laboratory, row: Any, why: str) -> Any:
    now = lab.clock()
    async with lab.database.transaction() as connection:
        failed = {"state": "failed", "failure": why, "finished_at": now}
        saved = await Store(connection).save(row.id, row.state, **failed)
        await _journal(connection, saved, now, "FAIL")
        return saved


async def _journal(connection: Any, row: Any, now: Any, event_type: str) -> None:
    told = Assay.model_validate(show(row, raw=False)).model_dump(mode="json")
    details = {"assay": str(row.id), "digest": digest(told)}
    event = AuditEvent("evaluation", "assay.finish", f"asset:{row.asset_id}", row.state, details)
    # The record is read by many and published in part: it holds what is told to those without a right to more.
    facet = {name: value for name, value in show(row, raw=False).items() if name != "requested_at"}
    facet["estimates"] = [{key: part for key, part in one.items() if key != "details"} for one in facet["estimates"]]
    lineage = told_of(row, now, event_type, moneyer_evaluation=facet)
    await journal.record(connection, now, event, lineage=[lineage])


def told_of(row: Any, now: Any, event_type: str, **facets: Any) -> dict[str, Any]:
    """The assay as its own OpenLineage run under the generation run it judges; what repeats is judging that asset."""
    return openlineage_event(
        at=now,
        event_type=event_type,
        run_id=str(row.id),
        job=f"evaluation.assay/{row.asset_id}",
        inputs=[dataset("asset", str(row.asset_id))],
        facets=facets,
        parent_run_id=str(row.asset_id),
        parent_job=AssayRequest.model_validate(row.request).job,
    )
