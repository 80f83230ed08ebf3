"""What anybody may read: cards, figures, and a page of them; and what anybody may say."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import TypeAdapter, ValidationError

from moneyer_lineage.api.words import InArchive
from moneyer_lineage.store.cards import CardStore
from moneyer_lineage.use_cases import cards
from moneyer_lineage.use_cases.cards import SMALLEST_PUBLIC_COUNT, Throttle
from moneyer_shared.contracts.documents import Document, Text
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.errors import Invalid, NotFound, UnsupportedMedia
from moneyer_shared.idempotency import OptionalIdempotencyKey
from moneyer_shared.paging import PAGE
from moneyer_shared.web import Pages

router = APIRouter(prefix="/public", tags=["public"])
Json = dict[str, Any]
CACHED = {"Cache-Control": "public, max-age=60"}
HEADERS = CACHED | {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
LARGEST_FORM = 64 * 1024
FORM = "application/x-www-form-urlencoded"
_MESSAGE = TypeAdapter[str](Text)
_pages = Environment(
    loader=PackageLoader("moneyer_lineage", "api"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
Charter = Annotated[UUID | None, Query(description="Only those made under this charter.")]
After = Annotated[UUID | None, Query(description="The asset that the page before ended with.")]


class Figures(Document):
    """Counts; null where so few that it is not told."""

    plans: dict[str, int | None]
    assets: dict[str, int | None]


class Feedback(Document):
    message: Text


async def _throttle(request: Request) -> Throttle:
    throttle: Throttle = request.app.state.throttle
    return throttle


InThrottle = Annotated[Throttle, Depends(_throttle)]


@router.get("/v1/cards", operation_id="listCards", summary="Cards of synthetic tables, the latest first")
async def list_cards(
    archive: InArchive, pages: Pages, response: Response, charter: Charter = None, after: After = None
) -> list[Json]:
    rows = await _page(archive, charter, after)
    pages.follow(rows, "asset_id")
    response.headers.update(CACHED)
    return [row.card for row in rows]


async def _page(archive: InArchive, charter: UUID | None, after: UUID | None) -> Sequence[Any]:
    async with archive.database.transaction() as connection:
        return await CardStore(connection).page(str(charter) if charter else None, after)


@router.get("/v1/cards/{asset}", operation_id="getCard", summary="The card of a synthetic table")
async def get_card(asset: UUID, archive: InArchive, response: Response) -> Json:
    response.headers.update(CACHED)
    return await _card(archive, asset)


async def _card(archive: InArchive, asset: UUID) -> Json:
    async with archive.database.transaction() as connection:
        row = await CardStore(connection).one(str(asset))
    if row is None:
        raise NotFound(f"There is no card of asset {asset}.")
    card: Json = row.card
    return card


@router.get("/v1/charters", operation_id="listCharterCards", summary="Cards of charters")
async def list_charters(
    archive: InArchive, pages: Pages, response: Response, after: Annotated[UUID | None, Query()] = None
) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CardStore(connection).charters(after)
    pages.follow(rows, "charter_id")
    response.headers.update(CACHED)
    return [row.card for row in rows]


@router.get("/v1/charters/{charter}", operation_id="getCharterCard", summary="The card of a charter")
async def get_charter(charter: UUID, archive: InArchive, response: Response) -> Json:
    async with archive.database.transaction() as connection:
        row = await CardStore(connection).charter(str(charter))
    if row is None:
        raise NotFound(f"There is no card of charter {charter}.")
    response.headers.update(CACHED)
    card: Json = row.card
    return card


@router.get("/v1/figures", operation_id="getPublicFigures", summary="What was asked, and what became of it")
async def get_figures(archive: InArchive, response: Response) -> Figures:
    response.headers.update(CACHED)
    return Figures.model_validate(await cards.figures(archive))


@router.post(
    "/v1/cards/{asset}/feedback",
    status_code=202,
    operation_id="sendPublicFeedback",
    summary="Say something of a table",
    openapi_extra={LARGEST_BODY: LARGEST_FORM},
)
async def send_feedback(
    asset: UUID, said: Feedback, archive: InArchive, throttle: InThrottle, key: OptionalIdempotencyKey = None
) -> None:
    """It reaches the committee as feedback sent by lineage; say so in it if you want to be answered."""
    await cards.hear_public(archive, throttle, asset=asset, message=said.message, key=key)


# --- the same for readers of pages ---------------------------------------------------------------


@router.get("", operation_id="showPublicPage", summary="The cards as a page", response_class=HTMLResponse)
async def index(archive: InArchive, after: After = None) -> HTMLResponse:
    found = await _page(archive, None, after)
    async with archive.database.transaction() as connection:
        charters = [row.card for row in await CardStore(connection).charters(None)]
    more = f"/public?after={found[-1].asset_id}" if len(found) == PAGE else None
    page = _pages.get_template("index.html.jinja").render(
        title="Synthetic tables",
        cards=[row.card for row in found],
        charters=charters,
        figures=await cards.figures(archive),
        smallest=SMALLEST_PUBLIC_COUNT,
        more=more,
    )
    return HTMLResponse(page, headers=HEADERS)


@router.get("/assets/{asset}", operation_id="showCard", summary="A card as a page", response_class=HTMLResponse)
async def show(asset: UUID, archive: InArchive, heard: Annotated[bool, Query()] = False) -> HTMLResponse:
    card = await _card(archive, asset)
    page = _pages.get_template("card.html.jinja").render(title=card["title"], card=card, heard=heard)
    return HTMLResponse(page, headers=HEADERS)


@router.post(
    "/assets/{asset}",
    status_code=303,
    operation_id="sendFeedbackForm",
    summary="The form under a card",
    response_class=RedirectResponse,
    openapi_extra={
        LARGEST_BODY: LARGEST_FORM,
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": {"type": "object", "required": ["message"],
                                          "properties": {"message": {"type": "string", "maxLength": 4000}}}}},
        }
    },
)  # fmt: skip
async def send_form(asset: UUID, request: Request, archive: InArchive, throttle: InThrottle) -> RedirectResponse:
    message = _said(request.headers.get("content-type", ""), await request.body())
    await cards.hear_public(archive, throttle, asset=asset, message=message, key=None)
    return RedirectResponse(f"/public/assets/{asset}?heard=true", status_code=303)


def _said(content_type: str, body: bytes) -> str:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMedia(f"Send {FORM}.")
    try:
        (message,) = parse_qs(body.decode(), max_num_fields=10).get("message", [""])
        return _MESSAGE.validate_python(message)
    except (ValueError, ValidationError) as error:
        raise Invalid("A message is text of 1 to 4000 characters.", code="message-unreadable") from error
