"""Assets: the tables that runs made, one page for each, and the table itself for holders of a grant."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from moneyer import calls
from moneyer.calls.generation import Form
from moneyer_console.asking import pieces_of
from moneyer_console.pages import Page
from moneyer_console.routes.runs import listed, names_of_run
from moneyer_console.views import assets as view
from moneyer_console.views import runs
from moneyer_console.visits import Pages, Visitor

pages = Pages()


@pages.get("/assets")
async def list_assets(
    visit: Visitor,
    state: str = "",
    generator: str = "",
    requester: str = "",
    charter: str = "",
    source: str = "",
    after: UUID | None = None,
) -> Page:
    filters = runs.Filters(
        state if state in runs.ASSET_STATES else "", generator, requester, charter.strip(), source.strip()
    )
    return Page("assets.html.jinja", await listed(visit, filters, after, runs.ASSET_STATES, with_asset=True))


@pages.get("/assets/{asset_id}")
async def show_asset(visit: Visitor, asset_id: UUID) -> Page:
    run = await visit.ask(calls.get_generation(asset_id))
    names, told = await asyncio.gather(
        names_of_run(visit, run["plan"]),
        visit.look_all(
            calls.get_asset(asset_id),
            calls.get_release(asset_id),
            calls.list_assays(asset_id),
            calls.get_provenance(asset_id),
            calls.list_grants(asset_id),
            calls.get_card(asset_id),
            calls.preview(asset_id),
        ),
    )
    return Page("asset.html.jinja", view.asset_view(view.AssetParts(run, *told), names, visit.subject))


@pages.router.get("/assets/{asset_id}/table")
async def download(visit: Visitor, asset_id: UUID, form: Annotated[Form, Query(alias="format")] = "csv") -> Response:
    """The table, piece by piece as generation hands it out to this person."""
    opened = await visit.open(calls.download(asset_id, form=form))
    named = f'attachment; filename="{asset_id}.{form}"'
    headers = {"Content-Disposition": named, **visit.headers}
    length = opened.headers.get("content-length")
    headers |= {"Content-Length": length} if length else {}
    visit.leave()
    return StreamingResponse(pieces_of(opened), headers=headers, media_type=opened.headers.get("content-type"))
