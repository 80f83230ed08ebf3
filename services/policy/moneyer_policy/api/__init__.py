"""Policy's routes: words in, one use case, words out. The gate's come first: a router asks them in order."""

from moneyer_policy.api import (
    access,
    assets,
    budgets,
    charters,
    committee,
    findings,
    gate,
    incidents,
    library,
    looks,
    owners,
    stops,
    waivers,
)

ROUTERS = (
    gate.router, assets.router, charters.router, committee.router, library.router, waivers.router, budgets.router,
    incidents.router, access.router, findings.router, looks.router, owners.router, stops.router,
)  # fmt: skip
