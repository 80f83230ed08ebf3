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
from moneyer_shared.contracts.policy import AssayKeysRequest
from moneyer_shared.work import Workflow


@dataclass(frozen=True)
class Observation:
    """Something to look at: what it is called, and how to measure it at a confidence."""

    name: str
    measure: Callable[[float], Sequence[Measured]]


async def newest_upload(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observation | None:
    """The newest upload of the source, if it is another than the asset was made from and than was seen."""
    request = await _assay_request(flow, monitor.asset_id)
    assert request.source_id is not None
    held = await flow.dependencies.generation.latest(request.source_id)
    if held.train_object == request.train_object or str(held.version_id) == monitor.seen:
        return None
    asked = AssayKeysRequest(asset_id=request.asset_id, purpose="re-assay", others=[held.key_id])
    keys = await flow.dependencies.policy.assay_keys(request.permit_id, asked)
    objects = flow.dependencies.objects
    return Observation(
        str(held.version_id),
        lambda confidence: drift.between(open_uploads(objects, request, keys, held), confidence),
    )


async def newest_shares(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observation | None:
    """The newest published shares of the population, if they were not seen."""
    request = await _assay_request(flow, monitor.asset_id)
    async with flow.begin(Work, read_only=True) as work:
        newest = await work.shares.newest(request.declaration.population_id)
    if newest is None or str(newest.id) == monitor.seen:
        return None
    again = request.model_copy(update={"purpose": "re-assay"})
    keys = await flow.dependencies.policy.assay_keys(request.permit_id, keys_for(again))
    objects, shares = flow.dependencies.objects, shares_as_numbers(newest.shares)
    return Observation(
        str(newest.id),
        lambda confidence: drift.of_shares(open_tables(objects, again, keys, shares), confidence),
    )


async def latest_scores(flow: Workflow[Dependencies], monitor: KeptMonitor) -> Observation | None:
    """The latest batch of scores, beside the first."""
    async with flow.begin(Work, read_only=True) as work:
        ends = await work.monitors.scores(monitor.id)
    if ends is None:
        return None
    first, latest = ends
    return Observation(str(latest.id), lambda confidence: drift.of_scores(first.counts, latest.counts, confidence))


async def _assay_request(flow: Workflow[Dependencies], asset_id: UUID) -> AssayRequest:
    async with flow.begin(Work, read_only=True) as work:
        return (await work.assays.release_assay(asset_id)).request


OBSERVE: Mapping[str, Callable[[Workflow[Dependencies], KeptMonitor], Awaitable[Observation | None]]] = {
    "source": newest_upload,
    "shares": newest_shares,
    "scores": latest_scores,
}
"""How to find what is new, by the kind of a monitor's terms."""
