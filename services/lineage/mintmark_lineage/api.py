"""OpenLineage in; graph, records and proofs out."""

import gzip
import zlib
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from mintmark_lineage import use_cases
from mintmark_lineage.store import PAGE, Store
from mintmark_lineage.use_cases import Archive, Leaf, Told
from mintmark_shared.auth import Caller, requires
from mintmark_shared.canonical import canonical, check_storable
from mintmark_shared.contracts.lineage import Deliveries, Receipt, Refusal
from mintmark_shared.contracts.words import Document
from mintmark_shared.errors import Conflict, Invalid, MintmarkError, TooLarge, UnsupportedMedia
from mintmark_shared.web import faults

router = APIRouter(tags=["lineage"])
READ = requires("lineage:read")
WRITE = requires("lineage:events:write")
MOST_BYTES = 8 * 2**20
Label = Annotated[str, Field(min_length=1, max_length=2000)]


async def _archive(request: Request) -> Archive:
    archive: Archive = request.app.state.archive
    return archive


InArchive = Annotated[Archive, Depends(_archive)]


class Open(BaseModel):
    """OpenLineage lets producers add members; what we do not read we keep."""

    model_config = ConfigDict(extra="allow")


class Named(Open):
    namespace: Label
    name: Label


class ParentRun(Open):
    run: dict[str, Any]


class OpenLineageRun(Open):
    runId: UUID  # noqa: N815 - OpenLineage's spelling
    facets: dict[str, dict[str, Any]] | None = None

    @model_validator(mode="after")
    def _parent_is_whole(self) -> "OpenLineageRun":
        parent = (self.facets or {}).get("parent")
        if parent is not None and not isinstance((ParentRun.model_validate(parent)).run.get("runId"), str):
            message = "facets.parent.run.runId must be a string"
            raise ValueError(message)
        return self


class OpenLineageEvent(Open):
    """A run, job or dataset event of OpenLineage 2-0-2."""

    eventTime: AwareDatetime  # noqa: N815
    producer: Label
    schemaURL: Label  # noqa: N815
    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] | None = None  # noqa: N815
    run: OpenLineageRun | None = None
    job: Named | None = None
    dataset: Named | None = None
    inputs: list[Named] | None = None
    outputs: list[Named] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "OpenLineageEvent":
        if self.run is not None and self.job is None:
            message = "a run event names its job"
            raise ValueError(message)
        if self.run is None and self.job is None and self.dataset is None:
            message = "an event tells of a run, a job or a dataset"
            raise ValueError(message)
        return self


class AuditLeaf(Document):
    """An audit event as the log keeps it: ids, verdicts and digests."""

    id: UUID
    at: AwareDatetime
    service: Annotated[str, Field(max_length=50)]
    actor: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    action: Annotated[str, Field(max_length=100)]
    subject: Annotated[str, Field(max_length=200)]
    outcome: Annotated[str, Field(max_length=100)]
    details: dict[str, Any]


class Sequenced(Document):
    index: int


class LogEntry(Document):
    index: int
    leaf: str
    sequenced_at: datetime


class InclusionProof(Document):
    """RFC 9162 §2.1.3: hash ``leaf`` with 0x00, then each of ``proof``, up to the checkpoint's root."""

    index: int
    leaf: str
    proof: list[str]
    checkpoint: str


class DatasetNode(Document):
    namespace: str
    name: str


class RunNode(Document):
    id: str
    job: str


class Link(Document):
    """The way the data went."""

    model_config = ConfigDict(populate_by_name=True)

    start: Annotated[str, Field(alias="from")]
    to: str


class Graph(Document):
    datasets: list[DatasetNode]
    runs: list[RunNode]
    links: list[Link]


class HistoryEntry(Document):
    at: str
    type: str | None
    run: str
    job: str


class Record(Document):
    """How an asset came about: each part as the service that did it told it."""

    asset: UUID
    sources: list[str]
    plan: dict[str, Any] | None = None
    decision: dict[str, Any] | None = None
    charge: dict[str, Any] | None = None
    generation: dict[str, Any] | None = None
    assay: dict[str, Any] | None = None
    release: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    history: list[HistoryEntry]
    log_entries: list[int]


_EVENT = TypeAdapter(OpenLineageEvent)


@router.post(
    "/api/v1/lineage",
    status_code=201,
    response_class=Response,
    operation_id="postLineage",
    summary="Take an OpenLineage 2-0-2 event",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OpenLineageEvent"}}},
        }
    },
)
async def post_lineage(request: Request, archive: InArchive, _: Caller = WRITE) -> Response:
    body = await _decoded(request)
    try:
        event = _EVENT.validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    await use_cases.take_events(archive, [_told(event)])
    return Response(status_code=201)


def _told(event: OpenLineageEvent) -> Told:
    raw = event.model_dump(mode="json", exclude_unset=True)
    check_storable(raw)
    return raw, event.eventTime


def _leaf(leaf: AuditLeaf) -> Leaf:
    content = leaf.model_dump(mode="json")
    check_storable(content)
    return Leaf(leaf.id, leaf.subject, canonical(content))


@router.post("/v1/deliveries", operation_id="takeDeliveries", summary="Take what a service's outbox holds, in order")
async def deliver(deliveries: Deliveries, archive: InArchive, _: Caller = WRITE) -> Receipt:
    """One that cannot be taken is refused by itself; one that was taken before changes nothing."""
    refused: dict[UUID, MintmarkError] = {}
    leaves: dict[UUID, Leaf] = {}
    told: list[Told] = []
    for item in deliveries.items:
        try:
            if item.kind == "audit":
                leaves[item.id] = _leaf(AuditLeaf.model_validate(item.payload))
            else:
                told.append(_told(_EVENT.validate_python(item.payload)))
        except MintmarkError as error:
            refused[item.id] = error
        except ValidationError as error:
            refused[item.id] = Invalid(f"The {item.kind} event does not fit its schema.", reasons=faults(error))
    await use_cases.take_events(archive, told)
    places = await use_cases.append_leaves(archive, list(leaves.values()))
    refused |= {key: place for key, place in zip(leaves, places, strict=True) if isinstance(place, Conflict)}
    return Receipt(refused=[Refusal(id=key, problem=error.problem()) for key, error in refused.items()])


async def _decoded(request: Request) -> bytes:
    """The body, gunzipped where the producer compressed it; FastAPI does not."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise TooLarge(f"An event may hold {MOST_BYTES} bytes.")
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding in {"", "identity"}:
        return bytes(body)
    if encoding != "gzip":
        raise UnsupportedMedia(f"Content-Encoding {encoding} is not accepted; send gzip or none.")
    inflate = zlib.decompressobj(wbits=31)
    try:
        decoded = inflate.decompress(bytes(body), MOST_BYTES)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise Invalid("The gzip body is broken.") from error
    if inflate.unconsumed_tail:
        raise TooLarge(f"An event may hold {MOST_BYTES} bytes.")
    return decoded


@router.get("/v1/graph", operation_id="getGraph", summary="What lies upstream or downstream of a dataset")
async def get_graph(
    archive: InArchive,
    name: Annotated[str, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")],
    namespace: Annotated[str, Query(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")] = "mintmark.asset",
    direction: Annotated[Literal["upstream", "downstream"], Query()] = "upstream",
    depth: Annotated[int, Query(ge=1, le=50)] = 10,
    _: Caller = READ,
) -> Graph:
    found = await use_cases.graph(archive, namespace=namespace, name=name, direction=direction, depth=depth)
    return Graph.model_validate(found)


@router.get("/v1/records/{asset}", operation_id="getRecord", summary="How an asset came about")
async def get_record(asset: UUID, archive: InArchive, _: Caller = READ) -> Record:
    return Record.model_validate(await use_cases.record(archive, asset))


@router.post(
    "/v1/audit-events",
    status_code=201,
    operation_id="appendAuditEvent",
    summary="Give an audit event its place",
)
async def append(leaf: AuditLeaf, archive: InArchive, _: Caller = WRITE) -> Sequenced:
    (place,) = await use_cases.append_leaves(archive, [_leaf(leaf)])
    if isinstance(place, Conflict):
        raise place
    return Sequenced(index=place)


@router.get("/v1/log/entries", operation_id="listLogEntries", summary="The log's leaves, in order")
async def entries(
    archive: InArchive,
    response: Response,
    subject: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    after: Annotated[int, Query(ge=-1, lt=2**62)] = -1,
    _: Caller = READ,
) -> list[LogEntry]:
    async with archive.database.transaction() as connection:
        rows = await Store(connection).leaves(subject, after)
    if len(rows) == PAGE:
        response.headers["Link"] = f'</v1/log/entries?after={rows[-1].position}>; rel="next"'
    return [LogEntry(index=row.position, leaf=row.leaf.decode(), sequenced_at=row.sequenced_at) for row in rows]


@router.get("/v1/log/entries/{index}/proof", operation_id="proveLogEntry", summary="An inclusion proof")
async def proof(index: Annotated[int, Path(ge=0, lt=2**62)], archive: InArchive, _: Caller = READ) -> InclusionProof:
    return InclusionProof.model_validate(await use_cases.prove(archive, index))


@router.get(
    "/v1/log/checkpoint",
    operation_id="getCheckpoint",
    response_class=PlainTextResponse,
    summary="The newest signed checkpoint (C2SP signed note)",
)
async def checkpoint(archive: InArchive, _: Caller = READ) -> str:
    return await use_cases.checkpoint(archive)


@router.get(
    "/v1/log/key",
    operation_id="getLogKey",
    response_class=PlainTextResponse,
    summary="The key that checkpoints are verified with",
)
async def key(archive: InArchive) -> str:
    return archive.signer.verifier_key


def schemas() -> dict[str, Any]:
    """The schema of a body that is read by hand, because it may be compressed."""
    schema: dict[str, Any] = OpenLineageEvent.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return inner | {"OpenLineageEvent": schema}
