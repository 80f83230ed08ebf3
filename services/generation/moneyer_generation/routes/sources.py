"""Sources and their uploads."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Header, Query, Request

from moneyer_generation.dependencies import Flow
from moneyer_generation.intake.receiving import spool_body
from moneyer_generation.routes.flows import flow_with
from moneyer_generation.use_cases.owners import check_may_upload
from moneyer_generation.use_cases.sources import (
    check_unit,
    forget_upload,
    get_held_version,
    get_source,
    list_source_versions,
    list_sources,
    register_source,
    seal_upload,
    upload_source,
)
from moneyer_generation.work import Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import Attempt, OptionalIdempotencyKey
from moneyer_shared.intake.header import Limits
from moneyer_shared.intake.uploads import ANY_BYTES, MEDIA_TYPES, Upload, media_type_of
from moneyer_shared.paging import PAGE
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/sources", tag="sources")
READ, WRITE = "generation:read", "generation:sources:write"
ENCODINGS: dict[str, Any] = {"enum": ["", "identity", "gzip", "zstd"]}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
TABLE = {"required": True, "content": dict.fromkeys((*MEDIA_TYPES, ANY_BYTES), _BINARY)}


async def _received(
    source_id: UUID,
    request: Request,
    flow: Annotated[Flow, flow_with(WRITE)],
    key: OptionalIdempotencyKey = None,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    content_encoding: Annotated[str, Header(description="gzip, zstd, or absent.", json_schema_extra=ENCODINGS)] = "",
) -> AsyncIterator[Upload]:
    """The table, spooled under seal; a stranger's is not even taken in."""
    async with flow.begin(Work, read_only=True) as work:
        await check_may_upload(work, source_id, key)
        declaration = (await get_source(work, source_id)).declaration.widest
    settings = flow.dependencies.settings
    media_type_of(content_type)
    limits = Limits(settings.maximum_upload_bytes, settings.maximum_table_bytes)
    spool = await spool_body(request.stream(), content_encoding.strip().lower(), limits)
    try:
        yield Upload(spool, media_type_of(content_type), declaration, limits, spool.sha256)
    finally:
        spool.close()


Received = Annotated[Upload, Depends(_received)]


DryRun = Annotated[Literal["true", "false"], Query(description="true: check all, say what was found, keep nothing.")]


async def _attempt(
    request: Request, upload: Received, key: OptionalIdempotencyKey = None, dry_run: DryRun = "false"
) -> Attempt:
    """A dry run has no effect that a repeat could have twice: its key is not used up."""
    if key is None or dry_run == "true":
        return Attempt(None, "")
    return Attempt(key, digest([request.url.path, upload.media_type, upload.sha256]))


routes.add(
    "POST", "", register_source, "Declare a source", scope=WRITE, status=201, once="may", first=check_unit,
    location="/v1/sources/{id}", extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)  # fmt: skip
routes.add(
    "GET",
    "",
    list_sources,
    "All sources, or those that are named",
    scope=READ,
    page="id",
    given={"source": Annotated[list[UUID] | None, Query(max_length=PAGE, description="Only these")]},
)
routes.add("GET", "/{source_id}", get_source, "A source's declaration", scope=READ)
routes.add("GET", "/{source_id}/versions", list_source_versions, "A source's uploads", scope=READ)
routes.add(
    "GET", "/{source_id}/held", get_held_version, "Where the newest upload lies sealed", scope="generation:objects:read"
)
routes.add(
    "POST", "/{source_id}/versions", upload_source, "Upload the table; it is checked, split and sealed",
    scope=WRITE, status=201, once=Annotated[Attempt, Depends(_attempt)], given={"upload": Received, "dry_run": DryRun},
    first=seal_upload, undo=forget_upload, also={200: TableReport},
    location="/v1/sources/{source_id}/versions/{id}",
    extra={"openapi_extra": {LARGEST_BODY: None, "requestBody": TABLE}},
)  # fmt: skip
