"""Policy's routes: words in, one use case, words out."""

from mintmark_policy.api import budgets, charters, gate

ROUTERS = (charters.router, budgets.router, gate.router)
