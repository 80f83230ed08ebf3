"""What runs of domain-discovery found, and the declaration of a source that follows from it."""

from uuid import UUID

from moneyer_generation.documents.measurements import MeasuredDomain
from moneyer_generation.store.runs import Run
from moneyer_generation.use_cases.owners import owner_of_source
from moneyer_generation.work import Work
from moneyer_shared.errors import NotFound
from moneyer_shared.ownership import check_own


async def get_measured_domain(work: Work, run_id: UUID) -> MeasuredDomain:
    """What a run measured; it was paid for, and is read as often as somebody likes.

    Raises:
        NotFound: there is no such run, or it measured nothing.
        Forbidden: neither the run nor its source is the caller's.
    """
    run = await work.runs.run(run_id)
    check_own(await owner_of_source(work, run.plan.source_id), work.by, "The source of this measurement", run.requester)
    return _domain_of(run)


def _domain_of(run: Run) -> MeasuredDomain:
    if run.measured is None:
        raise NotFound(f"Generation {run.id} has measured no domain.")
    return MeasuredDomain(
        columns=run.measured.columns,
        run_id=run.id,
        source_id=run.plan.source_id,
        source_version_id=run.source_version_id,
        population_id=run.offer.population_id,
        engine_version=run.offer.engine_version,
        guarantee=run.offer.guarantee,
    )
