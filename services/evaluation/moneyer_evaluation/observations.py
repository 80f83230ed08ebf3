"""What a monitor has not seen yet: another upload of a source, another version of shares, another batch of scores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from moneyer_evaluation.dependencies import Dependencies
from moneyer_evaluation.documents import KeptMonitor
from moneyer_evaluation.measures import drift
from moneyer_evaluation.rules import Measured, shares_as_numbers
from moneyer_evaluation.sealed_tables import keys_for, open_tables, open_uploads
from moneyer_evaluation.work import Work
from moneyer_shared.contracts.evaluation import AssayRequest
from moneyer_shared.contracts.generation import MissedPull
from moneyer_shared.contracts.policy import AssayKeysRequest
from moneyer_shared.work import Workflow


@dataclass(frozen=True)
class Observation:
    """Something new: what it is called, and how to measure it at a confidence; None of what is where a watch begins."""

    name: str
    measure: Callable[[float], Sequence[Measured]] | None


@dataclass(frozen=True)
class Observed:
    """What there is to look at, and the pull that should have brought something and did not."""

    new: Observation | None = None
    missed: MissedPull | None = None


async def next_upload(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observed:
    """The upload of the source that came next after the one that was seen last; at first the newest.

    So each is looked at once, however many came between two looks.
    """
    request = await _assay_request(flow, monitor.asset_id)
    assert request.source_id is not None
    after = UUID(monitor.seen) if monitor.seen is not None else None
    arrived = await flow.dependencies.generation.arrivals(request.source_id, after)
    held = arrived.following
    if held is None:
        return Observed(missed=arrived.missed)
    name = str(held.version_id)
    if held.train_object == request.train_object:
        return Observed(Observation(name, None), arrived.missed)
    asked = AssayKeysRequest(asset_id=request.asset_id, purpose="re-assay", others=[held.key_id])
    keys = await flow.dependencies.policy.assay_keys(request.permit_id, asked)
    objects = flow.dependencies.objects

    def measure(confidence: float) -> Sequence[Measured]:
        return drift.between(open_uploads(objects, request, keys, held), confidence)

    return Observed(Observation(name, measure), arrived.missed)


async def newest_shares(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observed:
    """The newest published shares of the population, if they were not seen."""
    request = await _assay_request(flow, monitor.asset_id)
    async with flow.begin(Work, read_only=True) as work:
        newest = await work.shares.newest(request.declaration.population_id)
    if newest is None or str(newest.id) == monitor.seen:
        return Observed()
    again = request.model_copy(update={"purpose": "re-assay"})
    keys = await flow.dependencies.policy.assay_keys(request.permit_id, keys_for(again))
    objects, shares = flow.dependencies.objects, shares_as_numbers(newest.shares)
    return Observed(
        Observation(
            str(newest.id),
            lambda confidence: drift.of_shares(open_tables(objects, again, keys, shares), confidence),
        )
    )


async def latest_scores(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observed:
    """The latest batch of scores, beside the first."""
    async with flow.begin(Work, read_only=True) as work:
        ends = await work.monitors.scores(monitor.id)
    if ends is None:
        return Observed()
    first, latest = ends
    return Observed(
        Observation(str(latest.id), lambda confidence: drift.of_scores(first.counts, latest.counts, confidence))
    )


async def _assay_request(flow: Workflow[Dependencies], asset_id: UUID) -> AssayRequest:
    async with flow.begin(Work, read_only=True) as work:
        return (await work.assays.release_assay(asset_id)).request


OBSERVE: Mapping[str, Callable[[Workflow[Dependencies], KeptMonitor], Awaitable[Observed]]] = {
    "source": next_upload,
    "shares": newest_shares,
    "scores": latest_scores,
}
"""How to find what is new, by the kind of a monitor's terms."""
