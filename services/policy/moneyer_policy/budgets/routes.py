"""Populations, allocations and the ledger."""

from moneyer_policy.budgets.use_cases import accounts, budgets
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/populations", tag="budgets")
READ, WRITE = "policy:read", "policy:budgets:write"
ONE = "/{population_id}"
REVIEW = "/v1/reviews/{review_id}"

routes.add(
    "POST",
    "",
    budgets.create_population,
    "Name a population and its whole budget",
    scope=WRITE,
    status=201,
    once="may",
    location="/v1/populations/{id}",
)
routes.add(
    "POST",
    f"{ONE}:declare-unit",
    budgets.declare_unit,
    "Declare the privacy unit of a population that has none declared",
    scope=WRITE,
    status=204,
)
routes.add("GET", "", accounts.list_populations, "All populations", scope=READ)
routes.add("GET", ONE, accounts.get_population, "A population and what is left", scope=READ)
routes.add(
    "POST",
    f"{ONE}/allocations",
    budgets.allocate_budget,
    "Set budget aside for a charter",
    scope=WRITE,
    status=201,
    once="may",
)
routes.add(
    "POST",
    f"{ONE}/budget-versions",
    budgets.propose_budget,
    "Ask for a new budget; a vote decides",
    scope=WRITE,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    f"{ONE}/transfers",
    budgets.propose_transfer,
    "Ask for budget to move between charters; a vote decides",
    scope=WRITE,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    f"{ONE}:forecast",
    accounts.forecast_budget,
    "How many more such runs fit",
    scope=READ,
    first=accounts.cost_of_one_run,
)
routes.add("GET", f"{ONE}/statement", accounts.get_statement, "A statement an auditor can recompute", scope=READ)
routes.add("GET", f"{ONE}/ledger", accounts.get_ledger, "Every movement of the budget", scope=READ, page="entries.id")
