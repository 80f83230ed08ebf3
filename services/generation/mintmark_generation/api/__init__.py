"""Generation's routes: words in, one use case, words out."""

from mintmark_generation.api import assets, generations, generators, sources

ROUTERS = (generators.router, sources.router, generations.router, assets.router)
