"""Lineage of jobs and datasets, and of columns, as graphs in Marquez's shape."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.dependencies import Work
from moneyer_lineage.marquez.documents import column_lineage_of, dataset_json
from moneyer_lineage.marquez.use_cases.catalogue import found_or_missing, jobs_json
from moneyer_lineage.record.documents.graph import Depth, NodeId
from moneyer_lineage.record.rules.graph import Direction, Edge, Start, Voices, field_id, node_id
from moneyer_lineage.record.rules.pictures import DatasetPicture, current_run
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.catalogue import CatalogueStore, Key
from moneyer_lineage.record.store.edges import EdgeStore
from moneyer_lineage.record.use_cases.graph import is_its_own
from moneyer_shared.errors import Invalid

Arrow = tuple[str, str]
"""From one node to another, by their ids."""
Edges = dict[Arrow, Voices]
DIRECTIONS: tuple[Direction, ...] = ("upstream", "downstream")


@dataclass
class Walked:
    """Jobs and datasets met on a walk, and the edges of the very runs that led there."""

    jobs: set[Key] = field(default_factory=set[Key])
    datasets: set[Key] = field(default_factory=set[Key])
    edges: Edges = field(default_factory=dict[Arrow, Voices])

    def add(self, row: Edge) -> Key:
        """Take an edge in; its dataset."""
        job, dataset = (row.job_namespace, row.job_name), (row.namespace, row.name)
        here, there = node_id("job", *job), node_id("dataset", *dataset)
        self.jobs.add(job)
        self.datasets.add(dataset)
        self.edges.setdefault((there, here) if row.direction == "input" else (here, there), Voices()).add(row)
        return dataset


async def get_lineage(work: Work, node: NodeId, depth: Depth = 20) -> Json:
    """Jobs and datasets up and down from a job or dataset, with the edges between them.

    An edge is of a run that the walk met, so what a table came from is what its own run read, not all that runs of that
    job ever did. A job begins with its newest run that finished, or its newest if none did.

    Raises:
        Invalid: it is no job or dataset.
        NotFound: no event names it.
    """
    start = Start.of(node)
    if start.kind == "run":
        raise Invalid("nodeId is dataset:<namespace>:<name> or job:<namespace>:<name>.", code="node-unreadable")
    store, walked = CatalogueStore(work.connection), Walked()
    key = found_or_missing(await store.known(start.kind, start.readings), str(start))
    (walked.jobs if start.kind == "job" else walked.datasets).add(key)
    for direction in DIRECTIONS:
        await _walk(work.connection, walked, start, key, direction, depth)
    shown = await jobs_json(work.connection, await store.some_jobs(sorted(walked.jobs)))
    nodes = [("job", job["namespace"], job["name"], job) for job in shown]
    datasets = await store.some_datasets(sorted(walked.datasets))
    nodes += [("dataset", one.namespace, one.name, dataset_json(one)) for one in datasets]
    return {
        "graph": [
            _node(node_id(kind, space, name), kind.upper(), data, walked.edges) for kind, space, name, data in nodes
        ]
    }


async def _walk(
    connection: AsyncConnection, walked: Walked, start: Start, key: Key, direction: Direction, depth: int
) -> None:
    """One way from the start, each job and each dataset a step."""
    store, met, frontier, steps = EdgeStore(connection), set[Key](), {key}, depth
    if start.kind == "job":
        frontier = {walked.add(row) for row in await _of_job(connection, key, direction)}
        steps -= 1
    while frontier and steps > 0:
        met |= frontier
        rows = await store.beside(frontier, direction, None)
        near = "output" if direction == "upstream" else "input"
        # The last step of an odd walk ends at jobs.
        taken = [row for row in rows if row.direction == near or steps > 1]
        frontier = {walked.add(row) for row in taken if row.direction != near} - met
        for row in taken:
            walked.add(row)
        steps -= 2


async def _of_job(connection: AsyncConnection, job: Key, direction: Direction) -> list[Edge]:
    """What the run that stands for a job read or wrote."""
    runs = (await CatalogueStore(connection).latest_runs([job])).get(job, [])
    if not runs:
        return []
    told = current_run(runs)
    rows = await EdgeStore(connection).of_runs([told.run_id], direction, None)
    return [row for row in rows if is_its_own(row, told)]


def _node(node: str, kind: str, data: Json, edges: Edges) -> Json:
    pairs = [_edge(edge, said) for edge, said in sorted(edges.items(), key=lambda one: one[0])]
    return {
        "id": node,
        "type": kind,
        "data": data,
        "inEdges": [pair for pair in pairs if pair["destination"] == node],
        "outEdges": [pair for pair in pairs if pair["origin"] == node],
    }


def _edge(edge: Arrow, said: Voices) -> Json:
    return {"origin": edge[0], "destination": edge[1], "toldBy": said.told_by, "vouched": said.vouched}


async def get_column_lineage(work: Work, node: NodeId, depth: Depth = 20) -> Json:
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
    store = CatalogueStore(work.connection)
    rows: dict[Key, DatasetPicture] = {}
    frontier = [found_or_missing(await store.known("dataset", start.readings), str(start))]
    for _ in range(depth + 1):
        for row in await store.some_datasets(frontier):
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
    return {"graph": _fields_graph(rows)}


def _fields_graph(rows: dict[Key, DatasetPicture]) -> list[Json]:
    nodes: dict[str, Json] = {}
    edges: Edges = {}
    for row in rows.values():
        types = {one.get("name"): one.get("type") for one in row.fields or []}
        for column in column_lineage_of(row.facets):
            here = field_id(row.namespace, row.name, column["name"])
            nodes[here] = _field(row, column["name"], types.get(column["name"]), column)
            for one in column["inputFields"]:
                there = field_id(one["namespace"], one["dataset"], one["field"])
                edges[there, here] = Voices(row.vouched, set(row.told_by))
                known = rows.get((one["namespace"], one["dataset"]))
                if known is not None and there not in nodes:
                    nodes[there] = _field(known, one["field"], None, {"inputFields": []})
    return [_node(key, "DATASET_FIELD", data, edges) for key, data in nodes.items()]


def _field(row: DatasetPicture, name: str, kind: str | None, column: Json) -> Json:
    return {
        "namespace": row.namespace,
        "dataset": row.name,
        "datasetVersion": row.current_version,
        "field": name,
        "fieldType": kind,
        "transformationDescription": column.get("transformationDescription"),
        "transformationType": column.get("transformationType"),
        "inputFields": column["inputFields"],
        "toldBy": row.told_by,
        "vouched": row.vouched,
    }
