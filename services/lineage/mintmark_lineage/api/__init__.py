"""Lineage's routes: words in, one use case, words out."""

from mintmark_lineage.api import graph, log, openlineage
from mintmark_lineage.api.openlineage import schemas

ROUTERS = (openlineage.router, graph.router, log.router)
__all__ = ["ROUTERS", "schemas"]
