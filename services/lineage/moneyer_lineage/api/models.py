"""Models that were trained on assets, their figures, and what governance has to do with them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, FiniteFloat, model_validator

from moneyer_lineage.api.outcomes import Sought
from moneyer_lineage.api.words import READ, InArchive
from moneyer_lineage.domain.performance import chart
from moneyer_lineage.store.models import ModelStore
from moneyer_lineage.use_cases import models, performance
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.owners import Owner
from moneyer_shared.errors import NotFound
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["models"])
WRITE = requires("lineage:models:write")
ModelName = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^/\x00-\x1f\x7f]+$")]
VersionName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/@\x00-\x1f\x7f]+$")]
InModel = Annotated[ModelName, Path()]
InVersion = Annotated[VersionName, Path()]
Text = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
MetricName = Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[^\x00-\x1f\x7f]+$")]
Subgroup = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
MOST_FIGURES = 1000


class ModelSaid(Document):
    """``owner``: who is told when an asset it was trained on is stopped; whoever registers it if none is given.

    ``shared_with``: who besides the owner may tell of its versions and figures; left as it is if not given.
    """

    owner: Name | None = None
    shared_with: Annotated[list[Owner], Field(max_length=50)] | None = None
    description: Text = ""


class Model(Document):
    name: str
    owner: str
    shared_with: list[str]
    description: str
    registered_at: Moment


class TrainingSaid(Document):
    """What a version was trained on. Say it again with more assets and they are added; none is ever taken away."""

    assets: Annotated[list[UUID], Field(min_length=1, max_length=1000)]
    trained_at: Moment
    uri: Annotated[Text | None, Field(description="Where the model is kept.")] = None


class ModelVersion(Document):
    model: str
    version: str
    uri: str | None
    assets: list[UUID]
    trained_at: Moment
    registered_at: Moment


class FigureSaid(Document):
    """A figure of a version, of everybody or of a subgroup such as ``sex=female``, with its interval if it has one."""

    metric: MetricName
    subgroup: Subgroup = ""
    measured_at: Moment
    value: FiniteFloat
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    n: Annotated[int | None, Field(ge=1, lt=2**31)] = None

    @model_validator(mode="after")
    def _in_order(self) -> "FigureSaid":
        ends = [end for end in (self.lower, self.value, self.upper) if end is not None]
        if ends != sorted(ends):
            message = "lower, value and upper must be in this order"
            raise ValueError(message)
        return self


class Figures(Document):
    figures: Annotated[list[FigureSaid], Field(min_length=1, max_length=MOST_FIGURES)]

    @model_validator(mode="after")
    def _each_once(self) -> "Figures":
        keys = {(one.metric, one.subgroup, one.measured_at) for one in self.figures}
        if len(keys) < len(self.figures):
            message = "each metric, subgroup and time may be told once"
            raise ValueError(message)
        return self


class Figure(FigureSaid):
    id: UUID


@router.put("/models/{name}", operation_id="registerModel", summary="Register a model, or change its owner")
async def register(name: InModel, said: ModelSaid, archive: InArchive, caller: Caller = WRITE) -> Model:
    owner = said.owner or caller.subject
    told = models.Said(name, owner, said.description, said.shared_with)
    row = await models.register(archive, told, by=caller.subject)
    return Model.model_validate(row, from_attributes=True)


@router.get("/models", operation_id="listTrainedModels", summary="Models that were trained on assets, by name")
async def list_models(
    archive: InArchive,
    pages: Pages,
    owner: Annotated[Name | None, Query()] = None,
    after: Annotated[ModelName | None, Query()] = None,
    _: Caller = READ,
) -> list[Model]:
    async with archive.database.transaction() as connection:
        rows = await ModelStore(connection).page(owner, after)
    pages.follow(rows, "name")
    return [Model.model_validate(row, from_attributes=True) for row in rows]


@router.get("/models/{name}/versions", operation_id="listModelVersions", summary="A model's versions and their assets")
async def versions(name: InModel, archive: InArchive, _: Caller = READ) -> list[ModelVersion]:
    async with archive.database.transaction() as connection:
        store = ModelStore(connection)
        if await store.find(name) is None:
            raise NotFound(f"There is no model {name}.")
        rows = await store.versions(name)
    return [ModelVersion.model_validate(row, from_attributes=True) for row in rows]


@router.put(
    "/models/{name}/versions/{version}",
    operation_id="trainModel",
    summary="Say which assets a version was trained on",
    status_code=204,
)
async def train(
    name: InModel, version: InVersion, said: TrainingSaid, archive: InArchive, caller: Caller = WRITE
) -> None:
    assets = sorted({str(asset) for asset in said.assets})
    await models.train(archive, models.Training(name, version, assets, said.trained_at, said.uri), by=caller.subject)


class Kept(Document):
    kept: int


@router.post(
    "/models/{name}/versions/{version}/metrics",
    operation_id="measureModel",
    summary="Keep figures of a version; those told before are not kept twice",
)
async def measure(name: InModel, version: InVersion, said: Figures, archive: InArchive, caller: Caller = WRITE) -> Kept:
    told = [one.model_dump() for one in said.figures]
    return Kept(kept=await models.measure(archive, name, version, told, by=caller.subject))


@router.get(
    "/models/{name}/versions/{version}/metrics",
    operation_id="listModelMetrics",
    summary="A version's figures over time and by subgroup, as they came",
)
async def metrics(
    name: InModel,
    version: InVersion,
    archive: InArchive,
    pages: Pages,
    metric: Annotated[MetricName | None, Query()] = None,
    subgroup: Annotated[Subgroup | None, Query(description="Empty: of everybody.")] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[Figure]:
    async with archive.database.transaction() as connection:
        store = ModelStore(connection)
        if await store.version(name, version) is None:
            raise NotFound(f"There is no version {version} of a model {name}.")
        rows = await store.metrics(name, version, metric=metric, subgroup=subgroup, after=after)
    pages.follow(rows)
    return [Figure.model_validate(row, from_attributes=True) for row in rows]


# --- governance beside performance -------------------------------------------------------------


class PerformanceSought(Sought):
    metric: MetricName
    subgroup: Subgroup = ""
    until: Moment | None = None
    figure: Annotated[Name, Field(description="The assays' figure that released and rejected assets are held to.")] = (
        "utility-gap"
    )


class PointShown(Document):
    model: str
    version: str
    asset_id: UUID
    generator: str | None
    guarantee: str | None
    epsilon: float | None
    value: float


class AssociationShown(Document):
    n: int
    value: float | None
    lower: float | None
    upper: float | None


class SideShown(Document):
    generator: str | None
    guarantee: str | None
    n: int
    median: float


class Judged(Document):
    verdict: str
    n: int
    median: float


class PerformanceShown(Document):
    """How models do beside what was decided of their assets: a version trained on several stands beside each.

    ``with_epsilon`` is Spearman's ρ of figure and ε with a 95 % interval; it is no proof of a cause. ``truncated``:
    there are more points than these, of which alone all this is told; ask for one charter or generator.
    """

    points: list[PointShown]
    truncated: bool
    with_epsilon: AssociationShown
    sides: list[SideShown]
    judged: list[Judged]


async def _found(sought: PerformanceSought, archive: InArchive) -> performance.Performance:
    return await performance.performance(
        archive,
        metric=sought.metric,
        subgroup=sought.subgroup,
        figure=sought.figure,
        wanted=sought.columns(),
        until=sought.until,
    )


@router.get("/performance", operation_id="getPerformance", summary="Does governance show in how models do?")
async def get_performance(
    sought: Annotated[PerformanceSought, Query()], archive: InArchive, _: Caller = READ
) -> PerformanceShown:
    return PerformanceShown.model_validate(await _found(sought, archive), from_attributes=True)


@router.get(
    "/performance/chart",
    operation_id="getPerformanceChart",
    summary="The same as a chart: ε across, the figure upwards",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}},
)
async def get_chart(sought: Annotated[PerformanceSought, Query()], archive: InArchive, _: Caller = READ) -> Response:
    found = await _found(sought, archive)
    return Response(chart(found.points, metric=sought.metric), media_type="image/svg+xml")
