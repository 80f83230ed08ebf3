"""What runs of domain-discovery found, and the declaration of a source that follows from it."""

from collections.abc import Mapping
from uuid import UUID

from moneyer_generation.documents.measurements import MeasuredDomain, NewName
from moneyer_generation.store.runs import Run
from moneyer_generation.use_cases.owners import source_owner
from moneyer_generation.work import Work
from moneyer_shared.contracts.documents import Document
from moneyer_shared.contracts.domains import CategoricalDomain, KnownDomain
from moneyer_shared.contracts.generation import Column, Origin, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee
from moneyer_shared.drafting.rules import rule_questions
from moneyer_shared.errors import Invalid, NotFound
from moneyer_shared.ownership import check_own

MEASURED = "measured"


async def get_measured_domain(work: Work, run_id: UUID) -> MeasuredDomain:
    """What a run measured; it was paid for, and is read as often as somebody likes.

    Raises:
        NotFound: there is no such run, or it measured nothing.
        Forbidden: neither the run nor its source is the caller's.
    """
    run = await work.runs.run(run_id)
    owner = await source_owner(work, run.plan.source_id)
    check_own(owner, work.by, "The source of this measurement", run.requester)
    if run.measured is None:
        raise NotFound(f"Generation {run_id} has measured no domain.")
    kinds = {column.name: column.domain.kind for column in run.measured.columns if column.domain is not None}
    return MeasuredDomain(
        columns=run.measured.columns,
        questions=rule_questions(kinds),
        run_id=run.id,
        source_id=run.plan.source_id,
        source_version_id=run.source_version_id,
        population_id=run.offer.population_id,
        engine_version=run.offer.engine_version,
        guarantee=run.offer.guarantee,
    )


async def draft_measured_source(work: Work, run_id: UUID, asked: NewName) -> SourceDeclaration:
    """The declaration of the source that was measured, under another name and with what was found; nothing is kept.

    Raises:
        NotFound: there is no such run, or it measured nothing.
        Forbidden: neither the run nor its source is the caller's.
    """
    measured = await get_measured_domain(work, run_id)
    declaration = (await work.sources.source(measured.source_id)).declaration
    found = {column.name: column.domain for column in measured.columns}
    columns = [_with_found(column, found.get(column.name), run_id) for column in declaration.columns]
    return declaration.model_copy(update={"name": asked.name, "columns": columns})


def _with_found(column: Column, domain: KnownDomain | None, run_id: UUID) -> Column:
    """A column with its measured domain; one of which nothing was found is still to be measured, or declared."""
    if domain is None:
        return column
    return column.model_copy(update={"domain": domain, "origin": Origin(kind=MEASURED, reference=str(run_id))})


async def measured_before(work: Work, declaration: SourceDeclaration) -> Mapping[UUID, Guarantee]:
    """What the runs earned, and were charged for, that measured the domains which are said to be measured.

    Raises:
        Invalid: a run named there is none that measured this very domain, of a column of this name and population.
    """
    paid: dict[UUID, Guarantee] = {}
    for column in declaration.columns:
        if column.origin is not None and column.origin.kind == MEASURED:
            run = await _run_named(work, column.origin)
            if run is None or not _measured(run, column, declaration.population_id):
                raise Invalid(
                    f"The domain of {column.name} is said to be measured, and the run its origin refers to is none of "
                    "this population that measured it so. Take the declaration that follows from the measurement as it "
                    "is, or say dictionary, person, standard or data.",
                    code="origin-measured",
                )
            paid[run.id] = run.offer.guarantee
    return paid


async def _run_named(work: Work, origin: Origin) -> Run | None:
    try:
        return await work.runs.find(UUID(origin.reference or ""))
    except ValueError:
        return None


def _measured(run: Run, column: Column, population_id: UUID) -> bool:
    """Whether a run that ended well, and paid from this population's budget, found exactly this."""
    if run.state != MEASURED or run.measured is None or run.guarantee != "proven":
        return False
    if run.offer.population_id != population_id:
        return False
    found = next((one.domain for one in run.measured.columns if one.name == column.name), None)
    return found is not None and _values(found) == _values(_without_catch_all(column, found))


def _without_catch_all(column: Column, found: KnownDomain) -> Document:
    """A column's domain less the category that its rule puts what is not listed under: that one is nobody's value."""
    listed = column.domain
    if not isinstance(listed, CategoricalDomain) or not isinstance(found, CategoricalDomain):
        return listed
    kept = [one for one in listed.categories if one != column.rule or one in found.categories]
    return listed.model_copy(update={"categories": kept})


def _values(domain: Document) -> dict[str, object]:
    """What a domain holds; how finely engines look at it is nobody's secret."""
    return domain.model_dump(mode="json", exclude={"bins"})
