"""Connections that sources are pulled through, and released tables delivered."""

from moneyer_generation.use_cases.connections import (
    get_connection,
    list_connections,
    register_connection,
    retire_connection,
    test_connection,
)
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/connections", tag="connections")
READ, WRITE = "generation:read", "generation:connections:write"

routes.add(
    "POST", "", register_connection, "Register a place that tables are pulled from or delivered to", scope=WRITE,
    status=201, once="may", location="/v1/connections/{id}",
)  # fmt: skip
routes.add("GET", "", list_connections, "All connections", scope=READ, page="id")
routes.add("GET", "/{connection_id}", get_connection, "A connection, and how its last test went", scope=READ)
routes.add(
    "POST", "/{connection_id}:test", test_connection, "Have a worker see whether the place can be spoken with",
    scope=WRITE, status=202, once="may", location="/v1/connections/{id}", headers={"Retry-After": "2"},
)  # fmt: skip
routes.add("POST", "/{connection_id}:retire", retire_connection, "Let a connection be used no more", scope=WRITE)
