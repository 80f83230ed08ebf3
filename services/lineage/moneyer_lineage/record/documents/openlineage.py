"""OpenLineage events as they come (OpenLineage 2-0-2), and what became of them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from moneyer_lineage.record.rules.shapes import Json
from moneyer_shared.contracts.documents import Document, Moment

MOST_DATASETS = 10_000
"""In and out of one run: an event of more says them in several."""
MOST_NAME_BYTES = 2_000
Label = Annotated[str, Field(min_length=1, max_length=2000)]


class Open(BaseModel):
    """OpenLineage lets producers add members; what we do not read we keep.

    Facets may be anything: what is none of the shape it should be stays in the event and is left out of what is shown.
    """

    model_config = ConfigDict(extra="allow")


class Named(Open):
    namespace: Label
    name: Label

    @model_validator(mode="after")
    def _fits_an_index(self) -> "Named":
        taken = len(f"{self.namespace}{self.name}".encode("utf-8", "surrogatepass"))
        if taken > MOST_NAME_BYTES:
            message = f"namespace and name may take {MOST_NAME_BYTES} bytes of UTF-8 together, and take {taken}"
            raise ValueError(message)
        return self


class OpenLineageRun(Open):
    """``runId`` may be written in capitals, in braces, without hyphens or as a URN: it is one run."""

    runId: UUID  # noqa: N815 - OpenLineage's spelling


def _text(said: object) -> object:
    if not isinstance(said, str) or not said[:1].isdigit() or said.replace(".", "", 1).isdigit():
        message = "eventTime is text, such as 2026-01-31T12:00:00Z"
        raise ValueError(message)
    return said


EventTime = Annotated[Moment, BeforeValidator(_text)]


class OpenLineageEvent(Open):
    """A run, job or dataset event of OpenLineage 2-0-2."""

    eventTime: EventTime  # noqa: N815
    producer: Label
    schemaURL: Label  # noqa: N815
    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] | None = None  # noqa: N815
    run: OpenLineageRun | None = None
    job: Named | None = None
    dataset: Named | None = None
    inputs: Annotated[list[Named], Field(max_length=MOST_DATASETS)] | None = None
    outputs: Annotated[list[Named], Field(max_length=MOST_DATASETS)] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "OpenLineageEvent":
        if self.run is not None and self.job is None:
            message = "a run event names its job"
            raise ValueError(message)
        if self.run is None and self.job is None and self.dataset is None:
            message = "an event tells of a run, a job or a dataset"
            raise ValueError(message)
        return self


class FailedEvent(Document):
    """An event of a batch that was not taken, by its place, and why."""

    index: int
    reason: str
    retriable: bool = False


class BatchSummary(Document):
    received: int
    successful: int
    failed: int
    retriable: int = 0
    non_retriable: int


class BatchReceipt(Document):
    """What became of a batch (OpenLineage, ``/lineage/batch``)."""

    status: Literal["success", "partial_success"]
    summary: BatchSummary
    failed_events: list[FailedEvent]


class Forward(Document):
    """How far another sink has been told; ``waiting`` events are still to be, and ``refused`` it would not have."""

    sink: str
    at: Moment
    refused: int
    waiting: int


class RecordedEvent(Document):
    """An OpenLineage event as it came, and who told it; ``vouched`` if that was a service of the house."""

    id: UUID
    event_time: Moment
    received_at: Moment
    vouched: bool
    told_by: str | None
    event: Json


def schemas() -> Json:
    """The schema of a body that is read by hand, because it may be compressed."""
    schema: Json = OpenLineageEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: Json = schema.pop("$defs", {})
    return inner | {"OpenLineageEvent": schema}
