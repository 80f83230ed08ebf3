"""Generation's routes, by declaration; streams and downloads are written by hand."""

from moneyer_generation.routes import assets, audits, drafts, generations, generators, models, owners, searches, sources

ROUTERS = (
    generators.routes.router, sources.routes.router, drafts.routes.router, generations.routes.router,
    searches.routes.router, models.routes.router, assets.router, audits.routes.router, owners.routes.router,
)  # fmt: skip
