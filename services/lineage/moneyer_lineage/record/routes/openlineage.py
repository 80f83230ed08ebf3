"""OpenLineage events and the outboxes of the services taken in.

Events may be compressed, and are kept as they came: their bodies are read by hand.
"""

from typing import Annotated, Any

from fastapi import Request, Response

from moneyer_lineage.dependencies import Dependencies
from moneyer_lineage.record.documents.openlineage import BatchReceipt
from moneyer_lineage.record.use_cases import events, facets, forwards
from moneyer_shared.auth import Caller, requires
from moneyer_shared.documents import LONG, apart, read_body
from moneyer_shared.doors import LARGEST_BODY, WHEN_TOO_LARGE
from moneyer_shared.errors import TooLarge, UnsupportedMedia
from moneyer_shared.inflate import unzip
from moneyer_shared.routes import Routes

READ, WRITE = "lineage:read", "lineage:events:write"
DELIVER = "lineage:deliveries:write"
MOST_BYTES = 8 * 2**20
MOST_BYTES_DELIVERED = 4 * MOST_BYTES
TOO_LARGE = (
    f"A body may hold {MOST_BYTES} bytes once unpacked, be it an event or a batch, and nothing of this one was kept. "
    "Send fewer events at once, and leave large facets out, such as spark.logicalPlan, spark_unknown and sourceCode."
)
EVENT = {"$ref": "#/components/schemas/OpenLineageEvent"}
routes = Routes(prefix="", tag="lineage")
facet_routes = Routes(prefix="/facets/1-0-0", tag="facets")


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        LARGEST_BODY: MOST_BYTES,
        WHEN_TOO_LARGE: TOO_LARGE,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
    }


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


@routes.router.post(
    "/api/v1/lineage",
    status_code=201,
    response_class=Response,
    operation_id="postLineage",
    summary="Take an OpenLineage 2-0-2 event",
    openapi_extra=_body(EVENT),
)
async def post_lineage(request: Request, caller: Annotated[Caller, requires(WRITE)]) -> Response:
    dependencies: Dependencies = request.app.state.dependencies
    await events.post_lineage(dependencies, await _read(request), by=caller.subject)
    return Response(status_code=201)


@routes.router.post(
    "/api/v1/lineage/batch",
    operation_id="postLineageBatch",
    summary="Take many OpenLineage events; each that does not fit is named, the others are kept",
    openapi_extra=_body({"type": "array", "items": EVENT}),
)
async def post_batch(request: Request, caller: Annotated[Caller, requires(WRITE)]) -> BatchReceipt:
    dependencies: Dependencies = request.app.state.dependencies
    return await events.post_lineage_batch(dependencies, await _read(request), by=caller.subject)


routes.add(
    "POST", "/v1/deliveries", events.take_deliveries, "Take what a service's outbox holds, in order", scope=DELIVER,
    extra={
        "openapi_extra": {LARGEST_BODY: MOST_BYTES_DELIVERED},
        "description": (
            "One that cannot be taken is refused by itself; one that was taken before changes nothing.\n\n"
            "Audit events of another service refuse the whole: that is a fault of settings, or worse, and nothing is "
            "lost by it."
        ),
    },
)  # fmt: skip
routes.add(
    "GET", "/v1/forwards", forwards.list_forwards, "How far other sinks of OpenLineage have been told", scope=READ
)
facet_routes.add("GET", "/{name}.json", facets.get_facet_schema, "The JSON Schema of a facet", scope=None)
