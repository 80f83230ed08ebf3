"""Policy's routes: words in, one use case, words out."""

from mintmark_policy.api import access, budgets, charters, committee, gate, incidents, library

ROUTERS = (
    charters.router, committee.router, library.router, budgets.router, gate.router, incidents.router, access.router,
)  # fmt: skip
