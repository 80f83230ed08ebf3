"""The routes that Marquez's web interface reads, answered from moneyer's own events."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from moneyer_lineage.api.words import READ, WRITE, InArchive, Name, NodeId
from moneyer_lineage.use_cases import marquez as use_cases
from moneyer_lineage.use_cases import marquez_graphs
from moneyer_lineage.use_cases.marquez_shapes import show_source
from moneyer_shared.auth import Caller
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import Invalid

router = APIRouter(prefix="/api/v1", tags=["marquez"])
Json = dict[str, Any]
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
Limit = Annotated[int, Query(ge=1, le=2000)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Depth = Annotated[int, Query(ge=1, le=50)]
Period = Annotated[Literal["DAY", "WEEK"], Query()]
# Names of datasets hold slashes, which the interface sends encoded; ``EncodedNames`` lets them reach us so.
Title = Annotated[str, Path(min_length=1, max_length=6000, pattern=r"^[^\x00]*$"), AfterValidator(unquote)]
Tag = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class EncodedNames:
    """Keeps a slash inside a name apart from one between names: a server hands over paths with both decoded alike."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope.get("raw_path") or b""
        if raw.startswith((b"/api/v1/namespaces/", b"/api/v1/sources/")):
            kept = re.sub(rb"%(?=25|2f|2F)", b"%25", raw)
            scope = {**scope, "path": unquote(kept.decode("ascii"))}
        await self._app(scope, receive, send)


class TagDescribed(BaseModel):
    description: Annotated[str | None, Field(max_length=4000, pattern=r"^[^\x00]*$")] = None


@router.get("/namespaces", operation_id="marquezNamespaces", summary="Namespaces")
async def namespaces(archive: InArchive, _: Caller = READ) -> Json:
    return {"namespaces": await use_cases.namespaces(archive)}


@router.get("/namespaces/{namespace}", operation_id="marquezNamespace", summary="A namespace")
async def namespace(namespace: Title, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.namespace(archive, namespace)


@router.get("/sources", operation_id="marquezSources", summary="Sources: the namespaces again")
async def sources(archive: InArchive, _: Caller = READ) -> Json:
    return {"sources": [show_source(one) for one in await use_cases.namespaces(archive)]}


@router.get("/sources/{source}", operation_id="marquezSource", summary="A source")
async def source(source: Title, archive: InArchive, _: Caller = READ) -> Json:
    return show_source(await use_cases.namespace(archive, source))


@router.get("/jobs", operation_id="marquezAllJobs", summary="Jobs of all namespaces")
async def all_jobs(archive: InArchive, limit: Limit = 100, offset: Offset = 0, _: Caller = READ) -> Json:
    return await use_cases.jobs(archive, None, limit, offset)


@router.get("/jobs/runs/{run_id}", operation_id="marquezRun", summary="A run")
async def run(run_id: UUID, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.run(archive, str(run_id))


@router.get("/jobs/runs/{run_id}/facets", operation_id="marquezRunFacets", summary="The facets of a run or its job")
async def run_facets(
    run_id: UUID,
    archive: InArchive,
    kind: Annotated[Literal["run", "job"], Query(alias="type")] = "run",
    _: Caller = READ,
) -> Json:
    return await use_cases.run_facets(archive, str(run_id), kind)


@router.get("/namespaces/{namespace}/jobs", operation_id="marquezJobs", summary="Jobs of a namespace")
async def jobs(namespace: Title, archive: InArchive, limit: Limit = 100, offset: Offset = 0, _: Caller = READ) -> Json:
    return await use_cases.jobs(archive, namespace, limit, offset)


@router.get("/namespaces/{namespace}/jobs/{job}", operation_id="marquezJob", summary="A job")
async def job(namespace: Title, job: Title, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.job(archive, namespace, job)


@router.get("/namespaces/{namespace}/jobs/{job}/runs", operation_id="marquezRuns", summary="A job's runs")
async def runs(
    namespace: Title, job: Title, archive: InArchive, limit: Limit = 100, offset: Offset = 0, _: Caller = READ
) -> Json:
    return await use_cases.runs(archive, namespace, job, limit, offset)


@router.get("/namespaces/{namespace}/jobs/{job}/versions", operation_id="marquezJobVersions", summary="Its one version")
async def job_versions(namespace: Title, job: Title, archive: InArchive, _: Caller = READ) -> Json:
    return {"versions": [await use_cases.job_version(archive, namespace, job)], "totalCount": 1}


@router.get(
    "/namespaces/{namespace}/jobs/{job}/versions/{version}",
    operation_id="marquezJobVersion",
    summary="A version of a job",
)
async def job_version(namespace: Title, job: Title, version: UUID, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.job_version(archive, namespace, job, str(version))


@router.get("/namespaces/{namespace}/datasets", operation_id="marquezDatasets", summary="Datasets of a namespace")
async def datasets(
    namespace: Title, archive: InArchive, limit: Limit = 100, offset: Offset = 0, _: Caller = READ
) -> Json:
    return await use_cases.datasets(archive, namespace, limit, offset)


@router.get("/namespaces/{namespace}/datasets/{dataset}", operation_id="marquezDataset", summary="A dataset")
async def dataset(namespace: Title, dataset: Title, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.dataset(archive, namespace, dataset)


@router.get(
    "/namespaces/{namespace}/datasets/{dataset}/versions",
    operation_id="marquezVersions",
    summary="A dataset's versions",
)
async def versions(
    namespace: Title, dataset: Title, archive: InArchive, limit: Limit = 100, offset: Offset = 0, _: Caller = READ
) -> Json:
    return await use_cases.versions(archive, namespace, dataset, limit, offset)


@router.get(
    "/namespaces/{namespace}/datasets/{dataset}/versions/{version}",
    operation_id="marquezVersion",
    summary="A version of a dataset",
)
async def version(namespace: Title, dataset: Title, version: UUID, archive: InArchive, _: Caller = READ) -> Json:
    return await use_cases.version(archive, namespace, dataset, str(version))


@router.post(
    "/namespaces/{namespace}/datasets/{dataset}/tags/{tag}", operation_id="marquezTagDataset", summary="Tag a dataset"
)
async def tag(namespace: Title, dataset: Title, tag: Tag, archive: InArchive, _: Caller = WRITE) -> Json:
    return await use_cases.tag_dataset(archive, namespace, dataset, tag, put=True)


@router.delete(
    "/namespaces/{namespace}/datasets/{dataset}/tags/{tag}", operation_id="marquezUntagDataset", summary="Untag it"
)
async def untag(namespace: Title, dataset: Title, tag: Tag, archive: InArchive, _: Caller = WRITE) -> Json:
    return await use_cases.tag_dataset(archive, namespace, dataset, tag, put=False)


@router.post(
    "/namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}",
    operation_id="marquezTagField",
    summary="Tag a field",
)
async def tag_field(
    namespace: Title, dataset: Title, field: Title, tag: Tag, archive: InArchive, _: Caller = WRITE
) -> Json:
    return await use_cases.tag_dataset(archive, namespace, dataset, tag, field=field, put=True)


@router.delete(
    "/namespaces/{namespace}/datasets/{dataset}/fields/{field}/tags/{tag}",
    operation_id="marquezUntagField",
    summary="Untag it",
)
async def untag_field(
    namespace: Title, dataset: Title, field: Title, tag: Tag, archive: InArchive, _: Caller = WRITE
) -> Json:
    return await use_cases.tag_dataset(archive, namespace, dataset, tag, field=field, put=False)


@router.get("/lineage", operation_id="marquezLineage", summary="Jobs and datasets around one of them")
async def lineage(
    archive: InArchive, node: Annotated[NodeId, Query(alias="nodeId")], depth: Depth = 20, _: Caller = READ
) -> Json:
    return {"graph": await marquez_graphs.lineage(archive, node, depth)}


@router.get("/column-lineage", operation_id="marquezColumnLineage", summary="The fields that fields come from")
async def column_lineage(
    archive: InArchive, node: Annotated[NodeId, Query(alias="nodeId")], depth: Depth = 20, _: Caller = READ
) -> Json:
    return {"graph": await marquez_graphs.column_lineage(archive, node, depth)}


@router.get("/search", operation_id="marquezSearch", summary="Jobs and datasets by name")
async def search(
    archive: InArchive,
    q: Name,
    kind: Annotated[str | None, Query(alias="filter", max_length=20)] = None,
    sort: Annotated[str, Query(max_length=20)] = "name",
    limit: Limit = 10,
    _: Caller = READ,
) -> Json:
    wanted = kind.upper() if kind else None
    if wanted not in {None, "JOB", "DATASET"} or sort.lower() not in {"name", "updated_at", "update_at"}:
        raise Invalid("filter is job or dataset, sort is name or updated_at.", code="search-unreadable")
    return await use_cases.search(archive, q, wanted, sort.lower(), limit)


@router.get("/events/lineage", operation_id="marquezEvents", summary="OpenLineage events as they came")
async def events(
    archive: InArchive,
    after: Annotated[str, Query(max_length=40)] = "",
    before: Annotated[str, Query(max_length=40)] = "",
    limit: Limit = 100,
    offset: Offset = 0,
    order: Annotated[Literal["asc", "desc"], Query(alias="sortDirection")] = "desc",
    _: Caller = READ,
) -> Json:
    begin, end = _moment(after), _moment(before)
    return await use_cases.events(archive, begin, end, limit, offset, descending=order == "desc")


def _moment(text: str) -> datetime | None:
    """A moment with a zone; the interface sends an empty one for none."""
    # A plus in a query is a space to whoever decodes it.
    try:
        return _MOMENT.validate_python(text.replace(" ", "+")) if text else None
    except ValidationError as error:
        raise Invalid("before and after are moments of ISO 8601 with a time zone.", code="moment-unreadable") from error


@router.get("/tags", operation_id="marquezTags", summary="Tags")
async def tags(archive: InArchive, _: Caller = READ) -> Json:
    return {"tags": await use_cases.tags(archive)}


@router.put("/tags/{tag}", operation_id="marquezPutTag", summary="Describe a tag")
async def put_tag(tag: Tag, described: TagDescribed, archive: InArchive, _: Caller = WRITE) -> Json:
    return await use_cases.put_tag(archive, tag, described.description)


@router.get("/stats/lineage-events", operation_id="marquezEventCounts", summary="Events over a day or a week")
async def event_counts(archive: InArchive, period: Period = "DAY", _: Caller = READ) -> list[Json]:
    return await use_cases.event_counts(archive, period)


@router.get("/stats/{kind}", operation_id="marquezGrowth", summary="How many there were over a day or a week")
async def growth(
    kind: Literal["jobs", "datasets", "sources"], archive: InArchive, period: Period = "DAY", _: Caller = READ
) -> list[Json]:
    return await use_cases.growth(archive, kind, period)
