"""What dashboards draw: series of counts and of figures, a summary of now, and events a page at a time."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from moneyer_lineage.dashboards.use_cases import series, summary
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="dashboards")
READ = "lineage:read"
AFTER = Annotated[UUID | None, Query(description="The event that the page before ended with.")]

routes.add("GET", "/series", series.list_series, "What is counted", scope=READ)
routes.add(
    "GET", "/series/{measure}", series.get_series, "Counts by hour, day or week, by kind", scope=READ,
    extra={
        "description": (
            "A step in which nothing of a kind was told says 0. What was told last is counted within seconds."
        )
    },
)  # fmt: skip
routes.add(
    "GET", "/figures/{metric}", series.get_figure_series, "Medians of a figure of assays, by generator", scope=READ,
    extra={
        "description": (
            "Of the assays that assets were decided on by; a step in which none was planned is left out."
        )
    },
)  # fmt: skip
routes.add("GET", "/summary", summary.get_summary, "What there is now, in a handful of figures", scope=READ)
routes.add(
    "GET", "/events", series.list_events, "OpenLineage events as they came, the latest first", scope=READ, page="id",
    given={"after": AFTER},
)  # fmt: skip
