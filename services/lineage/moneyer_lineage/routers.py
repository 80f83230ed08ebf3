"""Lineage's routes, wing by wing."""

from typing import Any

from moneyer_lineage.dashboards.routes import routes as dashboards
from moneyer_lineage.evidence.routes import routes as evidence
from moneyer_lineage.log.routes import routes as log
from moneyer_lineage.marquez.routes import EncodedNames
from moneyer_lineage.marquez.routes import routes as marquez
from moneyer_lineage.models.documents.models import RegistryEvent
from moneyer_lineage.models.routes import registries
from moneyer_lineage.models.routes.models import impact_routes, owner_routes
from moneyer_lineage.models.routes.models import routes as models
from moneyer_lineage.public.routes import routes as public
from moneyer_lineage.record.documents.openlineage import schemas as event_schemas
from moneyer_lineage.record.routes.graph import routes as graph
from moneyer_lineage.record.routes.library import routes as library
from moneyer_lineage.record.routes.openlineage import facet_routes
from moneyer_lineage.record.routes.openlineage import routes as openlineage
from moneyer_lineage.webhooks.routes import routes as webhooks

ROUTERS = (
    openlineage.router, graph.router, impact_routes.router, evidence.router, log.router, marquez.router,
    facet_routes.router, library.router, models.router, webhooks.router, registries.router, public.router,
    dashboards.router, owner_routes.router,
)  # fmt: skip


def schemas() -> dict[str, Any]:
    """The schemas of bodies that are read by hand: they may be compressed, or are signed as they come."""
    return event_schemas() | {"RegistryEvent": RegistryEvent.model_json_schema()}


__all__ = ["ROUTERS", "EncodedNames", "schemas"]
