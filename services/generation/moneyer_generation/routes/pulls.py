"""Pulls: versions of a source that the house fetches itself."""

from moneyer_generation.use_cases.pulls import cancel_pull, get_pull, list_pulls, request_pull
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="pulls")
READ, WRITE = "generation:read", "generation:sources:write"

routes.add(
    "POST", "/sources/{source_id}/pulls", request_pull, "Have a worker fetch a version of a source", scope=WRITE,
    status=202, once="must", location="/v1/pulls/{id}", headers={"Retry-After": "2"},
)  # fmt: skip
routes.add("GET", "/sources/{source_id}/pulls", list_pulls, "A source's pulls, the latest first", scope=READ, page="id")
routes.add("GET", "/pulls/{pull_id}", get_pull, "Where a pull stands", scope=READ)
routes.add(
    "POST", "/pulls/{pull_id}:cancel", cancel_pull, "End a pull and its schedule", scope=WRITE, status=202, once="may",
)  # fmt: skip
