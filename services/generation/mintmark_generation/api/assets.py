"""Released tables, for holders of a grant."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from mintmark_generation.api.words import InWorkshop
from mintmark_generation.use_cases.assets import MEDIA_TYPES, Format, open_asset, render
from mintmark_shared.auth import Caller, requires

router = APIRouter(prefix="/v1/assets", tags=["assets"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/{asset_id}/table",
    operation_id="downloadAsset",
    summary="The released table",
    response_class=StreamingResponse,
    responses={200: {"content": {media.partition(";")[0]: _BINARY for media in MEDIA_TYPES.values()}}},
)
async def download(
    asset_id: UUID,
    workshop: InWorkshop,
    form: Annotated[Format, Query(alias="format")] = "parquet",
    caller: Caller = requires("generation:read"),
) -> StreamingResponse:
    table = await open_asset(workshop, asset_id, subject=caller.subject)
    return StreamingResponse(render(table, form), media_type=MEDIA_TYPES[form])
