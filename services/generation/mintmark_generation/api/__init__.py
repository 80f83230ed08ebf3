"""Generation's routes: words in, one use case, words out."""

from mintmark_generation.api import assets, generations, generators, searches, sources

ROUTERS = (generators.router, sources.router, generations.router, searches.router, assets.router)
