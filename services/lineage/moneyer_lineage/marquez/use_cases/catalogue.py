"""What Marquez's web interface reads: lists, single things, tags and figures."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_lineage.dashboards.rules import INSTANT, STEPS, Step, Stretch
from moneyer_lineage.dashboards.store import CountStore
from moneyer_lineage.dependencies import Work
from moneyer_lineage.marquez.documents import (
    WHOLE,
    Limit,
    Offset,
    Period,
    TagDescribed,
    TagName,
    Title,
    dataset_json,
    found_json,
    job_json,
    job_version_json,
    namespace_json,
    run_json,
    source_json,
    tag_json,
    time_of,
    version_json,
)
from moneyer_lineage.marquez.rules import check_space
from moneyer_lineage.record.documents.graph import Name
from moneyer_lineage.record.rules.pictures import DatasetPicture, JobPicture, RunPicture, current_run
from moneyer_lineage.record.rules.shapes import Json
from moneyer_lineage.record.store.catalogue import CatalogueStore
from moneyer_lineage.record.store.edges import EdgeStore
from moneyer_lineage.record.use_cases.graph import is_its_own
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.errors import Invalid, NotFound

T = TypeVar("T")
_PERIODS: Mapping[Period, tuple[int, Step]] = {"DAY": (24, "hour"), "WEEK": (7, "day")}
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)
_BEGINNING = datetime.fromisoformat("0001-01-02T00:00:00Z")


def found_or_missing(found: T | None, what: str) -> T:
    """What was found.

    Raises:
        NotFound: nothing was, for no event names it.
    """
    if found is None:
        raise NotFound(f"No event names {what}.")
    return found


# --- namespaces, which are sources too -------------------------------------------------------------


async def list_namespaces(work: Work) -> Json:
    return {"namespaces": [namespace_json(one) for one in await CatalogueStore(work.connection).namespaces()]}


async def get_namespace(work: Work, namespace: Title) -> Json:
    """One namespace.

    Raises:
        NotFound: no event names it.
    """
    found = await CatalogueStore(work.connection).namespaces(namespace)
    return namespace_json(found_or_missing(next(iter(found), None), f"namespace {namespace}"))


async def list_sources(work: Work) -> Json:
    return {"sources": [source_json(one) for one in (await list_namespaces(work))["namespaces"]]}


async def get_source(work: Work, source: Title) -> Json:
    return source_json(await get_namespace(work, source))


# --- jobs and their runs ---------------------------------------------------------------------------


async def list_all_jobs(work: Work, limit: Limit = 100, offset: Offset = 0) -> Json:
    return await _jobs(work, None, limit, offset)


async def list_jobs(work: Work, namespace: Title, limit: Limit = 100, offset: Offset = 0) -> Json:
    return await _jobs(work, namespace, limit, offset)


async def _jobs(work: Work, namespace: str | None, limit: int, offset: int) -> Json:
    found, total = await CatalogueStore(work.connection).jobs(namespace, limit, offset)
    return {"jobs": await jobs_json(work.connection, found), "totalCount": total}


async def jobs_json(connection: AsyncConnection, jobs: Sequence[JobPicture]) -> list[Json]:
    """Jobs with their latest run, and with what their newest finished run read and wrote, or the newest if none did.

    What each of its runs read and wrote is the run's, not the job's: joined, it would say that a table came from
    everything that any run of the job ever read.
    """
    latest = await CatalogueStore(connection).latest_runs([(job.namespace, job.name) for job in jobs])
    of_job = {key: current_run(runs) for key, runs in latest.items()}
    sides = await _sides(connection, of_job.values())
    newest = await _runs(connection, [runs[0] for runs in latest.values()])
    shown: list[Json] = []
    for job in jobs:
        key = (job.namespace, job.name)
        its = latest.get(key)
        shown.append(
            job_json(job, sides[of_job[key].run_id] if its else job.static, newest[its[0].run_id] if its else None)
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


async def _runs_named(connection: AsyncConnection, run_ids: Sequence[str]) -> dict[str, Json]:
    """These runs as they are shown, by id."""
    return await _runs(connection, list((await CatalogueStore(connection).some_runs(run_ids)).values()))


async def _runs(connection: AsyncConnection, runs: Sequence[RunPicture]) -> dict[str, Json]:
    sides = await _sides(connection, runs)
    return {run.run_id: run_json(run, sides[run.run_id]["outputs"]) for run in runs}


async def get_job(work: Work, namespace: Title, job: Title) -> Json:
    """One job.

    Raises:
        NotFound: no event names it.
    """
    found = await CatalogueStore(work.connection).some_jobs([(namespace, job)])
    shown = await jobs_json(work.connection, found)
    return found_or_missing(next(iter(shown), None), f"job {namespace}/{job}")


async def list_job_versions(work: Work, namespace: Title, job: Title) -> Json:
    """The one version of a job.

    Raises:
        NotFound: no event names the job.
    """
    return {"versions": [job_version_json(await get_job(work, namespace, job))], "totalCount": 1}


async def get_job_version(work: Work, namespace: Title, job: Title, version: UUID) -> Json:
    """The one version of a job.

    Raises:
        NotFound: no event names the job, or its version is another than the one asked for.
    """
    found = job_version_json(await get_job(work, namespace, job))
    if found["version"] != str(version):
        raise NotFound(f"Job {namespace}/{job} has no version {version}.")
    return found


async def list_runs(work: Work, namespace: Title, job: Title, limit: Limit = 100, offset: Offset = 0) -> Json:
    found, total = await CatalogueStore(work.connection).runs(namespace, job, limit, offset)
    return {"runs": list((await _runs(work.connection, found)).values()), "totalCount": total}


async def get_run(work: Work, run_id: UUID) -> Json:
    """A run.

    Raises:
        NotFound: no event names it.
    """
    shown = await _runs_named(work.connection, [str(run_id)])
    return found_or_missing(shown.get(str(run_id)), f"run {run_id}")


async def get_run_facets(work: Work, run_id: UUID, kind: Literal["run", "job"] = "run") -> Json:
    """The facets of a run, or of its job as the run told them.

    Raises:
        NotFound: no event names it.
    """
    found = await CatalogueStore(work.connection).some_runs([str(run_id)])
    run = found_or_missing(found.get(str(run_id)), f"run {run_id}")
    return {"runId": run.run_id, "facets": run.facets if kind == "run" else run.job_facets}


# --- datasets and their versions -------------------------------------------------------------------


async def list_datasets(work: Work, namespace: Title, limit: Limit = 100, offset: Offset = 0) -> Json:
    found, total = await CatalogueStore(work.connection).datasets(namespace, limit, offset)
    return {"datasets": [dataset_json(one) for one in found], "totalCount": total}


async def get_dataset(work: Work, namespace: Title, dataset: Title) -> Json:
    """One dataset.

    Raises:
        NotFound: no event names it.
    """
    return dataset_json(await _dataset(CatalogueStore(work.connection), namespace, dataset))


async def _dataset(store: CatalogueStore, namespace: str, name: str) -> DatasetPicture:
    found = await store.some_datasets([(namespace, name)])
    return found_or_missing(next(iter(found), None), f"dataset {namespace}/{name}")


async def list_versions(work: Work, namespace: Title, dataset: Title, limit: Limit = 100, offset: Offset = 0) -> Json:
    """A page of a dataset's versions.

    Raises:
        NotFound: no event names the dataset.
    """
    store = CatalogueStore(work.connection)
    await _dataset(store, namespace, dataset)
    found, total = await store.versions(namespace, dataset, limit, offset)
    made_by = await _runs_named(work.connection, [one.run_id for one in found])
    return {"versions": [version_json(one, made_by.get(one.run_id)) for one in found], "totalCount": total}


async def get_version(work: Work, namespace: Title, dataset: Title, version: UUID) -> Json:
    """One version of a dataset.

    Raises:
        NotFound: no run made it.
    """
    found = await CatalogueStore(work.connection).version(namespace, dataset, str(version))
    known = found_or_missing(found, f"version {version} of dataset {namespace}/{dataset}")
    made_by = await _runs_named(work.connection, [known.run_id])
    return version_json(known, made_by.get(known.run_id))


# --- search and events -----------------------------------------------------------------------------


async def search(work: Work, q: Name, kind: str | None = None, sort: str = "name", limit: Limit = 10) -> Json:
    """Jobs and datasets by name.

    Raises:
        Invalid: it is no kind, or no order.
    """
    wanted, by = kind.upper() if kind else None, sort.lower()
    if wanted not in {None, "JOB", "DATASET"} or by not in {"name", "updated_at", "update_at"}:
        raise Invalid("filter is job or dataset, sort is name or updated_at.", code="search-unreadable")
    literal = q.replace("\\", "\\\\")
    pattern = literal if "%" in q or "_" in q else f"%{literal}%"
    found, total = await CatalogueStore(work.connection).search(pattern, wanted, by, limit)
    return {"totalCount": total, "results": [found_json(one) for one in found]}


async def list_lineage_events(
    work: Work,
    after: str = "",
    before: str = "",
    limit: Limit = 100,
    offset: Offset = 0,
    order: Literal["asc", "desc"] = "desc",
) -> Json:
    """OpenLineage events as they came.

    Raises:
        Invalid: ``after`` or ``before`` is no moment with a zone; the interface sends an empty one for none.
    """
    begin, end = _moment(after) or _BEGINNING, _moment(before) or work.now
    total = await CountStore(work.connection).events_between(begin, end)
    found = await CatalogueStore(work.connection).events(begin, end, limit, offset, descending=order == "desc")
    return {"events": found, "totalCount": total}


def _moment(text: str) -> datetime | None:
    # A plus in a query is a space to whoever decodes it.
    try:
        return _MOMENT.validate_python(text.replace(" ", "+")) if text else None
    except ValidationError as error:
        raise Invalid("before and after are moments of ISO 8601 with a time zone.", code="moment-unreadable") from error


# --- tags and figures ------------------------------------------------------------------------


async def list_tags(work: Work) -> Json:
    return {"tags": [tag_json(one) for one in await CatalogueStore(work.connection).tags()]}


async def put_tag(work: Work, tag: TagName, asked: TagDescribed) -> Json:
    return tag_json(await CatalogueStore(work.connection).put_tag(tag, asked.description, work.now))


async def tag_dataset(work: Work, namespace: Title, dataset: Title, tag: TagName) -> Json:
    return await _tagged(work, namespace, dataset, tag, put=True)


async def untag_dataset(work: Work, namespace: Title, dataset: Title, tag: TagName) -> Json:
    return await _tagged(work, namespace, dataset, tag, put=False)


async def tag_field(work: Work, namespace: Title, dataset: Title, field: Title, tag: TagName) -> Json:
    return await _tagged(work, namespace, dataset, tag, field=field, put=True)


async def untag_field(work: Work, namespace: Title, dataset: Title, field: Title, tag: TagName) -> Json:
    return await _tagged(work, namespace, dataset, tag, field=field, put=False)


async def _tagged(work: Work, namespace: str, name: str, tag: str, *, field: str = WHOLE, put: bool) -> Json:
    """Put a tag on a dataset or one of its fields, or take it off.

    Raises:
        NotFound: no event names the dataset.
        Forbidden: it is one of the house's own.
    """
    check_space(namespace)
    store = CatalogueStore(work.connection)
    known = await _dataset(store, namespace, name)
    on = set(known.tags.get(field, []))
    changed = dict(known.tags) | {field: sorted(on | {tag} if put else on - {tag})}
    if put:
        await store.put_tag(tag, None, work.now)
    await store.set_tags(namespace, name, changed)
    return dataset_json(await _dataset(store, namespace, name))


def _stretch(now: datetime, period: Period) -> Stretch:
    """The last 24 hours or 7 days, this one among them."""
    count, step = _PERIODS[period]
    return Stretch.last(count, now + INSTANT, step)


async def count_lineage_events(work: Work, period: Period = "DAY") -> list[Json]:
    """Events over a day or a week, by type."""
    stretch = _stretch(work.now, period)
    found = await CountStore(work.connection).series("events", stretch.since, stretch.end, stretch.step)
    return [
        {
            "startInterval": time_of(begin), "endInterval": time_of(begin + STEPS[stretch.step]),
            **{kind.lower(): found.get((begin, kind), 0) for kind in ("FAIL", "START", "COMPLETE", "ABORT")},
        }
        for begin in stretch.begins
    ]  # fmt: skip


async def count_growth(work: Work, kind: Literal["jobs", "datasets", "sources"], period: Period = "DAY") -> list[Json]:
    """How many there were over a day or a week."""
    found = await CountStore(work.connection).growth(kind, _stretch(work.now, period))
    return [
        {"startInterval": time_of(one.begun), "endInterval": time_of(one.ended), "count": one.count} for one in found
    ]
