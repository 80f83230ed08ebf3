"""The graph walked from a node, as it was known at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from moneyer_lineage.domain.changes import standing
from moneyer_lineage.domain.graph import ASSET, MOST_NODES, Direction, Found, Start
from moneyer_lineage.domain.told import HOUSE
from moneyer_lineage.store.catalogue import CatalogueStore
from moneyer_lineage.store.edges import Dataset, EdgeStore
from moneyer_lineage.store.impact import ImpactStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_shared.errors import NotFound


async def graph(
    archive: Archive, start: Start, *, direction: Direction, depth: int, as_of: datetime | None
) -> dict[str, Any]:
    """What lies upstream or downstream, breadth first, each step a run and its datasets.

    Raises:
        NotFound: no event told by then names the node.
    """
    async with archive.database.transaction() as connection:
        store, found = EdgeStore(connection), Found()
        if start.kind == "run" and not await CatalogueStore(connection).some_runs([start.run]):
            raise NotFound(f"No event names {start}.")
        frontier = await _begin(store, found, start, direction, as_of)
        await _walk(store, found, frontier, direction, depth if start.kind == "dataset" else depth - 1, as_of)
        return await _shown(ImpactStore(connection), found, as_of)


async def graph_of_run(archive: Archive, run: str, *, direction: Direction, depth: int) -> dict[str, Any]:
    """The graph as the run itself met it: what its own teller says of it, by the time it ended or was last told of.

    Raises:
        NotFound: nothing was told of the run.
    """
    async with archive.database.transaction() as connection:
        told = (await CatalogueStore(connection).some_runs([run])).get(run)
        if told is None:
            raise NotFound(f"Nothing was told of run {run}.")
        store, found, as_of = EdgeStore(connection), Found(), told.ended_at or told.updated_at
        rows = [row for row in await store.of_runs([run], direction, as_of) if is_its_own(row, told)]
        await _walk(store, found, _taken(found, rows), direction, depth - 1, as_of)
        return await _shown(ImpactStore(connection), found, as_of)


def is_its_own(row: Any, told: Any) -> bool:
    """Whether an edge is of the run's own teller, and of the job that this one says it is a run of."""
    if told.party == HOUSE:
        return bool(row.vouched)
    of_job = (row.job_namespace, row.job_name) == (told.job_namespace, told.job_name)
    return of_job and not row.vouched and f"by {row.told_by or ''}" == told.party


def _taken(found: Found, rows: Sequence[Any]) -> set[Dataset]:
    """Take edges in; the datasets not met before."""
    for row in rows:
        found.add(row)
    fresh = {(row.namespace, row.name) for row in rows} - found.datasets
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


async def _shown(store: ImpactStore, found: Found, as_of: datetime | None) -> dict[str, Any]:
    assets = [name for space, name in found.datasets if space == ASSET]
    changes = await store.changes(assets, as_of)
    return found.show({asset: standing(its) for asset, its in changes.items()})
