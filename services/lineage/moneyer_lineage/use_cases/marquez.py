"""What Marquez's web interface reads: lists, single things, tags and figures."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.domain.graph import node_id
from moneyer_lineage.domain.names import check_space
from moneyer_lineage.domain.pictures import JobPicture, RunPicture, current_run
from moneyer_lineage.domain.series import INSTANT, STEPS, Step, Stretch
from moneyer_lineage.store.catalogue import CatalogueStore
from moneyer_lineage.store.counts import CountStore
from moneyer_lineage.store.edges import EdgeStore
from moneyer_lineage.use_cases.archive import Archive
from moneyer_lineage.use_cases.graph import is_its_own
from moneyer_lineage.use_cases.marquez_shapes import (
    WHOLE,
    Json,
    show_dataset,
    show_job,
    show_job_version,
    show_namespace,
    show_run,
    show_version,
    time_of,
)
from moneyer_shared.errors import NotFound

_PERIODS: Mapping[str, tuple[int, Step]] = {"DAY": (24, "hour"), "WEEK": (7, "day")}


async def namespaces(archive: Archive) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).namespaces()
    return [show_namespace(row) for row in rows]


async def namespace(archive: Archive, name: str) -> Json:
    """One namespace.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).namespaces(name)
    return show_namespace(found_or_missing(rows[0] if rows else None, f"namespace {name}"))


async def jobs(archive: Archive, namespace: str | None, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).jobs(namespace, limit, offset)
        shown = await show_jobs(connection, rows)
    return {"jobs": shown, "totalCount": total}


async def show_jobs(connection: AsyncConnection, jobs: Sequence[JobPicture]) -> list[Json]:
    """Jobs with their latest run, and with what their newest finished run read and wrote, or the newest if none did.

    What each of its runs read and wrote is the run's, not the job's: joined, it would say that a table came from
    everything that any run of the job ever read.
    """
    latest = await CatalogueStore(connection).latest_runs([(job.namespace, job.name) for job in jobs])
    of_job = {key: current_run(runs) for key, runs in latest.items()}
    sides = await _sides(connection, of_job.values())
    newest = await _shown(connection, [runs[0] for runs in latest.values()])
    shown: list[Json] = []
    for job in jobs:
        key = (job.namespace, job.name)
        its = latest.get(key)
        shown.append(
            show_job(job, sides[of_job[key].run_id] if its else job.static, newest[its[0].run_id] if its else None)
        )
    return shown


async def _sides(connection: AsyncConnection, runs: Iterable[RunPicture]) -> dict[str, Json]:
    """What runs read and wrote, by the word of whoever's they are."""
    told = {run.run_id: run for run in runs}
    found: dict[str, dict[str, set[tuple[str, str]]]] = {run: {"inputs": set(), "outputs": set()} for run in told}
    for edge in await EdgeStore(connection).of_runs(told, None, None):
        if is_its_own(edge, told[edge.run_id]):
            found[edge.run_id][f"{edge.direction}s"].add((edge.namespace, edge.name))
    return {
        run: {
            side: [{"namespace": space, "name": name} for space, name in sorted(names)] for side, names in its.items()
        }
        for run, its in found.items()
    }


async def runs_named(connection: AsyncConnection, run_ids: Sequence[str]) -> dict[str, Json]:
    """These runs as they are shown, by id."""
    return await _shown(connection, list((await CatalogueStore(connection).some_runs(run_ids)).values()))


async def _shown(connection: AsyncConnection, runs: Sequence[RunPicture]) -> dict[str, Json]:
    sides = await _sides(connection, runs)
    return {run.run_id: show_run(run, sides[run.run_id]["outputs"]) for run in runs}


async def job(archive: Archive, namespace: str, name: str) -> Json:
    """One job.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        found = await CatalogueStore(connection).some_jobs([(namespace, name)])
        shown = await show_jobs(connection, found)
    return dict(found_or_missing(next(iter(shown), None), f"job {namespace}/{name}"))


async def job_version(archive: Archive, namespace: str, name: str, version: str | None = None) -> Json:
    """The one version of a job.

    Raises:
        NotFound: no event names the job, or its version is another than the one asked for.
    """
    found = show_job_version(await job(archive, namespace, name))
    if version not in {None, found["version"]}:
        raise NotFound(f"Job {namespace}/{name} has no version {version}.")
    return found


async def runs(archive: Archive, namespace: str, name: str, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).runs(namespace, name, limit, offset)
        shown = await _shown(connection, rows)
    return {"runs": list(shown.values()), "totalCount": total}


async def run(archive: Archive, run_id: str) -> Json:
    """A run.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        shown = await runs_named(connection, [run_id])
    found: Json = found_or_missing(shown.get(run_id), f"run {run_id}")
    return found


async def run_facets(archive: Archive, run_id: str, kind: str) -> Json:
    """The facets of a run, or of its job as the run told them.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        found = await CatalogueStore(connection).some_runs([run_id])
    row = found_or_missing(found.get(run_id), f"run {run_id}")
    return {"runId": row.run_id, "facets": row.facets if kind == "run" else row.job_facets}


async def datasets(archive: Archive, namespace: str | None, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).datasets(namespace, limit, offset)
    return {"datasets": [show_dataset(row) for row in rows], "totalCount": total}


async def dataset(archive: Archive, namespace: str, name: str) -> Json:
    """One dataset.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        return show_dataset(await _dataset(CatalogueStore(connection), namespace, name))


async def _dataset(store: CatalogueStore, namespace: str, name: str) -> Any:
    found = await store.some_datasets([(namespace, name)])
    return found_or_missing(next(iter(found), None), f"dataset {namespace}/{name}")


async def versions(archive: Archive, namespace: str, name: str, limit: int, offset: int) -> Json:
    """A page of a dataset's versions.

    Raises:
        NotFound: no event names the dataset.
    """
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        await _dataset(store, namespace, name)
        rows, total = await store.versions(namespace, name, limit, offset)
        made_by = await runs_named(connection, [row.run_id for row in rows])
    return {"versions": [show_version(row, made_by.get(row.run_id)) for row in rows], "totalCount": total}


async def version(archive: Archive, namespace: str, name: str, version_id: str) -> Json:
    """One version of a dataset.

    Raises:
        NotFound: no run made it.
    """
    async with archive.database.transaction() as connection:
        found = await CatalogueStore(connection).version(namespace, name, version_id)
        row = found_or_missing(found, f"version {version_id} of dataset {namespace}/{name}")
        made_by = await runs_named(connection, [row.run_id])
    return show_version(row, made_by.get(row.run_id))


def found_or_missing(row: Any | None, what: str) -> Any:
    """The row.

    Raises:
        NotFound: there is none, for no event names it.
    """
    if row is None:
        raise NotFound(f"No event names {what}.")
    return row


async def search(archive: Archive, q: str, kind: str | None, by: str, limit: int) -> Json:
    literal = q.replace("\\", "\\\\")
    pattern = literal if "%" in q or "_" in q else f"%{literal}%"
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).search(pattern, kind, by, limit)
    results = [
        {
            "type": row.type, "name": row.name, "updatedAt": time_of(row.updated_at), "namespace": row.namespace,
            "nodeId": node_id(row.type.lower(), row.namespace, row.name),
        }
        for row in rows
    ]  # fmt: skip
    return {"totalCount": total, "results": results}


async def events(
    archive: Archive, after: datetime | None, before: datetime | None, limit: int, offset: int, *, descending: bool
) -> Json:
    begin, end = after or datetime.fromisoformat("0001-01-02T00:00:00Z"), before or archive.clock()
    async with archive.database.transaction() as connection:
        total = await CountStore(connection).events_between(begin, end)
        found = await CatalogueStore(connection).events(begin, end, limit, offset, descending=descending)
    return {"events": list(found), "totalCount": total}


# --- tags and figures ------------------------------------------------------------------------


async def tags(archive: Archive) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).tags()
    return [{"name": row.name, "description": row.description or ""} for row in rows]


async def put_tag(archive: Archive, name: str, description: str | None) -> Json:
    now = archive.clock()
    async with archive.database.transaction() as connection:
        row = await CatalogueStore(connection).put_tag(name, description, now)
    return {"name": row.name, "description": row.description or ""}


async def tag_dataset(archive: Archive, namespace: str, name: str, tag: str, *, field: str = WHOLE, put: bool) -> Json:
    """Put a tag on a dataset or one of its fields, or take it off.

    Raises:
        NotFound: no event names the dataset.
        Forbidden: it is one of the house's own.
    """
    check_space(namespace)
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        row = await _dataset(store, namespace, name)
        on = set(row.tags.get(field, []))
        changed = dict(row.tags) | {field: sorted(on | {tag} if put else on - {tag})}
        if put:
            await store.put_tag(tag, None, now)
        await store.set_tags(namespace, name, changed)
        return show_dataset(await _dataset(store, namespace, name))


def _stretch(archive: Archive, period: str) -> Stretch:
    """The last 24 hours or 7 days, this one among them."""
    count, step = _PERIODS[period]
    return Stretch.last(count, archive.clock() + INSTANT, step)


async def event_counts(archive: Archive, period: str) -> list[Json]:
    stretch = _stretch(archive, period)
    async with archive.database.transaction() as connection:
        found = await CountStore(connection).series("events", stretch.since, stretch.end, stretch.step)
    return [
        {
            "startInterval": time_of(begin), "endInterval": time_of(begin + STEPS[stretch.step]),
            **{kind.lower(): found.get((begin, kind), 0) for kind in ("FAIL", "START", "COMPLETE", "ABORT")},
        }
        for begin in stretch.begins
    ]  # fmt: skip


async def growth(archive: Archive, kind: str, period: str) -> list[Json]:
    stretch = _stretch(archive, period)
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).growth(kind, stretch)
    return [
        {"startInterval": time_of(row.begun), "endInterval": time_of(row.ended), "count": row.count} for row in rows
    ]
