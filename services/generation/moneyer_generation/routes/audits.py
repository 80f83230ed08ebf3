"""Audits of what engines claim."""

from moneyer_generation.use_cases.audits import get_audit, list_audits, request_audit
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/audits", tag="audits")
READ, WRITE = "generation:read", "generation:audits:write"

routes.add(
    "POST", "", request_audit, "Have a guarantee put to the test", scope=WRITE, status=202, once="may",
    location="/v1/audits/{id}", headers={"Retry-After": "10"},
)  # fmt: skip
routes.add("GET", "", list_audits, "Audits, the latest first", scope=READ, page="id")
routes.add("GET", "/{audit_id}", get_audit, "An audit", scope=READ)
