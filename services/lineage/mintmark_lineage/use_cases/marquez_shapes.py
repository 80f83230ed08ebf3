"""Jobs, runs, datasets and versions in the shapes of Marquez's published API.

A namespace is a dataset's source as well, for nothing more is told of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from mintmark_lineage.domain.projection import version_of

WHOLE = ""
"""Under this name stand the tags of a dataset itself; a field has a name."""
Json = dict[str, Any]


def time_of(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def show_dataset(row: Any) -> Json:
    return {
        "id": {"namespace": row.namespace, "name": row.name},
        "type": "DB_TABLE",
        "name": row.name,
        "physicalName": row.name,
        "createdAt": time_of(row.created_at),
        "updatedAt": time_of(row.updated_at),
        "namespace": row.namespace,
        "sourceName": row.namespace,
        "fields": _fields(row.fields, row.tags),
        "tags": row.tags.get(WHOLE, []),
        "lastModifiedAt": time_of(row.last_modified_at),
        "lastLifecycleState": row.lifecycle_state or "",
        "description": row.description or "",
        "currentVersion": row.current_version,
        "columnLineage": column_lineage_of(row.facets),
        "facets": row.facets,
        "deleted": row.lifecycle_state == "DROP",
    }


def _fields(fields: Sequence[Json] | None, tags: Json) -> list[Json]:
    return [
        {
            "name": str(one.get("name", "")),
            "type": one.get("type"),
            "tags": tags.get(str(one.get("name", "")), []),
            "description": one.get("description") or "",
        }
        for one in fields or []
    ]


def column_lineage_of(facets: Json) -> list[Json]:
    """The fields a dataset's fields were said to come from; what is not said so is left out."""
    found = facets.get("columnLineage", {}).get("fields")
    return [
        {
            "name": name,
            "inputFields": [_input_field(one) for one in _dicts(told.get("inputFields")) if _is_named(one)],
            "transformationDescription": told.get("transformationDescription"),
            "transformationType": told.get("transformationType"),
        }
        for name, told in (found.items() if isinstance(found, dict) else ())
        if isinstance(told, dict)
    ]


def _dicts(found: Any) -> list[Json]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_named(one: Json) -> bool:
    return all(isinstance(one.get(name), str) for name in ("namespace", "name", "field"))


def _input_field(one: Json) -> Json:
    how = next(iter(_dicts(one.get("transformations"))), {})
    return {
        "namespace": one["namespace"],
        "dataset": one["name"],
        "field": one["field"],
        "transformationDescription": how.get("description"),
        "transformationType": how.get("type"),
    }


def show_run(row: Any) -> Json:
    lasted = row.ended_at - row.started_at if row.ended_at and row.started_at else None
    return {
        "id": row.run_id,
        "createdAt": time_of(row.created_at),
        "updatedAt": time_of(row.updated_at),
        "nominalStartTime": row.nominal_start,
        "nominalEndTime": row.nominal_end,
        "state": row.state or "NEW",
        "startedAt": time_of(row.started_at),
        "endedAt": time_of(row.ended_at),
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
        "createdAt": time_of(row.created_at),
        "updatedAt": time_of(row.updated_at),
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
        "createdAt": time_of(row.created_at),
        "version": row.version,
        "namespace": row.namespace,
        "sourceName": row.namespace,
        "fields": _fields(row.fields, {}),
        "tags": [],
        "lastModifiedAt": time_of(row.updated_at),
        "lifecycleState": row.lifecycle_state or "",
        "description": "",
        "createdByRun": show_run(run) if run is not None else None,
        "facets": row.facets,
    }
