"""What waits for who asks."""

from moneyer_policy.inbox.use_cases import get_inbox
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="inbox")

routes.add("GET", "/inbox", get_inbox, "What waits for the caller", scope="policy:read", page="entries.cursor")
