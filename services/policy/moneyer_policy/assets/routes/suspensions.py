"""What suspends sources and populations, and all that is suspended now."""

from moneyer_policy.assets.use_cases import suspensions
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="stops")
STOP, STEWARD, READ = "policy:charters:suspend", "policy:grants:write", "policy:read"
REVIEW = "/v1/reviews/{review_id}"

routes.add(
    "GET",
    "/suspensions",
    suspensions.list_suspensions,
    "All that is suspended now, the longest first",
    scope=READ,
)
routes.add(
    "POST",
    "/sources/{source_id}:suspend",
    suspensions.suspend_source,
    "Stop a source at once",
    scope=STOP,
    status=204,
)
routes.add(
    "POST",
    "/sources/{source_id}:resume",
    suspensions.resume_source,
    "Ask for a suspended source to be learnt from again; a vote decides",
    scope=STEWARD,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    "/populations/{population_id}:suspend",
    suspensions.suspend_population,
    "Stop everything about a population at once",
    scope=STOP,
    status=204,
)
routes.add(
    "POST",
    "/populations/{population_id}:resume",
    suspensions.resume_population,
    "Ask for a suspended population to be learnt from again; a vote decides",
    scope=STEWARD,
    status=202,
    once="may",
    location=REVIEW,
)
