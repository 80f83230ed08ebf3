"""The routes that Marquez's web interface reads, answered from moneyer's own events."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import Query
from starlette.types import ASGIApp, Receive, Scope, Send

from moneyer_lineage.marquez.use_cases import catalogue, graphs
from moneyer_lineage.record.documents.graph import NodeId
from moneyer_shared.routes import Routes, UseCase

routes = Routes(prefix="/api/v1", tag="marquez")
READ, WRITE = "lineage:read", "lineage:events:write"
IN = "/namespaces/{namespace}"
JOB, DATASET = f"{IN}/jobs/{{job}}", f"{IN}/datasets/{{dataset}}"
NODE = {"node": Annotated[NodeId, Query(alias="nodeId")]}
FACETS_OF = {"kind": Annotated[Literal["run", "job"], Query(alias="type")]}
SEARCH = {
    "kind": Annotated[str | None, Query(alias="filter", max_length=20)],
    "sort": Annotated[str, Query(max_length=20)],
}
EVENTS = {
    "after": Annotated[str, Query(max_length=40)],
    "before": Annotated[str, Query(max_length=40)],
    "order": Annotated[Literal["asc", "desc"], Query(alias="sortDirection")],
}


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


def _read(path: str, use_case: UseCase, operation: str, summary: str, given: dict[str, Any] | None = None) -> None:
    routes.add("GET", path, use_case, summary, scope=READ, operation=operation, given=given or {})


def _write(method: str, path: str, use_case: UseCase, operation: str, summary: str) -> None:
    routes.add(method, path, use_case, summary, scope=WRITE, operation=operation)


_read("/namespaces", catalogue.list_namespaces, "marquezNamespaces", "Namespaces")
_read(IN, catalogue.get_namespace, "marquezNamespace", "A namespace")
_read("/sources", catalogue.list_sources, "marquezSources", "Sources: the namespaces again")
_read("/sources/{source}", catalogue.get_source, "marquezSource", "A source")
_read("/jobs", catalogue.list_all_jobs, "marquezAllJobs", "Jobs of all namespaces")
_read("/jobs/runs/{run_id}", catalogue.get_run, "marquezRun", "A run")
_read(
    "/jobs/runs/{run_id}/facets", catalogue.get_run_facets, "marquezRunFacets", "The facets of a run or its job",
    FACETS_OF,
)  # fmt: skip
_read(f"{IN}/jobs", catalogue.list_jobs, "marquezJobs", "Jobs of a namespace")
_read(JOB, catalogue.get_job, "marquezJob", "A job")
_read(f"{JOB}/runs", catalogue.list_runs, "marquezRuns", "A job's runs")
_read(f"{JOB}/versions", catalogue.list_job_versions, "marquezJobVersions", "Its one version")
_read(f"{JOB}/versions/{{version}}", catalogue.get_job_version, "marquezJobVersion", "A version of a job")
_read(f"{IN}/datasets", catalogue.list_datasets, "marquezDatasets", "Datasets of a namespace")
_read(DATASET, catalogue.get_dataset, "marquezDataset", "A dataset")
_read(f"{DATASET}/versions", catalogue.list_versions, "marquezVersions", "A dataset's versions")
_read(f"{DATASET}/versions/{{version}}", catalogue.get_version, "marquezVersion", "A version of a dataset")
_write("POST", f"{DATASET}/tags/{{tag}}", catalogue.tag_dataset, "marquezTagDataset", "Tag a dataset")
_write("DELETE", f"{DATASET}/tags/{{tag}}", catalogue.untag_dataset, "marquezUntagDataset", "Untag it")
_write("POST", f"{DATASET}/fields/{{field}}/tags/{{tag}}", catalogue.tag_field, "marquezTagField", "Tag a field")
_write("DELETE", f"{DATASET}/fields/{{field}}/tags/{{tag}}", catalogue.untag_field, "marquezUntagField", "Untag it")
_read("/lineage", graphs.get_lineage, "marquezLineage", "Jobs and datasets around one of them", NODE)
_read("/column-lineage", graphs.get_column_lineage, "marquezColumnLineage", "The fields that fields come from", NODE)
_read("/search", catalogue.search, "marquezSearch", "Jobs and datasets by name", SEARCH)
_read("/events/lineage", catalogue.list_lineage_events, "marquezEvents", "OpenLineage events as they came", EVENTS)
_read("/tags", catalogue.list_tags, "marquezTags", "Tags")
_write("PUT", "/tags/{tag}", catalogue.put_tag, "marquezPutTag", "Describe a tag")
_read("/stats/lineage-events", catalogue.count_lineage_events, "marquezEventCounts", "Events over a day or a week")
_read("/stats/{kind}", catalogue.count_growth, "marquezGrowth", "How many there were over a day or a week")
