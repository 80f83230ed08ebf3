"""Jobs, runs and datasets as Marquez shows them, so that what reads Marquez reads mintmark.

Fields are those of Marquez's published API; a namespace is a dataset's source as well, for nothing more is told of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mintmark_lineage.domain.graph import Start
from mintmark_lineage.domain.projection import version_of
from mintmark_lineage.store.catalogue import CatalogueStore
from mintmark_lineage.store.events import Dataset, EventStore
from mintmark_lineage.use_cases.archive import Archive
from mintmark_shared.errors import Invalid, NotFound

OWNER = "mintmark"
WHOLE = ""
"""Under this name stand the tags of a dataset itself; a field has a name."""
Json = dict[str, Any]


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def show_dataset(row: Any) -> Json:
    return {
        "id": {"namespace": row.namespace, "name": row.name},
        "type": "DB_TABLE",
        "name": row.name,
        "physicalName": row.name,
        "createdAt": _time(row.created_at),
        "updatedAt": _time(row.updated_at),
        "namespace": row.namespace,
        "sourceName": row.namespace,
        "fields": _fields(row.fields, row.tags),
        "tags": row.tags.get(WHOLE, []),
        "lastModifiedAt": _time(row.last_modified_at),
        "lastLifecycleState": row.lifecycle_state or "",
        "description": row.description or "",
        "currentVersion": row.current_version,
        "columnLineage": _column_lineage(row.facets),
        "facets": row.facets,
        "deleted": row.lifecycle_state == "DROP",
    }


def _fields(fields: Sequence[Json] | None, tags: Json) -> list[Json]:
    return [
        {
            "name": one.get("name", ""),
            "type": one.get("type"),
            "tags": tags.get(one.get("name", ""), []),
            "description": one.get("description") or "",
        }
        for one in fields or []
    ]


def _column_lineage(facets: Json) -> list[Json]:
    found = (facets.get("columnLineage") or {}).get("fields") or {}
    return [
        {
            "name": name,
            "inputFields": [_input_field(one) for one in told.get("inputFields") or []],
            "transformationDescription": told.get("transformationDescription"),
            "transformationType": told.get("transformationType"),
        }
        for name, told in found.items()
    ]


def _input_field(one: Json) -> Json:
    how = (one.get("transformations") or [{}])[0]
    return {
        "namespace": one.get("namespace"),
        "dataset": one.get("name"),
        "field": one.get("field"),
        "transformationDescription": how.get("description"),
        "transformationType": how.get("type"),
    }


def show_run(row: Any) -> Json:
    lasted = row.ended_at - row.started_at if row.ended_at and row.started_at else None
    return {
        "id": row.run_id,
        "createdAt": _time(row.created_at),
        "updatedAt": _time(row.updated_at),
        "nominalStartTime": row.nominal_start,
        "nominalEndTime": row.nominal_end,
        "state": row.state or "NEW",
        "startedAt": _time(row.started_at),
        "endedAt": _time(row.ended_at),
        "durationMs": int(lasted / timedelta(milliseconds=1)) if lasted is not None else None,
        "args": {},
        "jobVersion": {
            "namespace": row.job_namespace,
            "name": row.job_name,
            "version": version_of(row.job_namespace, row.job_name, "job"),
        },
        "inputVersions": [],
        "outputVersions": [],
        "facets": row.facets,
    }


def show_job(row: Any, latest: Any | None) -> Json:
    return {
        "id": {"namespace": row.namespace, "name": row.name},
        "type": row.type if row.type in {"BATCH", "STREAM", "SERVICE"} else "BATCH",
        "name": row.name,
        "simpleName": row.name,
        "createdAt": _time(row.created_at),
        "updatedAt": _time(row.updated_at),
        "namespace": row.namespace,
        "inputs": row.inputs,
        "outputs": row.outputs,
        "location": row.location or "",
        "description": row.description or "",
        "latestRun": show_run(latest) if latest is not None else None,
        "latestRuns": [show_run(latest)] if latest is not None else [],
        "facets": row.facets,
        "currentVersion": version_of(row.namespace, row.name, "job"),
        "tags": [],
    }


def show_version(row: Any, run: Any | None) -> Json:
    return {
        "id": {"namespace": row.namespace, "name": row.name, "version": row.version},
        "type": "DB_TABLE",
        "name": row.name,
        "physicalName": row.name,
        "createdAt": _time(row.created_at),
        "version": row.version,
        "namespace": row.namespace,
        "sourceName": row.namespace,
        "fields": _fields(row.fields, {}),
        "tags": [],
        "lastModifiedAt": _time(row.updated_at),
        "lifecycleState": row.lifecycle_state or "",
        "description": "",
        "createdByRun": show_run(run) if run is not None else None,
        "facets": row.facets,
    }


async def namespaces(archive: Archive) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).namespaces()
    return [
        {
            "name": row.name, "createdAt": _time(row.created_at), "updatedAt": _time(row.updated_at),
            "ownerName": OWNER, "description": "", "isHidden": False,
        }
        for row in rows
    ]  # fmt: skip


async def jobs(archive: Archive, namespace: str | None, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        rows, total = await store.page("jobs", namespace, limit, offset)
        latest = await _latest(store, rows)
    return {"jobs": [show_job(row, latest.get(row.latest_run)) for row in rows], "totalCount": total}


async def _latest(store: CatalogueStore, rows: Iterable[Any]) -> dict[str, Any]:
    return await store.some_runs([row.latest_run for row in rows if row.latest_run])


async def job(archive: Archive, namespace: str, name: str) -> Json:
    """One job.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        row = _found(await store.find("jobs", namespace, name), f"job {namespace}/{name}")
        latest = await _latest(store, [row])
    return show_job(row, latest.get(row.latest_run))


async def runs(archive: Archive, namespace: str, name: str, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).runs(namespace, name, limit, offset)
    return {"runs": [show_run(row) for row in rows], "totalCount": total}


async def run(archive: Archive, run_id: str) -> Any:
    """A run's row.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        found = await CatalogueStore(connection).some_runs([run_id])
    return _found(found.get(run_id), f"run {run_id}")


async def datasets(archive: Archive, namespace: str | None, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).page("datasets", namespace, limit, offset)
    return {"datasets": [show_dataset(row) for row in rows], "totalCount": total}


async def dataset(archive: Archive, namespace: str, name: str) -> Json:
    """One dataset.

    Raises:
        NotFound: no event names it.
    """
    async with archive.database.transaction() as connection:
        row = await CatalogueStore(connection).find("datasets", namespace, name)
    return show_dataset(_found(row, f"dataset {namespace}/{name}"))


async def versions(archive: Archive, namespace: str, name: str, limit: int, offset: int) -> Json:
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        rows, total = await store.versions(namespace, name, limit, offset)
        made_by = await store.some_runs([row.run_id for row in rows])
    return {"versions": [show_version(row, made_by.get(row.run_id)) for row in rows], "totalCount": total}


def _found(row: Any | None, what: str) -> Any:
    if row is None:
        raise NotFound(f"No event names {what}.")
    return row


async def search(archive: Archive, q: str, kind: str | None, by: str, limit: int) -> Json:
    pattern = q if "%" in q or "_" in q else f"%{q}%"
    async with archive.database.transaction() as connection:
        rows, total = await CatalogueStore(connection).search(pattern, kind, by, limit)
    results = [
        {
            "type": row.type, "name": row.name, "updatedAt": _time(row.updated_at), "namespace": row.namespace,
            "nodeId": f"{row.type.lower()}:{row.namespace}:{row.name}",
        }
        for row in rows
    ]  # fmt: skip
    return {"totalCount": total, "results": results}


async def events(
    archive: Archive, after: datetime | None, before: datetime | None, limit: int, offset: int, *, descending: bool
) -> Json:
    begin, end = after or datetime.fromisoformat("0001-01-02T00:00:00Z"), before or archive.clock()
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        found, total = await store.events(begin, end, limit, offset, descending=descending)
    return {"events": list(found), "totalCount": total}


# --- graphs ---------------------------------------------------------------------------------


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
        first = _found(await store.find(kind, start.namespace, start.name), f"{start.kind} {start.name}")
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
        latest = await _latest(store, known["jobs"].values())
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
        _found(await store.find("datasets", start.namespace, start.name), f"dataset {start.name}")
        rows: dict[Dataset, Any] = {}
        frontier = [(start.namespace, start.name)]
        for _ in range(depth + 1):
            for row in await store.some("datasets", frontier):
                rows[row.namespace, row.name] = row
            inputs = {
                (one["namespace"], one["dataset"])
                for key in frontier
                if key in rows
                for column in _column_lineage(rows[key].facets)
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
        for column in _column_lineage(row.facets):
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
    """
    now = archive.clock()
    async with archive.database.transaction() as connection:
        store = CatalogueStore(connection)
        row = _found(await store.find("datasets", namespace, name), f"dataset {namespace}/{name}")
        on = set(row.tags.get(field, []))
        changed = row.tags | {field: sorted(on | {tag} if put else on - {tag})}
        if put:
            await store.put_tag(tag, None, now)
        await store.set_tags(namespace, name, changed)
        return show_dataset(await store.find("datasets", namespace, name))


def _since(archive: Archive, period: str) -> tuple[datetime, datetime, str]:
    """Begin, end and step of the last 24 hours or 7 days, whole hours or days."""
    now = archive.clock()
    if period == "DAY":
        end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return end - timedelta(days=1), end, "1 hour"
    end = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return end - timedelta(days=7), end, "1 day"


async def event_counts(archive: Archive, period: str) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).event_counts(*_since(archive, period))
    return [
        {
            "startInterval": _time(row.begun), "endInterval": _time(row.ended), "fail": row.fail, "start": row.start,
            "complete": row.complete, "abort": row.abort,
        }
        for row in rows
    ]  # fmt: skip


async def growth(archive: Archive, kind: str, period: str) -> list[Json]:
    async with archive.database.transaction() as connection:
        rows = await CatalogueStore(connection).growth(kind, *_since(archive, period))
    return [{"startInterval": _time(row.begun), "endInterval": _time(row.ended), "count": row.count} for row in rows]
