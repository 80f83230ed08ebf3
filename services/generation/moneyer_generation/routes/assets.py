"""Released tables, for holders of a grant."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from moneyer_generation.downloads import part_of, render
from moneyer_generation.forms import MEDIA_TYPES, Form
from moneyer_generation.routes.flows import ReadersFlow
from moneyer_generation.routes.renderings import Renderings, pieces
from moneyer_generation.use_cases.assets import open_asset
from moneyer_generation.use_cases.descriptions import Standard, describe_asset
from moneyer_shared.errors import PreconditionFailed
from moneyer_shared.routes import Routes
from moneyer_shared.work import IfMatch

routes = Routes(prefix="/v1/assets", tag="assets")
READ = "generation:read"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CONTENT = {media.partition(";")[0]: _BINARY for media in MEDIA_TYPES.values()}


@routes.router.get(
    "/{asset_id}/table",
    operation_id="downloadAsset",
    summary="The released table",
    response_class=StreamingResponse,
    responses={
        200: {"content": _CONTENT},
        206: {"description": "The range asked for.", "content": _CONTENT},
        304: {"description": "It is there already, as If-None-Match says."},
    },
)
async def download(
    asset_id: UUID,
    request: Request,
    flow: ReadersFlow,
    form: Annotated[Form, Query(alias="format")] = "parquet",
    asked: Annotated[str | None, Header(alias="Range", description="One range of bytes.")] = None,
    if_range: Annotated[str | None, Header(description="The ETag a range was begun with.")] = None,
    if_match: Annotated[str | None, Header(description="ETags of which it must have one.")] = None,
    if_none_match: Annotated[str | None, Header(description="ETags of what is there already.")] = None,
) -> Response:
    opened = await open_asset(flow, asset_id)
    renderings: Renderings = request.app.state.renderings
    rendered = await renderings.of((asset_id, form), partial(render, opened.table, form, opened.file.delivered))
    headers, size = rendered.headers, len(rendered.spool)
    if if_match is not None and not IfMatch(if_match).meets(headers["ETag"]):
        raise PreconditionFailed("The table has another ETag than those named.", headers={"ETag": headers["ETag"]})
    if if_none_match is not None and _is_there(if_none_match, headers["ETag"]):
        return Response(status_code=NOT_MODIFIED, headers=headers)
    part = part_of(size, asked) if if_range in {None, headers["ETag"]} else None
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    sent = range(size) if part is None else part
    headers["Content-Length"] = str(len(sent))
    status = 200 if part is None else 206
    return StreamingResponse(pieces(rendered.spool, sent), status, headers, media_type=MEDIA_TYPES[form])


NOT_MODIFIED = 304


def _is_there(named: str, current: str) -> bool:
    """Whether a caller has it already: weak comparison, which both kinds of tags pass (RFC 9110 §13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in named.split(",")]
    return "*" in tags or current in tags


routes.add(
    "GET", "/{asset_id}/schema", describe_asset, "The released table's schema, in others' words", scope=READ,
    operation="describeAsset", given={"standard": Annotated[Standard, Query(alias="format")]},
)  # fmt: skip
