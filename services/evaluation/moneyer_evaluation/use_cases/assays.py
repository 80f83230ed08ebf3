"""Assays: requested, measured, handed to policy for its verdict, and read."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from obstore.store import ObjectStore

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.disclosure import assay_for, criteria_for
from moneyer_evaluation.documents import AssayReport, KeptAssay, estimate_of
from moneyer_evaluation.events import assay_event
from moneyer_evaluation.measures.catalogue import STANDARD, chosen
from moneyer_evaluation.measures.reference import Shares
from moneyer_evaluation.measures.suite import assay as measure_all
from moneyer_evaluation.rules import Estimate, Measured, next_step, shares_as_numbers
from moneyer_evaluation.sealed_tables import keys_for, open_tables
from moneyer_evaluation.work import Work
from moneyer_shared.canonical import check_storable, digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.contracts.evaluation import Assay, AssayRequest, NotEstimable
from moneyer_shared.contracts.events import AssayFacet
from moneyer_shared.contracts.policy import SUSPENDED, AssayKeys, Finding, FindingRequest, Release, ReleaseRequest
from moneyer_shared.errors import Invalid, MoneyerError, Unavailable
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word
from moneyer_shared.queue import Later
from moneyer_shared.telemetry import place_of
from moneyer_shared.work import Workflow

RESUMING_TAKES = timedelta(seconds=30)
logger = logging.getLogger("moneyer.assay")


async def request_assay(work: Work, asked: AssayRequest) -> Assay:
    """Queue the assay that an asset's release is decided on.

    Raises:
        Conflict: the asset has one.
        Invalid: there is no such suite, or it is a re-assay, which has a route of its own.
    """
    if asked.purpose != "release":
        raise Invalid("Ask POST /v1/reassays to look at released assets again.", code="not-a-release")
    check_storable(asked.model_dump(mode="json"))
    if asked.suite is not None:
        chosen(asked.suite)
    return assay_for(await queue_assay(work, asked, Action.ASSAY_REQUEST), raw=False)


async def queue_assay(work: Work, request: AssayRequest, action: Action, **details: Word) -> KeptAssay:
    """Have a worker carry an assay; ``action`` and ``details`` are what the audit log says of it.

    Raises:
        Conflict: the asset has one for its release.
    """
    made = await work.assays.add(request, work.now)
    await work.schedule("assay", made.id)
    event = AuditEvent(work.by, action, f"asset:{made.asset_id}", details={"assay": str(made.id), **details})
    await work.tell(event, lineage=[assay_event("START", made.id, made.asset_id, request.job, work.now)])
    return made


async def list_assays(work: Work, asset: UUID | None = None, after: UUID | None = None) -> list[Assay]:
    """A page of all assays, or of one asset's."""
    return [assay_for(one, raw=work.reads_raw) for one in await work.assays.assays(asset, after)]


async def get_assay(work: Work, assay_id: UUID) -> Assay:
    """An assay and its figures.

    Raises:
        NotFound: there is none of that id.
    """
    return assay_for(await work.assays.assay(assay_id), raw=work.reads_raw)


async def report_assay(work: Work, assay_id: UUID) -> AssayReport:
    """An assay and what policy held it against, for a page to read and print.

    Raises:
        NotFound: there is none of that id.
    """
    kept, raw = await work.assays.assay(assay_id), work.reads_raw
    return AssayReport(assay=assay_for(kept, raw=raw), criteria=criteria_for(kept, raw=raw))


async def carry_assay(flow: Workflow[Dependencies], assay_id: UUID) -> None:
    """Carry an assay as far as it goes; asked again after a crash, it goes on where it was.

    Raises:
        Unavailable: policy does not answer; take the assay up again.
        Later: something is suspended that the assay of a new table needs.
    """
    async with flow.begin(Work, read_only=True) as work:
        assay, request = await work.assays.assay(assay_id), await work.assays.request(assay_id)
    if next_step(assay.state) == "measure":
        assay = await _measure(flow, assay, request)
    if next_step(assay.state) == "ask-release":
        await _ask_policy(flow, assay, request)


async def _measure(flow: Workflow[Dependencies], assay: KeptAssay, request: AssayRequest) -> KeptAssay:
    assay = await _save(flow, assay, state="measuring")
    objects = flow.dependencies.objects
    try:
        keys = await flow.dependencies.policy.assay_keys(request.permit_id, keys_for(request))
        suite = request.suite or keys.suite or STANDARD
        assay = await _save(flow, assay, suite=suite, figures=keys.figures)
        shares = await _shares(flow, request.declaration.population_id)
        found = await asyncio.to_thread(measure_objects, objects, request, keys, suite, shares)
    except Unavailable:
        raise
    except Invalid as error:
        return await _fail(flow, assay, request, str(error))
    except MoneyerError as error:
        if error.problem_code == SUSPENDED and assay.purpose == "release":
            # The table was paid for, and a vote may start again what is suspended.
            raise Later(RESUMING_TAKES) from error
        return await _fail(flow, assay, request, f"Policy refused the keys: {error.problem_code}.")
    except Exception as error:
        logger.exception("assay failed", exc_info=error)
        return await _fail(flow, assay, request, f"A measure failed: {place_of(error)['type']}.")
    estimates = [estimate_of(one) for one in found if isinstance(one, Estimate)]
    missing = [NotEstimable.model_validate(one) for one in found if not isinstance(one, Estimate)]
    return await _save(
        flow,
        assay,
        state="measured",
        estimates=[one.model_dump(mode="json") for one in estimates],
        not_estimable=[one.model_dump(mode="json") for one in missing],
    )


async def _shares(flow: Workflow[Dependencies], population_id: UUID) -> Shares:
    """The newest published shares of a population; none where nobody declared any."""
    async with flow.begin(Work, read_only=True) as work:
        newest = await work.shares.newest(population_id)
    return shares_as_numbers(newest.shares) if newest else {}


def measure_objects(
    objects: ObjectStore, request: AssayRequest, keys: AssayKeys, suite: str, shares: Shares
) -> Sequence[Measured]:
    """Open the tables in memory and measure them."""
    return measure_all(open_tables(objects, request, keys, shares), suite=suite)


async def _ask_policy(flow: Workflow[Dependencies], assay: KeptAssay, request: AssayRequest) -> None:
    try:
        verdict = await _verdict(flow, assay)
    except Unavailable:
        raise
    except MoneyerError as error:
        await _fail(flow, assay, request, f"Policy refused to decide: {error.problem_code}.")
        return
    await _end(flow, assay, request, "COMPLETE", state="done", release=verdict.model_dump(mode="json"))


async def _verdict(flow: Workflow[Dependencies], assay: KeptAssay) -> Release | Finding:
    policy, asset_id, estimates = flow.dependencies.policy, assay.asset_id, assay.estimates
    if assay.purpose == "release":
        return await policy.release(ReleaseRequest(asset_id=asset_id, assay_id=assay.id, estimates=estimates))
    found = FindingRequest(asset_id=asset_id, cause="re-assay", evidence=assay.id, estimates=estimates)
    return await policy.report(found)


async def _save(flow: Workflow[Dependencies], assay: KeptAssay, **values: object) -> KeptAssay:
    async with flow.begin(Work) as work:
        return await work.assays.save(assay.id, assay.state, **values)


async def _fail(flow: Workflow[Dependencies], assay: KeptAssay, request: AssayRequest, why: str) -> KeptAssay:
    return await _end(flow, assay, request, "FAIL", state="failed", failure=why)


async def _end(
    flow: Workflow[Dependencies], assay: KeptAssay, request: AssayRequest, event_type: str, **values: object
) -> KeptAssay:
    """Save how an assay ended, and say so in the audit log and in the record."""
    async with flow.begin(Work) as work:
        ended = await work.assays.save(assay.id, assay.state, finished_at=work.now, **values)
        # The record is read by many and published in part: it holds what is told to those without a right to more.
        shown = assay_for(ended, raw=False)
        details = {"assay": str(ended.id), "digest": digest(shown.model_dump(mode="json"))}
        event = AuditEvent(work.by, Action.ASSAY_FINISH, f"asset:{ended.asset_id}", ended.state, details)
        facet = shown.model_dump(mode="json", exclude={"requested_at": True, "estimates": {"__all__": {"details"}}})
        run = assay_event(event_type, ended.id, ended.asset_id, request.job, work.now, AssayFacet.model_validate(facet))
        await work.tell(event, lineage=[run])
    return ended
