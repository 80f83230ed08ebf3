"""What lineage is asked."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from moneyer.calls.wire import Call, Id, Json, as_bytes, as_json, as_nothing, as_text, once


def get_record(asset_id: Id) -> Call[Json]:
    return Call("lineage", "GET", f"/v1/records/{asset_id}", as_json)


def get_graph(node: str, *, direction: str = "upstream", depth: int = 10, as_of: str | None = None) -> Call[Json]:
    """What lies around ``dataset:<namespace>:<name>``, ``job:…`` or ``run:<id>``, as it was known by a time."""
    query: dict[str, str | int] = {"node": node, "direction": direction, "depth": depth}
    return Call("lineage", "GET", "/v1/graph", as_json, query=query | ({"asOf": as_of} if as_of else {}))


def get_graph_of_run(run_id: Id, *, direction: str = "upstream", depth: int = 10) -> Call[Json]:
    """The graph as a run met it."""
    query: dict[str, str | int] = {"run": str(run_id), "direction": direction, "depth": depth}
    return Call("lineage", "GET", "/v1/graph", as_json, query=query)


def get_card(asset_id: Id) -> Call[Json]:
    """What the public is told of an asset."""
    return Call("lineage", "GET", f"/public/v1/cards/{asset_id}", as_json)


def get_provenance(asset_id: Id) -> Call[Json]:
    """Under which charter version, votes and budget it was made, as they stood then."""
    return Call("lineage", "GET", f"/v1/assets/{asset_id}/provenance", as_json)


def get_impact(asset_id: Id, *, as_of: str | None = None) -> Call[Json]:
    """What was built on an asset, and whose it is, as it was known by a time."""
    query: dict[str, str | int] = {"asOf": as_of} if as_of else {}
    return Call("lineage", "GET", f"/v1/assets/{asset_id}/impact", as_json, query=query)


def register_model(name: str, *, owner: str | None = None, description: str = "") -> Call[Json]:
    """Register a model that is trained on assets, or change its owner; the caller's, if none is named."""
    body = {"owner": owner, "description": description}
    return Call("lineage", "PUT", f"/v1/models/{quote(name, safe='')}", as_json, json=body)


def train_model(
    name: str, version: str, *, assets: Sequence[Id], trained_at: str, uri: str | None = None
) -> Call[None]:
    """Say which assets a version was trained on; told again with more, they are added."""
    body = {"assets": [str(asset) for asset in assets], "trained_at": trained_at, "uri": uri}
    return Call("lineage", "PUT", _version(name, version), as_nothing, json=body)


def measure_model(name: str, version: str, figures: Sequence[Json]) -> Call[Json]:
    """Keep figures of a version: metric, measured_at, value; subgroup, lower, upper and n if there are such."""
    return Call("lineage", "POST", f"{_version(name, version)}/metrics", as_json, json={"figures": list(figures)})


def list_trained_models(*, owner: str | None = None) -> Call[list[Json]]:
    """Models that were trained on assets, by name."""
    return Call("lineage", "GET", "/v1/models", as_json, query={"owner": owner} if owner else {})


def list_model_versions(name: str) -> Call[list[Json]]:
    return Call("lineage", "GET", f"/v1/models/{quote(name, safe='')}/versions", as_json)


def get_performance(metric: str, *, subgroup: str = "") -> Call[Json]:
    """How models do beside what was decided of their assets."""
    return Call("lineage", "GET", "/v1/performance", as_json, query={"metric": metric, "subgroup": subgroup})


def add_webhook(url: str, *, key: str) -> Call[Json]:
    """Be called when an asset that a model of yours was trained on is stopped, replaced or destroyed.

    The answer holds the secret that signs (Standard Webhooks).
    """
    return Call("lineage", "POST", "/v1/webhooks", as_json, json={"url": url}, headers=once(key))


def list_deliveries(webhook_id: Id) -> Call[list[Json]]:
    """What a webhook was told and is to be told, the latest first."""
    return Call("lineage", "GET", f"/v1/webhooks/{webhook_id}/deliveries", as_json)


def get_evidence(asset_id: Id) -> Call[bytes]:
    """All evidence of an asset in one zip, to be checked offline."""
    return Call("lineage", "GET", f"/v1/evidence/{asset_id}", as_bytes)


def prove(index: int) -> Call[Json]:
    return Call("lineage", "GET", f"/v1/log/entries/{index}/proof", as_json)


def prove_consistency(first: int, second: int) -> Call[Json]:
    """That the log of the second size begins with that of the first."""
    return Call("lineage", "GET", "/v1/log/consistency", as_json, query={"from": first, "to": second})


def list_log_entries(after: int = -1, *, subject: str | None = None) -> Call[list[Json]]:
    """A page of the log's leaves, in order: of all, or of those about a subject such as ``run:<id>``."""
    query: dict[str, str | int] = {"after": after} | ({"subject": subject} if subject else {})
    return Call("lineage", "GET", "/v1/log/entries", as_json, query=query)


def get_tile(level: int | Literal["entries"], path: str) -> Call[bytes]:
    """A tile of hashes of a level, or of entries (C2SP tlog-tiles)."""
    return Call("lineage", "GET", f"/v1/log/tile/{level}/{path}", as_bytes)


def get_log_key() -> Call[str]:
    return Call("lineage", "GET", "/v1/log/key", as_text)


def get_checkpoint() -> Call[str]:
    return Call("lineage", "GET", "/v1/log/checkpoint", as_text)


def _version(name: str, version: str) -> str:
    return f"/v1/models/{quote(name, safe='')}/versions/{quote(version, safe='')}"
