"""Lineage's routes: words in, one use case, words out."""

from typing import Any

from moneyer_lineage.api import (
    facets,
    graph,
    log,
    marquez,
    models,
    openlineage,
    outcomes,
    owners,
    public,
    registries,
    series,
    webhooks,
)
from moneyer_lineage.api.marquez import EncodedNames
from moneyer_lineage.api.openlineage import schemas as event_schemas

ROUTERS = (
    openlineage.router, graph.router, log.router, marquez.router, facets.router, outcomes.router, models.router,
    webhooks.router, registries.router, public.router, series.router, owners.router,
)  # fmt: skip


def schemas() -> dict[str, Any]:
    """The schemas of bodies that are read by hand: they may be compressed, or are signed as they come."""
    return event_schemas() | {"RegistryEvent": registries.RegistryEvent.model_json_schema()}


__all__ = ["ROUTERS", "EncodedNames", "schemas"]
