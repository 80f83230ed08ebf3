"""Policy's routes, wing by wing. The gate's come first: a router asks them in order."""

from moneyer_policy.assets.routes import assets, authzen, findings, releases, suspensions
from moneyer_policy.budgets import routes as budgets
from moneyer_policy.charters import routes as charters
from moneyer_policy.dependencies import KINDS
from moneyer_policy.effects import routes as effects
from moneyer_policy.gate.routes import decisions, dry_run, looks, waivers
from moneyer_policy.inbox import routes as inbox
from moneyer_policy.incidents.routes import incidents, owners
from moneyer_policy.library.routes import assessments, library
from moneyer_policy.reviews.routes import committee

ROUTERS = (
    decisions.routes.router, releases.routes.router, assets.routes.router, charters.routes.router,
    dry_run.routes.router, effects.charters.router, assessments.routes.router, committee.routes_for(KINDS).router,
    effects.reviews.router, library.routes.router, waivers.routes.router, budgets.routes.router,
    incidents.routes.router, library.access.router, authzen.routes.router, library.audits.router,
    findings.routes.router, looks.routes.router, owners.routes.router, suspensions.routes.router,
    inbox.routes.router,
)  # fmt: skip
