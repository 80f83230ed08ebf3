"""Sources and their uploads."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from moneyer_generation.documents import SourceShown, SourceVersionShown
from moneyer_generation.intake.receiving import Limits, spool_body
from moneyer_generation.intake.uploads import MEDIA_TYPES, Upload
from moneyer_generation.routes.workshop import InWorkshop
from moneyer_generation.store import Store
from moneyer_generation.use_cases import sources as use_cases
from moneyer_generation.use_cases.owners import check_may_upload
from moneyer_shared.auth import Caller, requires
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.generation import HeldVersion, SourceDeclaration
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.idempotency import Attempt, OptionalIdempotencyKey, ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1/sources", tags=["sources"])
READ = requires("generation:read")
WRITE = requires("generation:sources:write")
ENCODINGS: dict[str, Any] = {"enum": ["", "identity", "gzip"]}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "",
    status_code=201,
    response_model=SourceShown,
    operation_id="registerSource",
    summary="Declare a source",
    openapi_extra={LARGEST_BODY: 8 * 2**20},
)
async def register(
    declaration: SourceDeclaration,
    workshop: InWorkshop,
    attempt: ThisAttempt,
    caller: Caller = WRITE,
) -> JSONResponse:
    return (await use_cases.register(workshop, declaration, by=caller.subject, attempt=attempt)).response()


@router.get("", operation_id="listSources", summary="All sources")
async def list_sources(
    workshop: InWorkshop, pages: Pages, after: Annotated[UUID | None, Query()] = None, _: Caller = READ
) -> list[SourceShown]:
    async with workshop.database.transaction() as connection:
        rows = await Store(connection).sources(after)
    pages.follow(rows)
    return [SourceShown.model_validate(use_cases.show_source(row)) for row in rows]


@router.get("/{source_id}", operation_id="getSource", summary="A source's declaration")
async def get_source(source_id: UUID, workshop: InWorkshop, _: Caller = READ) -> SourceShown:
    async with workshop.database.transaction() as connection:
        row = await Store(connection).source(source_id)
    return SourceShown.model_validate(use_cases.show_source(row))


@router.get("/{source_id}/versions", operation_id="listSourceVersions", summary="A source's uploads")
async def list_versions(source_id: UUID, workshop: InWorkshop, caller: Caller = READ) -> list[SourceVersionShown]:
    async with workshop.database.transaction() as connection:
        store = Store(connection)
        await store.source(source_id)
        rows = await store.versions(source_id)
    return [SourceVersionShown.model_validate(use_cases.show_version(row, to=caller.subject)) for row in rows]


@router.get("/{source_id}/held", operation_id="getHeldVersion", summary="Where the newest upload lies sealed")
async def held(source_id: UUID, workshop: InWorkshop, _: Caller = requires("generation:objects:read")) -> HeldVersion:
    return await use_cases.held(workshop, source_id)


@router.post(
    "/{source_id}/versions",
    status_code=201,
    response_model=SourceVersionShown,
    operation_id="uploadSource",
    summary="Upload the table; it is checked, split and sealed",
    openapi_extra={
        LARGEST_BODY: None,
        "requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _BINARY)},
    },
)
async def upload(
    source_id: UUID,
    request: Request,
    workshop: InWorkshop,
    key: OptionalIdempotencyKey = None,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    content_encoding: Annotated[str, Header(description="gzip, or absent.", json_schema_extra=ENCODINGS)] = "",
    caller: Caller = WRITE,
) -> JSONResponse:
    # Before the table is read: a stranger's is not even taken in.
    await check_may_upload(workshop, source_id, by=caller.subject, key=key)
    declaration = await use_cases.declaration_of(workshop, source_id)
    limits = Limits(workshop.settings.maximum_upload_bytes, workshop.settings.maximum_table_bytes)
    spool = await spool_body(request.stream(), content_encoding.strip().lower(), limits)
    try:
        media_type = content_type.partition(";")[0].strip().lower()
        attempt = Attempt(key, digest([request.url.path, media_type, spool.sha256]) if key else "")
        sent = Upload(spool, media_type, declaration, limits)
        reply = await use_cases.upload(workshop, source_id=source_id, upload=sent, by=caller.subject, attempt=attempt)
    finally:
        spool.close()
    return reply.response()
