"""Privacy impact assessments of charters."""

from moneyer_policy.library.use_cases import assessments
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="charters")
routes.add(
    "POST",
    "/charters/{charter_id}/assessments",
    assessments.assess_charter,
    "Record a privacy impact assessment",
    scope="policy:assessments:write",
    status=201,
    once="may",
)
