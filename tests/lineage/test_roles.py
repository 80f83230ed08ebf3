"""Every role at every route of lineage: the matrix is written here, the routes are read from the OpenAPI document."""

import pytest
from lineage.conftest import World
from roles import EVERYBODY, allowed, check, routes

from moneyer_local.identity import PEOPLE

READERS = {*PEOPLE, "dashboard", "platform"}
VOTERS = {"privacy-officer", "security-officer", "counsel", "product-lead", "lead-scientist"}
OWNERS = {"scientist", "lead-scientist", "platform"}
GROUPS: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (EVERYBODY, ("live", "ready", "metrics", "getLogKey", "getFacetSchema", "hearMlflow")),
    (EVERYBODY, ("listCards", "getCard", "listCharterCards", "getCharterCard", "getPublicFigures")),
    (EVERYBODY, ("sendPublicFeedback", "showPublicPage", "showCard", "sendFeedbackForm")),
    (READERS, ("listForwards", "getGraph", "getImpact", "getRecord")),
    ({"steward", "auditor", *VOTERS}, ("getLoggedProvenance", "getEvidence")),
    (READERS, ("listLogEntries", "proveLogEntry", "getCheckpoint", "proveConsistency", "getEntriesTile", "getTile")),
    (READERS, ("listOutposts", "searchOutcomes", "summariseOutcomes", "listTrainedModels", "listModelVersions")),
    (READERS, ("listModelMetrics", "getPerformance", "getPerformanceChart", "listSeries", "getSeries", "getSummary")),
    (READERS, ("getFigureSeries", "listEvents", "marquezLineage", "marquezNamespaces", "marquezNamespace")),
    (READERS, ("marquezSources", "marquezSource", "marquezAllJobs", "marquezRun", "marquezRunFacets", "marquezJobs")),
    (READERS, ("marquezJob", "marquezRuns", "marquezJobVersions", "marquezJobVersion", "marquezDatasets")),
    (READERS, ("marquezDataset", "marquezVersions", "marquezVersion", "marquezColumnLineage", "marquezSearch")),
    (READERS, ("marquezEvents", "marquezTags", "marquezEventCounts", "marquezGrowth")),
    ({"producer"}, ("postLineage", "postLineageBatch", "marquezTagDataset", "marquezUntagDataset", "marquezTagField")),
    ({"producer"}, ("marquezUntagField", "marquezPutTag")),
    ({"policy", "generation", "evaluation"}, ("takeDeliveries", "appendAuditEvent")),
    (OWNERS, ("registerModel", "trainModel", "measureModel")),
    (OWNERS, ("addWebhook", "listWebhooks", "rotateWebhook", "removeWebhook", "listDeliveries", "retryDelivery")),
    ({"admin"}, ("handOver",)),
)
ALLOWED = allowed(GROUPS)
ROUTES = routes("lineage")


def test_no_route_is_missing_from_the_matrix() -> None:
    assert set(ALLOWED) == set(ROUTES)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_every_role_at_this_route(world: World, operation: str) -> None:
    await check(world.call, *ROUTES[operation], ALLOWED[operation])
