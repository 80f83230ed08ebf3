"""The inbox: what waits for whoever is signed in, their latest runs, and what they were told."""

from typing import Any

from moneyer import calls
from moneyer_console.pages import Page
from moneyer_console.views import inbox as view
from moneyer_console.views.absent import Absent
from moneyer_console.views.names import Names
from moneyer_console.views.runs import run_row
from moneyer_console.visits import Pages, Visitor

pages = Pages()


@pages.get("/")
async def show_inbox(visit: Visitor, kind: str = "", after: str | None = None) -> Page:
    asked = kind if kind in view.KINDS else ""
    inbox, runs, told = await visit.look_all(
        calls.paged(calls.get_inbox(kind=asked or None, after=after)),
        calls.list_generations(requested_by="me"),
        calls.list_notifications(visit.subject),
    )
    found: dict[str, Any] = {"counts": {}, "entries": []} if isinstance(inbox, Absent) else inbox.rows
    shown = view.InboxView(
        entries=view.entries_of(found, asked),
        counts=view.counts_of(found),
        total=sum(found["counts"].values()),
        kind=asked,
        next=None if isinstance(inbox, Absent) else inbox.after,
        runs=[run_row(one, Names()) for one in _latest(runs)],
        told=_latest(told),
        absent=[one.because for one in (inbox, runs, told) if isinstance(one, Absent)],
    )
    return Page("inbox.html.jinja", shown)


def _latest(told: list[dict[str, object]] | Absent) -> list[dict[str, object]]:
    return [] if isinstance(told, Absent) else told[: view.LATEST]
