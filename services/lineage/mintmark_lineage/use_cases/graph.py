"""The graph walked from a node, as it was known at a time."""

from datetime import datetime
from typing import Any

from mintmark_lineage.domain.changes import standing
from mintmark_lineage.domain.graph import ASSET, MOST_NODES, Direction, Found, Start, dataset_id, run_id
from mintmark_lineage.store.events import Dataset, EventStore
from mintmark_lineage.store.impact import ImpactStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_shared.errors import NotFound


async def graph(
    archive: Archive, start: Start, *, direction: Direction, depth: int, as_of: datetime | None
) -> dict[str, Any]:
    """What lies upstream or downstream, breadth first, each step a run and its datasets.

    Raises:
        NotFound: no event told by then names the node.
    """
    async with archive.database.transaction() as connection:
        store, found = EventStore(connection), Found(direction)
        frontier = await _begin(store, found, start, as_of)
        found.datasets |= frontier
        steps = depth if start.kind == "dataset" else depth - 1
        for _ in range(steps):
            if not frontier or found.is_full:
                break
            frontier = await _step(store, found, frontier, as_of)
        assets = [name for space, name in found.datasets if space == ASSET]
        changes = await ImpactStore(connection).changes(assets, as_of)
    return found.show({asset: standing(its) for asset, its in changes.items()})


async def graph_of_run(archive: Archive, run: str, *, direction: Direction, depth: int) -> dict[str, Any]:
    """The graph as the run itself met it: from the run, by the time it was last told of.

    Raises:
        NotFound: nothing was told of the run.
    """
    async with archive.database.transaction() as connection:
        told = await EventStore(connection).last_told(run)
    if told is None:
        raise NotFound(f"Nothing was told of run {run}.")
    return await graph(archive, Start("run", "", run), direction=direction, depth=depth, as_of=told)


async def _begin(store: EventStore, found: Found, start: Start, as_of: datetime | None) -> set[Dataset]:
    """The datasets a walk goes on from."""
    if start.kind == "dataset":
        if not await store.knows_dataset(start.namespace, start.name, as_of):
            raise NotFound(f"No event told by then names dataset {start.namespace}/{start.name}.")
        return {(start.namespace, start.name)}
    runs = [start.name]
    if start.kind == "job":
        runs = list(await store.runs_of(f"{start.namespace}/{start.name}", as_of, MOST_NODES))
    rows = await store.of_runs(runs, found.direction, as_of)
    if not rows and (start.kind == "job" or await store.last_told(start.name) is None):
        raise NotFound(f"No event told by then names {start.kind} {start.namespace}{start.name}.")
    for row in rows:
        found.runs[row.run_id] = row.job
        found.link(run_id(row.run_id), dataset_id(row.namespace, row.name))
    return {(row.namespace, row.name) for row in rows}


async def _step(store: EventStore, found: Found, frontier: set[Dataset], as_of: datetime | None) -> set[Dataset]:
    """One run further; the datasets not met before."""
    beyond: set[Dataset] = set()
    for row in await store.neighbours(frontier, found.direction, as_of):
        found.runs[row.run_id] = row.job
        found.link(dataset_id(row.namespace, row.name), run_id(row.run_id))
        if row.far_name is not None:
            far = (row.far_namespace, row.far_name)
            found.link(run_id(row.run_id), dataset_id(*far))
            beyond |= {far} - found.datasets
    found.datasets |= beyond
    return beyond
