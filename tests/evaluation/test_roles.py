"""Every role at every route of evaluation: the matrix is written here, the routes are read from the OpenAPI document."""

import pytest
from evaluation.conftest import World
from roles import EVERYBODY, allowed, check, routes

from moneyer_local.identity import PEOPLE

READERS = {*PEOPLE, "generation", "lineage"}
GROUPS: tuple[tuple[set[str], tuple[str, ...]], ...] = (
    (EVERYBODY, ("live", "ready", "metrics")),
    (READERS, ("listAssays", "getAssay", "reportAssay", "listGuaranteeAudits", "listMeasures", "listSuites")),
    (READERS, ("listMonitors", "getMonitor", "listLooks", "listShares")),
    ({"generation"}, ("requestAssay", "auditGuarantee")),
    ({"steward"}, ("reassay", "makeMonitor", "pauseMonitor", "resumeMonitor", "nameScorers", "declareShares")),
    ({"scientist", "platform"}, ("postScores",)),
    ({"admin"}, ("handOver",)),
)
ALLOWED = allowed(GROUPS)
ROUTES = routes("evaluation")


def test_no_route_is_missing_from_the_matrix() -> None:
    assert set(ALLOWED) == set(ROUTES)


@pytest.mark.parametrize("operation", sorted(ROUTES))
async def test_every_role_at_this_route(world: World, operation: str) -> None:
    await check(world.call, *ROUTES[operation], ALLOWED[operation])
