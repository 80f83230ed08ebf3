"""Every role at every route of generation: the matrix is written here, the routes are read from the OpenAPI document."""

import pytest
from generation.intake.conftest import World, world
from roles import EVERYBODY, allowed, check, routes

from moneyer_local.identity import PEOPLE

__all__ = ["world"]
READERS = set(PEOPLE)
GROUPS: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (EVERYBODY, ("live", "ready", "metrics")),
    (
        READERS,
        (
            "listGenerators",
            "listWithdrawnGenerators",
            "listSources",
            "getSource",
            "listSourceVersions",
            "listGenerations",
            "getGeneration",
            "listConnections",
            "getConnection",
            "listPulls",
            "getPull",
            "listAssetDeliveries",
            "getDelivery",
        ),
    ),
    (
        READERS,
        (
            "watchGeneration",
            "listSearches",
            "getSearch",
            "listModels",
            "downloadAsset",
            "describeAsset",
            "listAudits",
            "getAudit",
        ),
    ),
    (READERS, ("getMeasuredDomain", "draftMeasuredSource")),
    ({"steward"}, ("draftSource", "registerSource", "uploadSource", "requestAudit", "requestPull", "cancelPull")),
    ({"steward"}, ("registerConnection", "testConnection", "retireConnection")),
    ({"scientist"}, ("requestGeneration", "offerGeneration", "cancelGeneration", "requestSearch", "cancelSearch")),
    ({"steward", "scientist"}, ("requestDelivery", "cancelDelivery")),
    ({"evaluation"}, ("getArrivals", "getHeldVersion")),
    ({"admin"}, ("handOver",)),
)
ALLOWED = allowed(GROUPS)
ROUTES = routes("generation")


def test_no_route_is_missing_from_the_matrix() -> None:
    assert set(ALLOWED) == set(ROUTES)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_every_role_at_this_route(world: World, operation: str) -> None:
    await check(world.call, *ROUTES[operation], ALLOWED[operation])
