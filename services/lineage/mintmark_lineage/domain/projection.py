"""What events say of runs, jobs and datasets, folded to one state each: the same in whatever order they come."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
Key = tuple[str, str]
STATES = {"START": "RUNNING", "RUNNING": "RUNNING", "COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
ENDED = frozenset({"COMPLETED", "FAILED", "ABORTED"})
VERSIONS = uuid.UUID("7c0c3a5e-2b5e-4a55-9f57-0c5e1a6f2d10")


def version_of(namespace: str, name: str, run_id: str) -> str:
    """The version of a dataset that a run made: the same run makes the same version."""
    return str(uuid.uuid5(VERSIONS, f"{namespace}\n{name}\n{run_id}"))


@dataclass
class Projection:
    """Rows to merge into what is known: by run, job, dataset, and version of a dataset."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    jobs: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    datasets: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    versions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


def project(told: Iterable[tuple[Event, datetime]]) -> Projection:
    """Events folded in the order of their times."""
    made = Projection()
    for event, at in sorted(told, key=lambda one: one[1]):
        if event.get("job"):
            _job(made, event, at)
        if event.get("run"):
            _run(made, event, at)
        for side in ("inputs", "outputs"):
            for dataset in event.get(side) or []:
                _dataset(made, dataset, event, at, written=side == "outputs")
        if event.get("dataset"):
            _dataset(made, event["dataset"], event, at, written=False)
    return made


def _merged(rows: dict[Any, dict[str, Any]], key: Any, at: datetime, **fresh: Any) -> dict[str, Any]:
    """The row of that key, created at its first event and updated at this one."""
    row = rows.setdefault(key, {"created_at": at, "facets": {}})
    row["updated_at"] = at
    row["facets"] = row["facets"] | fresh.pop("facets", {})
    row |= {name: value for name, value in fresh.items() if value is not None}
    return row


def _job(made: Projection, event: Event, at: datetime) -> None:
    job = event["job"]
    facets = job.get("facets") or {}
    row = _merged(
        made.jobs, (job["namespace"], job["name"]), at,
        namespace=job["namespace"], name=job["name"], facets=facets,
        type=(facets.get("jobType") or {}).get("processingType"),
        description=(facets.get("documentation") or {}).get("description"),
        location=(facets.get("sourceCodeLocation") or {}).get("url"),
        latest_run=(event.get("run") or {}).get("runId"),
    )  # fmt: skip
    for side in ("inputs", "outputs"):
        named = {(one["namespace"], one["name"]) for one in event.get(side) or []}
        known = {(one["namespace"], one["name"]) for one in row.get(side, [])}
        row[side] = [{"namespace": space, "name": name} for space, name in sorted(known | named)]


def _run(made: Projection, event: Event, at: datetime) -> None:
    run, job = event["run"], event["job"]
    facets = run.get("facets") or {}
    state = STATES.get(event.get("eventType") or "")
    nominal = facets.get("nominalTime") or {}
    _merged(
        made.runs, run["runId"], at,
        run_id=run["runId"], job_namespace=job["namespace"], job_name=job["name"], facets=facets,
        state=state, state_at=at if state else None,
        started_at=at if event.get("eventType") == "START" else None,
        ended_at=at if state in ENDED else None,
        nominal_start=nominal.get("nominalStartTime"), nominal_end=nominal.get("nominalEndTime"),
        job_facets=job.get("facets") or None,
    )  # fmt: skip


def _dataset(made: Projection, dataset: Mapping[str, Any], event: Event, at: datetime, *, written: bool) -> None:
    facets = dataset.get("facets") or {}
    key, fields = (dataset["namespace"], dataset["name"]), (facets.get("schema") or {}).get("fields")
    run_id = (event.get("run") or {}).get("runId")
    version = version_of(*key, run_id) if written and run_id else None
    state = (facets.get("lifecycleStateChange") or {}).get("lifecycleStateChange")
    complete = event.get("eventType") == "COMPLETE"
    _merged(
        made.datasets, key, at,
        namespace=key[0], name=key[1], facets=facets, fields=fields, current_version=version,
        description=(facets.get("documentation") or {}).get("description"),
        last_modified_at=at if written and complete else None, lifecycle_state=state,
    )  # fmt: skip
    if version is not None:
        _merged(
            made.versions, version, at,
            version=version, namespace=key[0], name=key[1], run_id=run_id, fields=fields, facets=facets,
            lifecycle_state=state,
        )  # fmt: skip
