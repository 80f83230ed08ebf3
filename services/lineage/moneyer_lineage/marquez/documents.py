"""Jobs, runs, datasets and versions in the shapes of Marquez's published API.

A namespace is a dataset's source as well, for nothing more is told of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, Field

from moneyer_lineage.record.rules.graph import node_id
from moneyer_lineage.record.rules.pictures import DatasetPicture, JobPicture, Picture, RunPicture, VersionPicture
from moneyer_lineage.record.rules.projection import version_of
from moneyer_lineage.record.rules.shapes import Facets, Json
from moneyer_lineage.record.store.catalogue import FoundByName, Namespace, Tag

# Beyond Marquez's own members each thing says who told of it, whether the house vouches for that, and what was said by
# others whose word does not count there; its interface leaves these out.
WHOLE = ""
"""Under this name stand the tags of a dataset itself; a field has a name."""
Limit = Annotated[int, Field(ge=1, le=2000)]
Offset = Annotated[int, Field(ge=0, le=10_000_000)]
Period = Literal["DAY", "WEEK"]
# Names of datasets hold slashes, which the interface sends encoded; ``EncodedNames`` lets them reach us so.
Title = Annotated[str, Field(min_length=1, max_length=6000, pattern=r"^[^\x00]*$"), AfterValidator(unquote)]
TagName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class TagDescribed(BaseModel):
    description: Annotated[str | None, Field(max_length=4000, pattern=r"^[^\x00]*$")] = None


def time_of(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def namespace_json(row: Namespace) -> Json:
    return {
        "name": row.name,
        "createdAt": time_of(row.created_at),
        "updatedAt": time_of(row.updated_at),
        "ownerName": "moneyer",
        "description": "",
        "isHidden": False,
    }


def source_json(namespace: Json) -> Json:
    kept = ("name", "createdAt", "updatedAt", "description")
    return {"type": "OTHER", "connectionUrl": "", **{name: namespace[name] for name in kept}}


def _voices(told: Picture) -> Json:
    heard = [{"by": one.by, "state": one.state, "facets": one.facets} for one in told.heard]
    return {"toldBy": told.told_by, "vouched": told.vouched, "heard": heard}


def dataset_json(row: DatasetPicture) -> Json:
    return _voices(row) | {
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


def _fields(fields: Sequence[Json] | None, tags: Mapping[str, list[str]]) -> list[Json]:
    return [
        {
            "name": str(one.get("name", "")),
            "type": one.get("type"),
            "tags": tags.get(str(one.get("name", "")), []),
            "description": one.get("description") or "",
        }
        for one in fields or []
    ]


def column_lineage_of(facets: Facets) -> list[Json]:
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


def _dicts(found: object) -> list[Json]:
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


def run_json(row: RunPicture, outputs: Sequence[Json]) -> Json:
    """A run and the versions it made of its outputs; which versions it read nobody told."""
    made = [(one["namespace"], one["name"]) for one in outputs]
    lasted = row.ended_at - row.started_at if row.ended_at and row.started_at else None
    return _voices(row) | {
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
        "jobVersion": job_version_id(row.job_namespace, row.job_name),
        "inputVersions": [],
        "outputVersions": [_version_id(*output, version_of(*output, row.run_id)) for output in made],
        "facets": row.facets,
    }


def _version_id(namespace: str, name: str, version: str) -> Json:
    return {"namespace": namespace, "name": name, "version": version}


def job_version_id(namespace: str, name: str) -> Json:
    """A job has one version here: what it reads and writes is its runs' to say."""
    return _version_id(namespace, name, version_of(namespace, name, "job"))


def job_json(row: JobPicture, sides: Facets, latest: Json | None) -> Json:
    """A job, what it reads and writes, and its latest run."""
    return _voices(row) | {
        "id": {"namespace": row.namespace, "name": row.name},
        "type": row.type if row.type in {"BATCH", "STREAM", "SERVICE"} else "BATCH",
        "name": row.name,
        "simpleName": row.name,
        "createdAt": time_of(row.created_at),
        "updatedAt": time_of(row.updated_at),
        "namespace": row.namespace,
        "inputs": sides.get("inputs", []),
        "outputs": sides.get("outputs", []),
        "location": row.location or "",
        "description": row.description or "",
        "latestRun": latest,
        "latestRuns": [latest] if latest is not None else [],
        "facets": row.facets,
        "currentVersion": job_version_id(row.namespace, row.name)["version"],
        "tags": [],
    }


def job_version_json(job: Json) -> Json:
    """The one version of a job that is shown."""
    version = job_version_id(job["namespace"], job["name"])
    kept = (
        "type", "name", "createdAt", "namespace", "inputs", "outputs", "location", "description", "latestRun", "facets",
        "toldBy", "vouched", "heard",
    )  # fmt: skip
    return {"id": version, "version": version["version"], **{name: job[name] for name in kept}}


def version_json(row: VersionPicture, run: Json | None) -> Json:
    return _voices(row) | {
        "id": _version_id(row.namespace, row.name, row.version),
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
        "createdByRun": run,
        "facets": row.facets,
    }


def found_json(found: FoundByName) -> Json:
    """A job or dataset that was searched for."""
    return {
        "type": found.type, "name": found.name, "updatedAt": time_of(found.updated_at), "namespace": found.namespace,
        "nodeId": node_id(found.type.lower(), found.namespace, found.name),
    }  # fmt: skip


def tag_json(tag: Tag) -> Json:
    return {"name": tag.name, "description": tag.description or ""}
