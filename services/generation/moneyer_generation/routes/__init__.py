"""Generation's routes: words in, one use case, words out."""

from moneyer_generation.routes import assets, audits, generations, generators, models, owners, searches, sources

ROUTERS = (
    generators.router, sources.router, generations.router, searches.router, models.router, assets.router, audits.router,
    owners.router,
)  # fmt: skip
