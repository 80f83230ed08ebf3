"""Models, their figures and owners, what governance has to do with them, and what was built on an asset."""

from typing import Annotated

from fastapi import Query, Response

from moneyer_lineage.models.documents.models import Subgroup
from moneyer_lineage.models.use_cases import impact, models, performance
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="models")
owner_routes = Routes(prefix="/v1/owners", tag="owners")
impact_routes = Routes(prefix="/v1", tag="lineage")
READ, WRITE = "lineage:read", "lineage:models:write"
AS_OF = Annotated[Moment | None, Query(alias="asOf", description="As it was known by then.")]
SUBGROUP = Annotated[Subgroup | None, Query(description="Empty: of everybody.")]


def _svg(drawn: str) -> Response:
    return Response(drawn, media_type="image/svg+xml")


routes.add("PUT", "/models/{name}", models.register_model, "Register a model, or change its owner", scope=WRITE)
routes.add(
    "GET", "/models", models.list_trained_models, "Models that were trained on assets, by name", scope=READ, page="name"
)
routes.add(
    "GET", "/models/{name}/versions", models.list_model_versions, "A model's versions and their assets", scope=READ
)
routes.add(
    "PUT", "/models/{name}/versions/{version}", models.train_model, "Say which assets a version was trained on",
    scope=WRITE, status=204,
)  # fmt: skip
routes.add(
    "POST", "/models/{name}/versions/{version}/metrics", models.measure_model,
    "Keep figures of a version; those told before are not kept twice", scope=WRITE,
)  # fmt: skip
routes.add(
    "GET", "/models/{name}/versions/{version}/metrics", models.list_model_metrics,
    "A version's figures over time and by subgroup, as they came", scope=READ, page="id", given={"subgroup": SUBGROUP},
)  # fmt: skip
routes.add("GET", "/performance", performance.get_performance, "Does governance show in how models do?", scope=READ)
routes.add(
    "GET", "/performance/chart", performance.get_performance_chart,
    "The same as a chart: ε across, the figure upwards", scope=READ, render=_svg,
    extra={"response_class": Response, "responses": {200: {"content": {"image/svg+xml": {}}}}},
)  # fmt: skip
owner_routes.add(
    "PUT", "/{kind}/{subject}", models.hand_over, "Give a thing to another owner", scope="lineage:owners:write",
    extra={
        "description": (
            "A model by its name. From here on its new owner is told what becomes of the assets it was trained on."
        )
    },
)  # fmt: skip
impact_routes.add(
    "GET", "/assets/{asset}/impact", impact.get_impact, "What was built on an asset, and whose it is", scope=READ,
    given={"as_of": AS_OF},
)  # fmt: skip
