"""Lineage's routes: words in, one use case, words out."""

from mintmark_lineage.api import facets, graph, log, marquez, openlineage, outcomes
from mintmark_lineage.api.marquez import EncodedNames
from mintmark_lineage.api.openlineage import schemas

ROUTERS = (openlineage.router, graph.router, log.router, marquez.router, facets.router, outcomes.router)
__all__ = ["ROUTERS", "EncodedNames", "schemas"]
