"""The inbox: what waits for whoever is signed in, and what they did of late."""

from moneyer_console.pages import Page
from moneyer_console.visits import Pages, Visitor

pages = Pages()


@pages.get("/")
async def show_inbox(visit: Visitor) -> Page:
    return Page("inbox.html.jinja", None)
