"""Generation's routes, by declaration; streams and downloads are written by hand."""

from moneyer_generation.routes import (
    assets,
    audits,
    connections,
    deliveries,
    drafts,
    generations,
    generators,
    models,
    owners,
    pulls,
    searches,
    sources,
)

ROUTERS = (
    generators.routes.router, sources.routes.router, drafts.routes.router, generations.routes.router,
    searches.routes.router, models.routes.router, assets.routes.router, audits.routes.router, owners.routes.router,
    connections.routes.router, pulls.routes.router, deliveries.routes.router,
)  # fmt: skip
