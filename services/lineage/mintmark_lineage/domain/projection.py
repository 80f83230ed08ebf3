"""What events say of runs, jobs, datasets and assets, folded to one state each: the same in whatever order they come.

Anybody may write a facet as they like: what is not of the shape it should be is kept in its event and left out here.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mintmark_lineage.domain.changes import AssetChange, is_change

Event = Mapping[str, Any]
Key = tuple[str, str]
Rows = dict[Any, dict[str, Any]]
STATES = {"START": "RUNNING", "RUNNING": "RUNNING", "COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
ENDED = frozenset({"COMPLETED", "FAILED", "ABORTED"})
VERSIONS = uuid.UUID("7c0c3a5e-2b5e-4a55-9f57-0c5e1a6f2d10")
ENDS = ("value", "lower", "upper")


def version_of(namespace: str, name: str, run_id: str) -> str:
    """The version of a dataset that a run made: the same run makes the same version."""
    return str(uuid.uuid5(VERSIONS, f"{namespace}\n{name}\n{run_id}"))


@dataclass
class Projection:
    """Rows to merge into what is known: by run, job, dataset, version of a dataset, and asset that was planned.

    ``changes`` are what became of assets since.
    """

    runs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    jobs: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    datasets: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    versions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    changes: list[AssetChange] = field(default_factory=list[AssetChange])


def project(told: Iterable[tuple[Event, datetime]], *, vouched: bool) -> Projection:
    """Events folded in the order of their times; of assets, only those that the house itself vouches for."""
    made = Projection()
    for event, at in sorted(told, key=lambda one: one[1]):
        if event.get("job"):
            _job(made, event, at)
        if event.get("run"):
            _run(made, event, at)
            if vouched:
                _outcome(made, event, at)
                _change(made, event, at)
        for side in ("inputs", "outputs"):
            for dataset in event.get(side) or []:
                _dataset(made, dataset, event, at, written=side == "outputs")
        if event.get("dataset"):
            _dataset(made, event["dataset"], event, at, written=False)
    return made


def _merged(rows: Rows, key: Any, at: datetime, fresh: Mapping[str, Any]) -> dict[str, Any]:
    """The row of that key, created at its first event and updated at this one."""
    row = rows.setdefault(key, {"created_at": at, "facets": {}})
    row["updated_at"] = at
    row["facets"] = row["facets"] | fresh.get("facets", {})
    row |= {name: value for name, value in fresh.items() if value is not None and name != "facets"}
    return row


# --- what is of the shape it should be -------------------------------------------------------


def _facets(owner: Mapping[str, Any]) -> dict[str, Any]:
    found = owner.get("facets")
    return {name: body for name, body in found.items() if isinstance(body, dict)} if isinstance(found, dict) else {}


def _text(facets: Mapping[str, Any], name: str, member: str) -> str | None:
    found = facets.get(name, {}).get(member)
    return found if isinstance(found, str) else None


def _fields(facets: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    found = facets.get("schema", {}).get("fields")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


# --- runs, jobs, datasets --------------------------------------------------------------------


def _job(made: Projection, event: Event, at: datetime) -> None:
    job = event["job"]
    facets = _facets(job)
    fresh = {
        "namespace": job["namespace"], "name": job["name"], "facets": facets,
        "type": _text(facets, "jobType", "processingType"),
        "description": _text(facets, "documentation", "description"),
        "location": _text(facets, "sourceCodeLocation", "url"),
        "latest_run": (event.get("run") or {}).get("runId"),
    }  # fmt: skip
    row = _merged(made.jobs, (job["namespace"], job["name"]), at, fresh)
    for side in ("inputs", "outputs"):
        named = {(one["namespace"], one["name"]) for one in event.get(side) or []}
        known = {(one["namespace"], one["name"]) for one in row.get(side, [])}
        row[side] = [{"namespace": space, "name": name} for space, name in sorted(known | named)]


def _run(made: Projection, event: Event, at: datetime) -> None:
    run, job = event["run"], event["job"]
    facets, state = _facets(run), STATES.get(event.get("eventType") or "")
    fresh = {
        "run_id": run["runId"], "job_namespace": job["namespace"], "job_name": job["name"], "facets": facets,
        "state": state, "state_at": at if state else None,
        "started_at": at if event.get("eventType") == "START" else None,
        "ended_at": at if state in ENDED else None,
        "nominal_start": _text(facets, "nominalTime", "nominalStartTime"),
        "nominal_end": _text(facets, "nominalTime", "nominalEndTime"),
        "job_facets": _facets(job) or None,
    }  # fmt: skip
    _merged(made.runs, run["runId"], at, fresh)


def _dataset(made: Projection, dataset: Mapping[str, Any], event: Event, at: datetime, *, written: bool) -> None:
    facets, key = _facets(dataset), (dataset["namespace"], dataset["name"])
    run_id = (event.get("run") or {}).get("runId")
    version = version_of(*key, run_id) if written and run_id else None
    told = {
        "namespace": key[0], "name": key[1], "facets": facets, "fields": _fields(facets),
        "lifecycle_state": _text(facets, "lifecycleStateChange", "lifecycleStateChange"),
    }  # fmt: skip
    complete = written and event.get("eventType") == "COMPLETE"
    of_dataset = {
        "current_version": version,
        "description": _text(facets, "documentation", "description"),
        "last_modified_at": at if complete else None,
    }
    _merged(made.datasets, key, at, told | of_dataset)
    if version is not None:
        _merged(made.versions, version, at, told | {"version": version, "run_id": run_id})


# --- assets ----------------------------------------------------------------------------------


def _outcome(made: Projection, event: Event, at: datetime) -> None:
    """What was asked for an asset, what it cost, how it was judged, and what became of it."""
    facets, run_id = _facets(event["run"]), event["run"]["runId"]
    asset = _text(facets, "mintmark_evaluation", "asset_id")
    if asset is not None and facets["mintmark_evaluation"].get("purpose") == "release":
        figures = facets["mintmark_evaluation"].get("estimates")
        _merged(made.outcomes, asset, at, {"asset_id": asset, "figures": _figures(figures)})
    told = _told_of(event, facets)
    if told:
        _merged(made.outcomes, run_id, at, {"asset_id": run_id, **told})


def _figures(estimates: Any) -> dict[str, dict[str, str]]:
    """Each metric's value and bounds, of those that are decimals in text."""
    found = [one for one in estimates if isinstance(one, dict)] if isinstance(estimates, list) else []
    return {
        one["metric"]: {end: one[end] for end in ENDS}
        for one in found
        if isinstance(one.get("metric"), str) and all(_is_decimal(one.get(end)) for end in ENDS)
    }


def _is_decimal(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    sign_off = value.removeprefix("-").replace(".", "", 1)
    return sign_off.isascii() and sign_off.isdigit()


PLANNED = ("charter_id", "use_case", "generator", "rationale")


def _told_of(event: Event, facets: Mapping[str, Any]) -> dict[str, Any]:
    """What this event tells of its own asset; nothing where it is none of mintmark's runs."""
    plan = facets.get("mintmark_plan", {})
    row: dict[str, Any] = {name: _text(facets, "mintmark_plan", name) for name in PLANNED}
    guarantee, rows, parameters = plan.get("guarantee"), plan.get("rows"), plan.get("parameters")
    failed, epsilon = (
        facets.get("mintmark_policyDecision", {}).get("failed"),
        _text(facets, "mintmark_charge", "epsilon"),
    )
    row |= {
        "guarantee": guarantee.get("level") if isinstance(guarantee, dict) else None,
        "rows": rows if isinstance(rows, int) and 0 <= rows < 2**62 else None,
        "parameters": parameters if isinstance(parameters, dict) else None,
        "decision": _text(facets, "mintmark_policyDecision", "verdict"),
        "failed": [str(code) for code in failed] if isinstance(failed, list) else None,
        "epsilon": epsilon if _is_decimal(epsilon) else None,
        "verdict": _text(facets, "mintmark_release", "verdict"),
        "failure": _text(facets, "mintmark_failure", "because"),
    }
    told = {name: value for name, value in row.items() if value is not None}
    sources = [one["name"] for one in event.get("inputs") or [] if one["namespace"] == "mintmark.source"]
    return told | ({"source_id": sources[0]} if told and sources else {})


def _change(made: Projection, event: Event, at: datetime) -> None:
    """What became of an asset: its release decision, or a change since."""
    facets, asset = _facets(event["run"]), event["run"]["runId"]
    change = _text(facets, "mintmark_assetChange", "change") or _text(facets, "mintmark_release", "verdict")
    if change is not None and is_change(change):
        because, substitute = (_text(facets, "mintmark_assetChange", name) for name in ("because", "substitute"))
        made.changes.append(AssetChange(asset, at, change, because, substitute))
