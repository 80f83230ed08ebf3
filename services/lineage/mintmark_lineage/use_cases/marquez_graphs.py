"""Lineage of jobs and datasets, and of columns, as graphs in Marquez's shape."""

from collections.abc import Iterable
from typing import Any

from mintmark_lineage.domain.graph import Start
from mintmark_lineage.store.catalogue import CatalogueStore
from mintmark_lineage.store.events import Dataset, EventStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_lineage.use_cases.marquez import found_or_missing, latest_of
from mintmark_lineage.use_cases.marquez_shapes import Json, column_lineage_of, show_dataset, show_job
from mintmark_shared.errors import Invalid


async def lineage(archive: Archive, node: str, depth: int) -> list[Json]:
    """Jobs and datasets around a job or dataset, with the edges between them, both ways.

    Raises:
        Invalid: it is no job or dataset.
        NotFound: no event names it.
    """
    start = Start.of(node)
    if start.kind == "run":
        raise Invalid("nodeId is dataset:<namespace>:<name> or job:<namespace>:<name>.", code="node-unreadable")
    kind = f"{start.kind}s"
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        first = found_or_missing(await store.find(kind, start.namespace, start.name), f"{start.kind} {start.name}")
        known: dict[str, dict[Dataset, Any]] = {"jobs": {}, "datasets": {}}
        known[kind][start.namespace, start.name] = first
        around = EventStore(connection)
        frontier, side = [(start.namespace, start.name)], kind
        for _ in range(depth):
            beside = await around.beside(side, frontier)
            side = "jobs" if side == "datasets" else "datasets"
            fresh = [key for key in beside if key not in known[side]]
            for row in await store.some(side, fresh):
                known[side][row.namespace, row.name] = row
            frontier = fresh
            if not frontier:
                break
        latest = await latest_of(connection, known["jobs"].values())
    return _nodes(known, latest)


def _nodes(known: dict[str, dict[Dataset, Any]], latest: dict[str, Any]) -> list[Json]:
    edges: list[tuple[str, str]] = []
    for row in known["jobs"].values():
        here = f"job:{row.namespace}:{row.name}"
        for side, name in (("inputs", "dataset"), ("outputs", "dataset")):
            for one in getattr(row, side):
                if (one["namespace"], one["name"]) in known["datasets"]:
                    there = f"{name}:{one['namespace']}:{one['name']}"
                    edges.append((there, here) if side == "inputs" else (here, there))
    shown = [("job", row, show_job(row, latest.get(row.latest_run))) for row in known["jobs"].values()]
    shown += [("dataset", row, show_dataset(row)) for row in known["datasets"].values()]
    return [_node(f"{kind}:{row.namespace}:{row.name}", kind.upper(), data, edges) for kind, row, data in shown]


def _node(node: str, kind: str, data: Json, edges: Iterable[tuple[str, str]]) -> Json:
    pairs = [{"origin": start, "destination": end} for start, end in edges]
    return {
        "id": node,
        "type": kind,
        "data": data,
        "inEdges": [pair for pair in pairs if pair["destination"] == node],
        "outEdges": [pair for pair in pairs if pair["origin"] == node],
    }


async def column_lineage(archive: Archive, node: str, depth: int) -> list[Json]:
    """The fields a dataset's fields come from, and theirs, as far as column lineage was told.

    Raises:
        Invalid: it is no dataset or field of one.
        NotFound: no event names the dataset.
    """
    kind, _, rest = node.partition(":")
    if kind == "datasetField":
        rest = rest.rpartition(":")[0]
    elif kind != "dataset":
        raise Invalid("nodeId is dataset:… or datasetField:….", code="node-unreadable")
    start = Start.of(f"dataset:{rest}")
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        found_or_missing(await store.find("datasets", start.namespace, start.name), f"dataset {start.name}")
        rows: dict[Dataset, Any] = {}
        frontier = [(start.namespace, start.name)]
        for _ in range(depth + 1):
            for row in await store.some("datasets", frontier):
                rows[row.namespace, row.name] = row
            inputs = {
                (one["namespace"], one["dataset"])
                for key in frontier
                if key in rows
                for column in column_lineage_of(rows[key].facets)
                for one in column["inputFields"]
            }
            frontier = sorted(inputs - rows.keys())
            if not frontier:
                break
    return _fields_graph(rows)


def _fields_graph(rows: dict[Dataset, Any]) -> list[Json]:
    nodes: dict[str, Json] = {}
    edges: list[tuple[str, str]] = []
    for row in rows.values():
        types = {one.get("name"): one.get("type") for one in row.fields or []}
        for column in column_lineage_of(row.facets):
            here = _field_id(row.namespace, row.name, column["name"])
            nodes[here] = _field(row, column["name"], types.get(column["name"]), column)
            for one in column["inputFields"]:
                there = _field_id(one["namespace"], one["dataset"], one["field"])
                edges.append((there, here))
                known = rows.get((one["namespace"], one["dataset"]))
                if known is not None and there not in nodes:
                    nodes[there] = _field(known, one["field"], None, {"inputFields": []})
    return [_node(key, "DATASET_FIELD", data, edges) for key, data in nodes.items()]


def _field_id(namespace: str, dataset: str, name: str) -> str:
    return f"datasetField:{namespace}:{dataset}:{name}"


def _field(row: Any, name: str, kind: str | None, column: Json) -> Json:
    return {
        "namespace": row.namespace,
        "dataset": row.name,
        "datasetVersion": row.current_version,
        "field": name,
        "fieldType": kind,
        "transformationDescription": column.get("transformationDescription"),
        "transformationType": column.get("transformationType"),
        "inputFields": column["inputFields"],
    }
