"""What evaluation is asked."""

from collections.abc import Sequence

import httpx

from moneyer.calls.wire import Call, Id, Json, as_json, as_text, once
from moneyer_shared.contracts.evaluation import Assay


def get_assay(assay_id: Id) -> Call[Assay]:
    path = f"/v1/assays/{assay_id}"
    return Call("evaluation", "GET", path, lambda answer: Assay.model_validate(answer.json()))


def get_report(assay_id: Id) -> Call[str]:
    """An assay as one HTML page to read and print."""
    return Call("evaluation", "GET", f"/v1/assays/{assay_id}/report", as_text)


def list_assays(asset_id: Id, *, after: Id | None = None) -> Call[list[Assay]]:
    """A page of an asset's assays: the one it was released by, then those after it."""

    def read(answer: httpx.Response) -> list[Assay]:
        return [Assay.model_validate(one) for one in answer.json()]

    query: dict[str, str | int] = {"asset": str(asset_id)}
    return Call("evaluation", "GET", "/v1/assays", read, query=query | ({"after": str(after)} if after else {}))


def list_measures() -> Call[list[Json]]:
    """The measures and attackers there are, with their versions."""
    return Call("evaluation", "GET", "/v1/measures", as_json)


def reassay(suite: str, *, assets: Sequence[Id] = (), register_id: Id | None = None, key: str) -> Call[Json]:
    """Look at released assets again, all of them or those named, with a suite or a single measure."""
    body: Json = {"suite": suite, "assets": [str(asset) for asset in assets]}
    if register_id is not None:
        body["register_id"] = str(register_id)
    return Call("evaluation", "POST", "/v1/reassays", as_json, json=body, headers=once(key))


def make_monitor(name: str, asset_id: Id, *, terms: Json, every_hours: int = 24, key: str | None = None) -> Call[Json]:
    """Watch over an asset: its source, published shares, or the scores of a model that uses it."""
    body = {"name": name, "asset_id": str(asset_id), "terms": terms, "every_hours": every_hours}
    return Call("evaluation", "POST", "/v1/monitors", as_json, json=body, headers=once(key))


def list_looks(monitor_id: Id) -> Call[list[Json]]:
    """What a monitor saw, the latest first."""
    return Call("evaluation", "GET", f"/v1/monitors/{monitor_id}/looks", as_json)


def post_scores(monitor_id: Id, scores: Sequence[float], *, key: str) -> Call[Json]:
    """A batch of a model's scores, for its monitor to hold against the first."""
    path = f"/v1/monitors/{monitor_id}/scores"
    return Call("evaluation", "POST", path, as_json, json={"scores": list(scores)}, headers=once(key))


def declare_shares(population_id: Id, *, source: str, as_of: str, shares: Json) -> Call[Json]:
    """Published shares of a population that assays hold groups against."""
    body = {"source": source, "as_of": as_of, "shares": shares}
    return Call("evaluation", "POST", f"/v1/populations/{population_id}/shares", as_json, json=body)
