"""OpenLineage events and the outboxes of the services taken in."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from moneyer_lineage.api.words import DELIVER, READ, WRITE, AuditLeaf, InArchive, leaf_of
from moneyer_lineage.domain.names import check_speaker
from moneyer_lineage.domain.told import Told
from moneyer_lineage.store.forwards import ForwardStore
from moneyer_lineage.use_cases.events import heard, take_events
from moneyer_lineage.use_cases.log import Leaf, append_leaves
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.contracts.lineage import Deliveries, Receipt, Refusal
from moneyer_shared.documents import LONG, apart, check_storable, read_body
from moneyer_shared.doors import LARGEST_BODY, WHEN_TOO_LARGE
from moneyer_shared.errors import Conflict, Invalid, MoneyerError, TooLarge, UnsupportedMedia
from moneyer_shared.inflate import unzip
from moneyer_shared.web import faults

router = APIRouter(tags=["lineage"])
MOST_BYTES = 8 * 2**20
MOST_BYTES_DELIVERED = 4 * MOST_BYTES
MOST_IN_BATCH = 2_000
MOST_DATASETS = 10_000
"""In and out of one run: an event of more says them in several."""
TOO_LARGE = (
    f"A body may hold {MOST_BYTES} bytes once unpacked, be it an event or a batch, and nothing of this one was kept. "
    "Send fewer events at once, and leave large facets out, such as spark.logicalPlan, spark_unknown and sourceCode."
)
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


def _text(said: Any) -> Any:
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


_EVENT = TypeAdapter(OpenLineageEvent)


@router.post(
    "/api/v1/lineage",
    status_code=201,
    response_class=Response,
    operation_id="postLineage",
    summary="Take an OpenLineage 2-0-2 event",
    openapi_extra={
        LARGEST_BODY: MOST_BYTES,
        WHEN_TOO_LARGE: TOO_LARGE,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenLineageEvent"}}},
        },
    },
)
async def post_lineage(request: Request, archive: InArchive, caller: Caller = WRITE) -> Response:
    event = await _read(request)
    try:
        told = await apart(_told, event, caller, vouched=False)
    except ValidationError as error:
        raise Invalid("The event does not fit its schema.", reasons=faults(error)) from None
    await take_events(archive, [told])
    return Response(status_code=201)


class FailedEvent(Document):
    """An event of a batch that was not taken, by its place, and why."""

    index: int
    reason: str
    retriable: bool = False


class Summary(Document):
    received: int
    successful: int
    failed: int
    retriable: int = 0
    non_retriable: int


class BatchReceipt(Document):
    """What became of a batch (OpenLineage, ``/lineage/batch``)."""

    status: Literal["success", "partial_success"]
    summary: Summary
    failed_events: list[FailedEvent]


@router.post(
    "/api/v1/lineage/batch",
    operation_id="postLineageBatch",
    summary="Take many OpenLineage events; each that does not fit is named, the others are kept",
    openapi_extra={
        LARGEST_BODY: MOST_BYTES,
        WHEN_TOO_LARGE: TOO_LARGE,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/OpenLineageEvent"}}
                }
            },
        },
    },
)
async def post_batch(request: Request, archive: InArchive, caller: Caller = WRITE) -> BatchReceipt:
    batch = await _read(request)
    if not isinstance(batch, list) or not 0 < len(batch) <= MOST_IN_BATCH:
        raise Invalid(f"A batch is a list of 1 to {MOST_IN_BATCH} events.", code="batch-unreadable")
    told, failed = await apart(_sorted_out, batch, caller)
    await take_events(archive, told)
    lost = len(failed)
    summary = Summary(received=len(batch), successful=len(told), failed=lost, non_retriable=lost)
    status: Literal["success", "partial_success"] = "partial_success" if failed else "success"
    return BatchReceipt(status=status, summary=summary, failed_events=failed)


def _sorted_out(batch: list[Any], caller: Caller) -> tuple[list[Told], list[FailedEvent]]:
    """The events of a batch that can be taken, and those that cannot."""
    told: list[Told] = []
    failed: list[FailedEvent] = []
    for index, event in enumerate(batch):
        try:
            told.append(_told(event, caller, vouched=False))
        except ValidationError as error:
            failed.append(FailedEvent(index=index, reason=f"It does not fit its schema: {faults(error)[0]['message']}"))
        except MoneyerError as error:
            failed.append(FailedEvent(index=index, reason=str(error)))
    return told, failed


async def _read(request: Request) -> Any:
    """What a producer says, plain or compressed; FastAPI does not decode it. Producers count in 64 bits.

    Raises:
        TooLarge: it holds more than an event may, as sent or decoded.
        Invalid: it is no JSON that is read in one way, or no gzip.
    """
    body = await request.body()
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding == "gzip":
        body = await _unpacked(body)
    elif encoding not in {"", "identity"}:
        raise UnsupportedMedia(f"Content-Encoding {encoding[:50]} is not accepted; send gzip or none.")
    return await read_body(body, largest=MOST_BYTES, whole_numbers_to=LONG)


async def _unpacked(body: bytes) -> bytes:
    try:
        return await apart(unzip, body, most=MOST_BYTES)
    except TooLarge:
        raise TooLarge(TOO_LARGE) from None


def _told(raw: Any, caller: Caller, *, vouched: bool) -> Told:
    """An event as it came, so that it comes back out so, its time, and who told it.

    Raises:
        ValidationError: it is no event of OpenLineage.
        Invalid: it holds what Postgres cannot keep.
    """
    event = _EVENT.validate_python(raw)
    check_storable(raw)
    return heard(raw, event.eventTime, by=caller.subject, vouched=vouched)


@router.post(
    "/v1/deliveries",
    operation_id="takeDeliveries",
    summary="Take what a service's outbox holds, in order",
    openapi_extra={LARGEST_BODY: MOST_BYTES_DELIVERED},
)
async def deliver(deliveries: Deliveries, archive: InArchive, caller: Caller = DELIVER) -> Receipt:
    """One that cannot be taken is refused by itself; one that was taken before changes nothing.

    Audit events of another service refuse the whole: that is a fault of settings, or worse, and nothing is lost by it.
    """
    speaker = archive.speakers.get(caller.client)
    for item in deliveries.items:
        if item.kind == "audit" and "service" in item.payload:
            check_speaker(str(item.payload["service"]), speaker)
    refused: dict[UUID, MoneyerError] = {}
    leaves: dict[UUID, Leaf] = {}
    told: list[Told] = []
    for item in deliveries.items:
        try:
            if item.kind == "audit":
                leaves[item.id] = leaf_of(AuditLeaf.model_validate(item.payload))
            else:
                told.append(_told(item.payload, caller, vouched=True))
        except MoneyerError as error:
            refused[item.id] = error
        except ValidationError as error:
            refused[item.id] = Invalid(f"The {item.kind} event does not fit its schema.", reasons=faults(error))
    await take_events(archive, told)
    places = await append_leaves(archive, list(leaves.values()))
    refused |= {key: place for key, place in zip(leaves, places, strict=True) if isinstance(place, Conflict)}
    return Receipt(refused=[Refusal(id=key, problem=error.problem()) for key, error in refused.items()])


class Forward(Document):
    """How far another sink has been told; ``waiting`` events are still to be, and ``refused`` it would not have."""

    sink: str
    at: Moment
    refused: int
    waiting: int


@router.get("/v1/forwards", operation_id="listForwards", summary="How far other sinks of OpenLineage have been told")
async def forwards(archive: InArchive, _: Caller = READ) -> list[Forward]:
    async with archive.database.transaction() as connection:
        rows = await ForwardStore(connection).sinks()
    return [Forward(sink=row.sink, at=row.at, refused=row.refused, waiting=row.waiting) for row in rows]


def schemas() -> dict[str, Any]:
    """The schema of a body that is read by hand, because it may be compressed."""
    schema: dict[str, Any] = OpenLineageEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return inner | {"OpenLineageEvent": schema}
