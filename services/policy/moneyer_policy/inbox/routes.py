"""What waits for who asks."""

from moneyer_policy.inbox.use_cases import get_inbox, get_me
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="inbox")

routes.add("GET", "/inbox", get_inbox, "What waits for the caller", scope="policy:read", page="entries.cursor")
routes.add("GET", "/me", get_me, "Who the caller is here, and what they may do", scope="policy:read")
