"""One route for each page; another page is a function here, a view in ``views`` and a template."""

from moneyer_console.routes import assets, inbox, reviews, runs, search, signing, static

ROUTERS = (
    static.router,
    signing.router,
    inbox.pages.router,
    reviews.pages.router,
    runs.pages.router,
    assets.pages.router,
    search.pages.router,
)
