"""What events say of runs, jobs, datasets and assets, word by word.

Anybody may write a facet as they like: what is not of the shape it should be is kept in its event and left out here.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from moneyer_lineage.record.rules.changes import AssetChange, is_change
from moneyer_lineage.record.rules.shapes import Facets, Json, decimals_of, is_decimal, text_of
from moneyer_lineage.record.rules.statements import Event, HeardEvent, Layer, Layers, join_layer
from moneyer_shared.records import facets_of

Key = tuple[str, str]
Name = TypeVar("Name")
VersionKey = tuple[str, str, str, str]
"""A version of a dataset, the dataset's namespace and name, and the run that made it."""
STATES = {"START": "RUNNING", "RUNNING": "RUNNING", "COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}
VERSIONS = uuid.UUID("7c0c3a5e-2b5e-4a55-9f57-0c5e1a6f2d10")
SIDES = ("inputs", "outputs")


def version_of(namespace: str, name: str, run_id: str) -> str:
    """The version of a dataset that a run made: the same run makes the same version."""
    return str(uuid.uuid5(VERSIONS, f"{namespace}\n{name}\n{run_id}"))


@dataclass
class Projection:
    """Words to join with what is known: by run, job, dataset, version of a dataset, and asset that was planned.

    ``changes`` are what became of assets since.
    """

    runs: dict[str, Layers] = field(default_factory=dict[str, Layers])
    jobs: dict[Key, Layers] = field(default_factory=dict[Key, Layers])
    datasets: dict[Key, Layers] = field(default_factory=dict[Key, Layers])
    versions: dict[VersionKey, Layers] = field(default_factory=dict[VersionKey, Layers])
    outcomes: dict[str, Layer] = field(default_factory=dict[str, Layer])
    changes: list[AssetChange] = field(default_factory=list[AssetChange])


def project(told: Iterable[HeardEvent]) -> Projection:
    """All that events say; of assets, only what the house itself vouches for."""
    made = Projection()
    for one in told:
        if one.event.get("job"):
            _job(made, one)
        if one.run_id is not None:
            _run(made, one, one.run_id)
            if one.vouched:
                _outcome(made, one, one.run_id)
                _change(made, one, one.run_id)
        for key, layer, version in _datasets(one).values():
            _say(made.datasets, key, one.layer, layer)
            if version is not None:
                _say(made.versions, version, one.layer, layer)
    return made


def _say(known: dict[Name, Layers], key: Name, name: str, layer: Layer) -> None:
    layers = known.setdefault(key, {})
    layers[name] = join_layer(layers.get(name, {}), layer)


def _seen(one: HeardEvent) -> Layer:
    return {"first": one.says(), "last": one.says()}


def _facets(one: HeardEvent, owner: Facets, kind: str = "facet") -> Layer:
    return {f"{kind}:{name}": one.says(body) for name, body in facets_of(owner).items()}


# --- runs, jobs, datasets --------------------------------------------------------------------


def _job(made: Projection, one: HeardEvent) -> None:
    job, layer = one.event["job"], _seen(one) | _facets(one, one.event["job"])
    if not one.event.get("run"):
        # Only what is said of a job without a run is the job's own; else its runs say what they read and wrote.
        layer["static"] = one.says({side: _named(one.event, side) for side in SIDES})
    _say(made.jobs, (job["namespace"], job["name"]), one.layer, layer)


def _named(event: Event, side: str) -> list[dict[str, str]]:
    named = {(one["namespace"], one["name"]) for one in event.get(side) or []}
    return [{"namespace": namespace, "name": name} for namespace, name in sorted(named)]


def _run(made: Projection, one: HeardEvent, run_id: str) -> None:
    run, job, kind = one.event["run"], one.event["job"], one.event.get("eventType") or ""
    layer = _seen(one) | _facets(one, run) | _facets(one, job, "job facet")
    layer["job"] = one.says([job["namespace"], job["name"]])
    if kind in STATES:
        layer["state"] = one.says(STATES[kind])
    if kind == "START":
        layer["started"] = one.says()
    _say(made.runs, run_id, one.party, layer)


def _datasets(one: HeardEvent) -> dict[Key, tuple[Key, Layer, VersionKey | None]]:
    """What an event says of each dataset, and of the version its run made; named twice, the output counts."""
    found: dict[Key, tuple[Key, Layer, VersionKey | None]] = {}
    named = [(dataset, side == "outputs") for side in SIDES for dataset in one.event.get(side) or []]
    named += [(one.event["dataset"], False)] if one.event.get("dataset") else []
    for dataset, written in named:
        key = (dataset["namespace"], dataset["name"])
        before = found.get(key, (key, _seen(one), None))
        layer = before[1] | _facets(one, dataset)
        version = (version_of(*key, one.run_id), *key, one.run_id) if written and one.run_id else before[2]
        if version is not None:
            layer["version"] = one.says(version[0])
        if written and one.event.get("eventType") == "COMPLETE":
            layer["modified"] = one.says()
        found[key] = (key, layer, version)
    return found


# --- assets ----------------------------------------------------------------------------------


def _outcome(made: Projection, one: HeardEvent, run_id: str) -> None:
    """What was asked for an asset, what it cost, how it was judged, and what became of it."""
    facets = facets_of(one.event["run"])
    asset = text_of(facets, "moneyer_evaluation", "asset_id")
    if asset is not None and facets["moneyer_evaluation"].get("purpose") == "release":
        _tell(made, one, asset, {"figures": decimals_of(facets["moneyer_evaluation"].get("estimates"))})
    told = _told_of(one.event, facets)
    if told:
        _tell(made, one, run_id, told)


def _tell(made: Projection, one: HeardEvent, asset: str, told: Facets) -> None:
    layer = _seen(one) | {name: one.says(value) for name, value in told.items()}
    made.outcomes[asset] = join_layer(made.outcomes.get(asset, {}), layer)


PLANNED = ("charter_id", "use_case", "generator", "rationale")


def _told_of(event: Event, facets: Facets) -> Json:
    """What this event tells of its own asset; nothing where it is none of moneyer's runs."""
    plan = facets.get("moneyer_plan", {})
    row: Json = {name: text_of(facets, "moneyer_plan", name) for name in PLANNED}
    guarantee, rows, parameters = plan.get("guarantee"), plan.get("rows"), plan.get("parameters")
    failed = facets.get("moneyer_policyDecision", {}).get("failed")
    epsilon = text_of(facets, "moneyer_charge", "epsilon")
    row |= {
        "guarantee": text_of({"guarantee": guarantee if isinstance(guarantee, dict) else {}}, "guarantee", "level"),
        "rows": rows if isinstance(rows, int) and 0 <= rows < 2**62 else None,
        "parameters": parameters if isinstance(parameters, dict) else None,
        "decision": text_of(facets, "moneyer_policyDecision", "verdict"),
        "failed": [str(code) for code in failed] if isinstance(failed, list) else None,
        "epsilon": epsilon if is_decimal(epsilon) else None,
        "verdict": text_of(facets, "moneyer_release", "verdict"),
        "failure": text_of(facets, "moneyer_failure", "because"),
    }
    told = {name: value for name, value in row.items() if value is not None}
    sources = [one["name"] for one in event.get("inputs") or [] if one["namespace"] == "moneyer.source"]
    return told | ({"source_id": sources[0]} if told and sources else {})


def _change(made: Projection, one: HeardEvent, asset: str) -> None:
    """What became of an asset: its release decision, or a change since."""
    facets = facets_of(one.event["run"])
    change = text_of(facets, "moneyer_assetChange", "change") or text_of(facets, "moneyer_release", "verdict")
    if change is not None and is_change(change):
        because, substitute = (text_of(facets, "moneyer_assetChange", name) for name in ("because", "substitute"))
        made.changes.append(AssetChange(asset, one.at, change, because, substitute))
