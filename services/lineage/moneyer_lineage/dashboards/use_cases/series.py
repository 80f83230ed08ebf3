"""Series of counts and of figures, and events a page at a time."""

from uuid import UUID

from moneyer_lineage.dashboards.documents import Count, CountedMeasure, Middle, SeriesQuery
from moneyer_lineage.dashboards.rules import MEASURES, Measure
from moneyer_lineage.dashboards.store import CountStore
from moneyer_lineage.dependencies import Dependencies, Work
from moneyer_lineage.record.documents.graph import Name
from moneyer_lineage.record.documents.openlineage import RecordedEvent
from moneyer_lineage.record.store.events import EventStore
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.work import Workflow


async def list_series(flow: Workflow[Dependencies]) -> list[CountedMeasure]:
    """What is counted."""
    del flow
    return [CountedMeasure(measure=measure, counts=what) for measure, what in MEASURES.items()]


async def get_series(work: Work, measure: Measure, drawn: SeriesQuery) -> list[Count]:
    """Counts by hour, day or week, by kind; a step in which nothing of a kind was told says 0."""
    stretch = drawn.stretch(work.now)
    found = await CountStore(work.connection).series(measure, stretch.since, stretch.end, stretch.step)
    return [Count(time=time, label=label, value=value) for time, label, value in stretch.filled(found)]


async def get_figure_series(work: Work, metric: Name, drawn: SeriesQuery) -> list[Middle]:
    """Medians of a figure of the assays that assets were decided on by; a step without any is left out."""
    stretch = drawn.stretch(work.now)
    return await CountStore(work.connection).figures(metric, stretch.since, stretch.end, stretch.step)


async def list_events(
    work: Work, since: Moment | None = None, until: Moment | None = None, after: UUID | None = None
) -> list[RecordedEvent]:
    """OpenLineage events as they came, the latest first."""
    return await EventStore(work.connection).page(since, until, after)
