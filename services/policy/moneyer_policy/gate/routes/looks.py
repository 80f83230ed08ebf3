"""What a charter's looks at its sources were taken by."""

from moneyer_policy.gate.use_cases.looks import list_charter_looks
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="charters")

routes.add(
    "GET",
    "/charters/{charter_id}/looks",
    list_charter_looks,
    "Looks at real rows by source: how many there are, and what took them",
    scope="policy:read",
)
