"""What dashboards draw: series of counts and of figures, a summary of now, and events a page at a time.

Every answer is flat rows or a flat object of JSON, as Grafana's Infinity data source reads them.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from moneyer_lineage.api.words import READ, InArchive, Name
from moneyer_lineage.domain.series import INSTANT, MEASURES, Measure, Step, Stretch
from moneyer_lineage.store.counts import CountStore
from moneyer_lineage.store.events import EventStore
from moneyer_lineage.use_cases import summary as use_cases
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["dashboards"])
USUAL_STEPS = 168


class Drawn(Document):
    """Which stretch of time, in which steps; 168 of them until now unless said."""

    step: Step = "hour"
    since: Moment | None = Field(default=None, description="The first step is the one that this time is in.")
    until: Moment | None = Field(default=None, description="The last step is the one that ends here or after.")

    def stretch(self, now: datetime) -> Stretch:
        until = self.until or now + INSTANT
        return Stretch.of(self.since, until, self.step) if self.since else Stretch.last(USUAL_STEPS, until, self.step)


class MeasureShown(Document):
    measure: Measure
    counts: str


class Count(Document):
    """How many of a kind there were in the step that begins at ``time``."""

    time: Moment
    label: str
    value: int


class Middle(Document):
    """The median of a figure of the assays of assets planned in the step that begins at ``time``, by generator."""

    time: Moment
    label: str
    value: float
    n: int


class Summary(Document):
    """What there is now. Counts of events and decisions are of all time; waiting ones are counted up to 10,000."""

    at: Moment
    assets: dict[str, int]
    decisions: dict[str, int]
    releases: dict[str, int]
    runs: dict[str, int]
    events: int
    events_uncounted: int
    models: int
    model_versions: int
    log_leaves: int
    checkpoint_leaves: int
    checkpoint_at: Moment | None
    webhooks: int
    deliveries_waiting: int
    deliveries_given_up: int
    forwards_waiting: int


class EventShown(Document):
    """An OpenLineage event as it came, and who told it; ``vouched`` if that was a service of the house."""

    id: UUID
    event_time: Moment
    received_at: Moment
    vouched: bool
    told_by: str | None
    event: dict[str, Any]


@router.get("/series", operation_id="listSeries", summary="What is counted")
async def list_series(_: Caller = READ) -> list[MeasureShown]:
    return [MeasureShown(measure=measure, counts=what) for measure, what in MEASURES.items()]


@router.get("/series/{measure}", operation_id="getSeries", summary="Counts by hour, day or week, by kind")
async def get_series(
    measure: Measure, drawn: Annotated[Drawn, Query()], archive: InArchive, _: Caller = READ
) -> list[Count]:
    """A step in which nothing of a kind was told says 0. What was told last is counted within seconds."""
    stretch = drawn.stretch(archive.clock())
    async with archive.database.transaction() as connection:
        found = await CountStore(connection).series(measure, stretch.since, stretch.end, stretch.step)
    return [Count(time=time, label=label, value=value) for time, label, value in stretch.filled(found)]


@router.get("/figures/{metric}", operation_id="getFigureSeries", summary="Medians of a figure of assays, by generator")
async def get_figures(
    metric: Name, drawn: Annotated[Drawn, Query()], archive: InArchive, _: Caller = READ
) -> list[Middle]:
    """Of the assays that assets were decided on by; a step in which none was planned is left out."""
    stretch = drawn.stretch(archive.clock())
    async with archive.database.transaction() as connection:
        rows = await CountStore(connection).figures(metric, stretch.since, stretch.end, stretch.step)
    return [Middle(time=row.begin, label=row.generator or "", value=row.median, n=row.n) for row in rows]


@router.get("/summary", operation_id="getSummary", summary="What there is now, in a handful of figures")
async def get_summary(archive: InArchive, _: Caller = READ) -> Summary:
    return Summary.model_validate(await use_cases.summary(archive))


@router.get("/events", operation_id="listEvents", summary="OpenLineage events as they came, the latest first")
async def list_events(
    archive: InArchive,
    pages: Pages,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    after: Annotated[UUID | None, Query(description="The event that the page before ended with.")] = None,
    _: Caller = READ,
) -> list[EventShown]:
    async with archive.database.transaction() as connection:
        rows = await EventStore(connection).page(since, until, after)
    pages.follow(rows)
    return [EventShown.model_validate(row, from_attributes=True) for row in rows]
