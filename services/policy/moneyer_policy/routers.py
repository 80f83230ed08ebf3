"""Policy's routes: words in, one use case, words out. The gate's come first: a router asks them in order."""

from moneyer_policy.assets.routes import access, assets, findings, releases, stops
from moneyer_policy.budgets import routes as budgets
from moneyer_policy.charters import routes as charters
from moneyer_policy.dependencies import KINDS
from moneyer_policy.effects import routes as effects
from moneyer_policy.gate.routes import advice, gate, looks, waivers
from moneyer_policy.incidents.routes import incidents, owners
from moneyer_policy.library.routes import assessments, library
from moneyer_policy.reviews.routes import committee

ROUTERS = (
    gate.router, releases.router, assets.router, charters.routes.router, advice.router, effects.charters.router,
    assessments.router, committee.routes_for(KINDS).router, effects.reviews.router, library.router,
    waivers.routes.router, budgets.router, incidents.router, access.router, findings.router, looks.router,
    owners.router, stops.router,
)  # fmt: skip
