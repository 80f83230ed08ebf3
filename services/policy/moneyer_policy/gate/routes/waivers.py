"""Exceptions to one rule, and broken glass."""

from moneyer_policy.gate.use_cases import waivers
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="waivers")
READ, GLASS = "policy:read", "policy:glass:write"

routes.add(
    "POST",
    "/charters/{charter_id}/exceptions",
    waivers.ask_for_exception,
    "Ask that one rule be set aside; a vote decides",
    scope="policy:exceptions:write",
    status=202,
    once="may",
    location="/v1/reviews/{review_id}",
)
routes.add(
    "POST",
    "/charters/{charter_id}:break-glass",
    waivers.break_glass,
    "The first of two people",
    scope=GLASS,
    status=201,
    once="may",
)
routes.add("POST", "/waivers/{waiver_id}:confirm", waivers.confirm_glass, "The second of two people", scope=GLASS)
routes.add("GET", "/charters/{charter_id}/waivers", waivers.list_waivers, "Exceptions and broken glass", scope=READ)
routes.add("GET", "/rules", waivers.list_rules, "The gate's rules, which may be waived, and why others not", scope=READ)
routes.add(
    "PUT",
    "/rules/{code}",
    waivers.set_rule_of_house,
    "Have the house take no exceptions from a rule, or take them again",
    scope="policy:committee:write",
)
