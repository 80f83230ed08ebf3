"""Released tables, for holders of a grant."""

from typing import Annotated
from uuid import UUID

from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from moneyer_generation.downloads import part_of, render
from moneyer_generation.forms import MEDIA_TYPES, Form
from moneyer_generation.routes.flows import ReadersFlow
from moneyer_generation.use_cases.assets import open_asset
from moneyer_generation.use_cases.descriptions import Standard, describe_asset
from moneyer_shared.errors import RangeNotSatisfiable
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/assets", tag="assets")
READ = "generation:read"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CONTENT = {media.partition(";")[0]: _BINARY for media in MEDIA_TYPES.values()}


@routes.router.get(
    "/{asset_id}/table",
    operation_id="downloadAsset",
    summary="The released table",
    response_class=StreamingResponse,
    responses={200: {"content": _CONTENT}, 206: {"description": "The range asked for.", "content": _CONTENT}},
)
async def download(
    asset_id: UUID,
    flow: ReadersFlow,
    form: Annotated[Form, Query(alias="format")] = "parquet",
    asked: Annotated[str | None, Header(alias="Range", description="One range of bytes.", max_length=100)] = None,
    if_range: Annotated[str | None, Header(description="The ETag a range was begun with.", max_length=200)] = None,
) -> StreamingResponse:
    opened = await open_asset(flow, asset_id)
    rendered = await run_in_threadpool(render, opened.table, form, opened.file.delivered)
    headers, size = rendered.headers, len(rendered.spool)
    try:
        part = part_of(size, asked) if if_range in {None, headers["ETag"]} else None
    except RangeNotSatisfiable:
        rendered.spool.close()
        raise
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    sent = range(size) if part is None else part
    headers["Content-Length"] = str(len(sent))
    status = 200 if part is None else 206
    return StreamingResponse(rendered.pieces(sent), status, headers, media_type=MEDIA_TYPES[form])


routes.add(
    "GET", "/{asset_id}/schema", describe_asset, "The released table's schema, in others' words", scope=READ,
    operation="describeAsset", given={"standard": Annotated[Standard, Query(alias="format")]},
)  # fmt: skip
