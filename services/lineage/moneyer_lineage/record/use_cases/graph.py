"""The graph walked from a node, as it was known at a time."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from moneyer_lineage.dependencies import Work
from moneyer_lineage.record.documents.graph import DatasetNode, Depth, Graph, Link, NodeId, RunNode
from moneyer_lineage.record.rules.changes import Standing, standing
from moneyer_lineage.record.rules.graph import ASSET, MOST_NODES, Direction, Edge, Found, Start
from moneyer_lineage.record.rules.pictures import RunPicture
from moneyer_lineage.record.rules.statements import HOUSE
from moneyer_lineage.record.store.catalogue import CatalogueStore
from moneyer_lineage.record.store.changes import ChangeStore
from moneyer_lineage.record.store.edges import Dataset, EdgeStore
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import Invalid, NotFound


async def get_graph(
    work: Work,
    node: NodeId | None = None,
    run: UUID | None = None,
    direction: Direction = "upstream",
    depth: Depth = 10,
    as_of: Moment | None = None,
) -> Graph:
    """What lies upstream or downstream of a node as it was known by a time, or of a run as that met it.

    Raises:
        Invalid: there is no node and no run, or both, or a time beside a run; or it is no node's id.
        NotFound: no event told by then names it.
    """
    if (node is None) == (run is None) or (run is not None and as_of is not None):
        raise Invalid("Give node, with asOf or without, or run.", code="node-or-run")
    if run is not None:
        return await graph_of_run(work, str(run), direction=direction, depth=depth)
    return await graph_of_node(work, Start.of(node or ""), direction=direction, depth=depth, as_of=as_of)


async def graph_of_node(work: Work, start: Start, *, direction: Direction, depth: int, as_of: datetime | None) -> Graph:
    """What lies upstream or downstream, breadth first, each step a run and its datasets.

    Raises:
        NotFound: no event told by then names the node.
    """
    store, found = EdgeStore(work.connection), Found()
    if start.kind == "run" and not await CatalogueStore(work.connection).some_runs([start.run]):
        raise NotFound(f"No event names {start}.")
    frontier = await _begin(store, found, start, direction, as_of)
    await _walk(store, found, frontier, direction, depth if start.kind == "dataset" else depth - 1, as_of)
    return await _drawn(ChangeStore(work.connection), found, as_of)


async def graph_of_run(work: Work, run: str, *, direction: Direction, depth: int) -> Graph:
    """The graph as the run itself met it: what its own teller says of it, by the time it ended or was last told of.

    Raises:
        NotFound: nothing was told of the run.
    """
    told = (await CatalogueStore(work.connection).some_runs([run])).get(run)
    if told is None:
        raise NotFound(f"Nothing was told of run {run}.")
    store, found, as_of = EdgeStore(work.connection), Found(), told.ended_at or told.updated_at
    edges = [edge for edge in await store.of_runs([run], direction, as_of) if is_its_own(edge, told)]
    await _walk(store, found, _taken(found, edges), direction, depth - 1, as_of)
    return await _drawn(ChangeStore(work.connection), found, as_of)


def is_its_own(edge: Edge, told: RunPicture) -> bool:
    """Whether an edge is of the run's own teller, and of the job that this one says it is a run of."""
    if told.party == HOUSE:
        return edge.vouched
    of_job = (edge.job_namespace, edge.job_name) == (told.job_namespace, told.job_name)
    return of_job and not edge.vouched and f"by {edge.told_by or ''}" == told.party


def _taken(found: Found, edges: Iterable[Edge]) -> set[Dataset]:
    """Take edges in; the datasets not met before."""
    met: set[Dataset] = set()
    for edge in edges:
        found.add(edge)
        met.add((edge.namespace, edge.name))
    fresh = met - found.datasets
    found.datasets |= fresh
    return fresh


async def _begin(
    store: EdgeStore, found: Found, start: Start, direction: Direction, as_of: datetime | None
) -> set[Dataset]:
    """The datasets a walk goes on from."""
    if start.kind == "dataset":
        dataset = await store.knows(start.readings, as_of)
        if dataset is None:
            raise NotFound(f"No event told by then names {start}.")
        found.datasets.add(dataset)
        return {dataset}
    if start.kind == "run":
        return _taken(found, await store.of_runs([start.run], direction, as_of))
    job = await store.knows_job(start.readings, as_of)
    if job is None:
        raise NotFound(f"No event told by then names {start}.")
    runs = await store.runs_of(job, as_of, MOST_NODES)
    return _taken(found, await store.of_runs(runs, direction, as_of, job=job))


async def _walk(
    store: EdgeStore, found: Found, frontier: set[Dataset], direction: Direction, steps: int, as_of: datetime | None
) -> None:
    for _ in range(steps):
        if not frontier or found.is_full:
            break
        frontier = _taken(found, await store.beside(frontier, direction, as_of))


async def _drawn(store: ChangeStore, found: Found, as_of: datetime | None) -> Graph:
    """A walk with what each asset on it is."""
    assets = [name for space, name in found.datasets if space == ASSET]
    known = {asset: standing(its) for asset, its in (await store.changes(assets, as_of)).items()}
    return Graph(
        datasets=[
            _dataset(space, name, known.get(name) if space == ASSET else None) for space, name in sorted(found.datasets)
        ],
        runs=[_run(found, run) for run in sorted(found.runs)],
        links=[
            Link(start=start, to=end, vouched=said.vouched, told_by=said.told_by)
            for (start, end), said in sorted(found.links.items(), key=lambda one: one[0])
        ],
        truncated=found.is_full,
    )


def _dataset(namespace: str, name: str, known: Standing | None) -> DatasetNode:
    if known is None:
        return DatasetNode(namespace=namespace, name=name)
    return DatasetNode(namespace=namespace, name=name, state=known.state, substitute=known.substitute)


def _run(found: Found, run: str) -> RunNode:
    job, said = found.job_of(run)
    return RunNode(id=run, job=job, vouched=said.vouched, told_by=said.told_by)
