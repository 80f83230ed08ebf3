"""Searches: tuning under a budget."""

from moneyer_generation.use_cases.searches import (
    cancel_search,
    check_search,
    get_search,
    list_searches,
    request_search,
)
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/searches", tag="searches")
READ, WRITE = "generation:read", "generation:runs:write"
REQUEST = "Search engines and parameters for a table that is accepted, within a total ε"

routes.add(
    "POST", "", request_search, REQUEST, scope=WRITE, status=202, once="must", first=check_search,
    location="/v1/searches/{id}", headers={"Retry-After": "5"},
)  # fmt: skip
routes.add("GET", "", list_searches, "Searches, newest first", scope=READ, page="id")
routes.add("GET", "/{search_id}", get_search, "Where a search stands, trial by trial", scope=READ)
routes.add("POST", "/{search_id}:cancel", cancel_search, "Ask for a search to end", scope=WRITE, status=202)
