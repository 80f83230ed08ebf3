"""The audit log: leaves in; entries, proofs, tiles and checkpoints out."""

from typing import Annotated

from fastapi import Query, Response
from fastapi.responses import PlainTextResponse

from moneyer_lineage.log import use_cases as log
from moneyer_lineage.log.documents import Size
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="log")
READ = "lineage:read"
DELIVER = "lineage:deliveries:write"
"""For the services of the house alone: what they deliver is vouched for, and stands in the log."""
BYTES = "application/octet-stream"
TILE = {"response_class": Response, "responses": {200: {"content": {BYTES: {}}}}}
TEXT = {"response_class": PlainTextResponse}
FIRST = Annotated[Size, Query(alias="from", description="The size of a checkpoint you hold.")]
SECOND = Annotated[Size, Query(alias="to", description="The size of a later one.")]


def _bytes(content: bytes) -> Response:
    return Response(content, media_type=BYTES)


routes.add("POST", "/audit-events", log.append_audit_event, "Give an audit event its place", scope=DELIVER, status=201)
routes.add("GET", "/log/entries", log.list_log_entries, "The log's leaves, in order", scope=READ, page="index")
routes.add("GET", "/log/entries/{index}/proof", log.prove_log_entry, "An inclusion proof", scope=READ)
routes.add(
    "GET", "/log/checkpoint", log.get_checkpoint, "The newest signed checkpoint (C2SP signed note)", scope=READ,
    render=PlainTextResponse, extra=TEXT,
)  # fmt: skip
routes.add(
    "GET", "/log/key", log.get_log_key, "The key that checkpoints are verified with", scope=None,
    render=PlainTextResponse, extra=TEXT,
)  # fmt: skip
routes.add(
    "GET", "/log/consistency", log.prove_consistency, "That the log only grew", scope=READ,
    given={"first": FIRST, "second": SECOND},
)  # fmt: skip
routes.add(
    "GET", "/log/tile/entries/{path:path}", log.get_entries_tile, "A bundle of 256 entries (C2SP tlog-tiles)",
    scope=READ, render=_bytes, extra=TILE,
)  # fmt: skip
routes.add(
    "GET", "/log/tile/{level}/{path:path}", log.get_tile, "A tile of 256 hashes (C2SP tlog-tiles)",
    scope=READ, render=_bytes, extra=TILE,
)  # fmt: skip
routes.add("GET", "/log/outposts", log.list_outposts, "Who outside holds which checkpoint", scope=READ)
