"""The stylesheet and the script: the same for everybody, kept by browsers for as long as their address stays."""

from fastapi import APIRouter, Response

from moneyer_console.pages import STATIC
from moneyer_shared.errors import NotFound

router = APIRouter(include_in_schema=False)
KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/static/{version}/{name}")
async def static_file(version: str, name: str) -> Response:
    file = STATIC.get(name)
    if file is None or file.version != version:
        raise NotFound("There is no such file here; load the page anew.")
    return Response(file.content, media_type=file.media_type, headers=KEPT)
