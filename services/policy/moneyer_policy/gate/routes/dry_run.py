"""A draft tried on past plans."""

from moneyer_policy.gate.use_cases.dry_run import dry_run_charter
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="charters")

routes.add(
    "POST",
    "/charters/{charter_id}:dry-run",
    dry_run_charter,
    "What a draft would change",
    scope="policy:read",
    extra={"openapi_extra": {LARGEST_BODY: 8 * 2**20}},
)
