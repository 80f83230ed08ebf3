"""What anybody may read: cards, figures, and a page of them; and what anybody may say."""

from typing import Annotated
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import ValidationError

from moneyer_lineage.dependencies import Dependencies
from moneyer_lineage.public import use_cases as public
from moneyer_lineage.public.documents import CardPage, Feedback, PublicPage
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.errors import Invalid, UnsupportedMedia
from moneyer_shared.idempotency import OptionalIdempotencyKey
from moneyer_shared.routes import Routes

routes = Routes(prefix="/public", tag="public")
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
HTML = {"response_class": HTMLResponse}
_pages = Environment(
    loader=PackageLoader("moneyer_lineage.public", "pages"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
CHARTER = Annotated[UUID | None, Query(description="Only those made under this charter.")]
AFTER = Annotated[UUID | None, Query(description="The asset that the page before ended with.")]


def _index(found: PublicPage) -> HTMLResponse:
    page = _pages.get_template("index.html.jinja").render(
        title="Synthetic tables",
        smallest=public.SMALLEST_PUBLIC_COUNT,
        **found.model_dump(mode="json") | {"more": f"/public?after={found.cards[-1].asset}" if found.more else None},
    )
    return HTMLResponse(page, headers=HEADERS)


def _card(found: CardPage) -> HTMLResponse:
    page = _pages.get_template("card.html.jinja").render(title=found.card.title, **found.model_dump(mode="json"))
    return HTMLResponse(page, headers=HEADERS)


routes.add(
    "GET", "/v1/cards", public.list_cards, "Cards of synthetic tables, the latest first", scope=None, page="asset",
    headers=CACHED, given={"charter": CHARTER, "after": AFTER},
)  # fmt: skip
routes.add("GET", "/v1/cards/{asset}", public.get_card, "The card of a synthetic table", scope=None, headers=CACHED)
routes.add(
    "GET", "/v1/charters", public.list_charter_cards, "Cards of charters", scope=None, page="charter", headers=CACHED
)
routes.add(
    "GET", "/v1/charters/{charter}", public.get_charter_card, "The card of a charter", scope=None, headers=CACHED
)
routes.add(
    "GET", "/v1/figures", public.get_public_figures, "What was asked, and what became of it", scope=None,
    headers=CACHED,
)  # fmt: skip
routes.add(
    "POST", "/v1/cards/{asset}/feedback", public.send_public_feedback, "Say something of a table", scope=None,
    status=202, given={"key": OptionalIdempotencyKey},
    extra={
        "openapi_extra": {LARGEST_BODY: LARGEST_FORM},
        "description": (
            "It reaches the committee as feedback sent by lineage; say so in it if you want to be answered."
        ),
    },
)  # fmt: skip


# --- the same for readers of pages ---------------------------------------------------------------

routes.add(
    "GET", "", public.get_public_page, "The cards as a page", scope=None, operation="showPublicPage", render=_index,
    given={"after": AFTER}, extra=HTML,
)  # fmt: skip
routes.add(
    "GET", "/assets/{asset}", public.get_card_page, "A card as a page", scope=None, operation="showCard", render=_card,
    extra=HTML,
)  # fmt: skip


@routes.router.post(
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
async def send_feedback_form(asset: UUID, request: Request) -> RedirectResponse:
    dependencies: Dependencies = request.app.state.dependencies
    said = _said(request.headers.get("content-type", ""), await request.body())
    await public.hear_public(dependencies, asset, said, None)
    return RedirectResponse(f"/public/assets/{asset}?heard=true", status_code=303)


def _said(content_type: str, body: bytes) -> Feedback:
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMedia(f"Send {FORM}.")
    try:
        (message,) = parse_qs(body.decode(), max_num_fields=10).get("message", [""])
        return Feedback(message=message)
    except (ValueError, ValidationError) as error:
        raise Invalid("A message is text of 1 to 4000 characters.", code="message-unreadable") from error
