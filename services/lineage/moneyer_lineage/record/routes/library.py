"""The library of past configurations and outcomes: what worked on tables like this."""

from moneyer_lineage.record.use_cases import library
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1/outcomes", tag="outcomes")
READ = "lineage:read"

routes.add(
    "GET", "", library.search_outcomes, "Past configurations and what became of them, the latest first", scope=READ,
    page="asset_id",
    extra={
        "description": (
            "``at_most`` and ``at_least`` are held against the bound of the metric's interval, as a charter would."
        )
    },
)  # fmt: skip
routes.add(
    "GET", "/summary", library.summarise_outcomes, "By generator: how often it worked, and one figure", scope=READ
)
