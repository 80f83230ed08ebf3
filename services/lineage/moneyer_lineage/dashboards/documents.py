"""What dashboards draw: flat rows or a flat object of JSON, as Grafana's Infinity data source reads them."""

from datetime import datetime

from pydantic import Field

from moneyer_lineage.dashboards.rules import INSTANT, Measure, Step, Stretch
from moneyer_shared.contracts.documents import Document, Moment

USUAL_STEPS = 168


class SeriesQuery(Document):
    """Which stretch of time, in which steps; 168 of them until now unless said."""

    step: Step = "hour"
    since: Moment | None = Field(default=None, description="The first step is the one that this time is in.")
    until: Moment | None = Field(default=None, description="The last step is the one that ends here or after.")

    def stretch(self, now: datetime) -> Stretch:
        until = self.until or now + INSTANT
        return Stretch.of(self.since, until, self.step) if self.since else Stretch.last(USUAL_STEPS, until, self.step)


class CountedMeasure(Document):
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
