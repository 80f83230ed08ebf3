"""Every call as a value: where it goes, what it carries, and what its answer is read as.

One description serves the synchronous and the asynchronous client, typed in both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import httpx

from mintmark_shared.contracts.evaluation import Assay
from mintmark_shared.contracts.generation import SourceDeclaration
from mintmark_shared.contracts.policy import Plan, Release
from mintmark_shared.contracts.search import SearchRequest

Answer = TypeVar("Answer")
Json = dict[str, Any]
Id = UUID | str


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request and how to read its answer."""

    service: Literal["policy", "generation", "evaluation", "lineage"]
    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    json: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


def _json(answer: httpx.Response) -> Any:
    return answer.json()


def _text(answer: httpx.Response) -> str:
    return answer.text


def _bytes(answer: httpx.Response) -> bytes:
    return answer.content


def _nothing(answer: httpx.Response) -> None:  # noqa: ARG001 - a reader takes the answer
    return None


def _once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


# --- policy -------------------------------------------------------------------------------


def appoint(subject: str, function: str) -> Call[None]:
    body = {"subject": subject, "function": function}
    return Call("policy", "POST", "/v1/committee/members", _nothing, json=body)


def draft_charter(document: Json, *, key: str | None = None) -> Call[Json]:
    return Call("policy", "POST", "/v1/charters", _json, json=document, headers=_once(key))


def edit_charter(charter_id: Id, document: Json, *, etag: str) -> Call[Json]:
    path = f"/v1/charters/{charter_id}"
    return Call("policy", "PUT", path, _json, json=document, headers={"If-Match": etag})


def get_charter(charter_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/charters/{charter_id}", _json)


def list_charters() -> Call[list[Json]]:
    return Call("policy", "GET", "/v1/charters", _json)


def submit_charter(charter_id: Id) -> Call[Json]:
    return Call("policy", "POST", f"/v1/charters/{charter_id}:submit", _json)


def vote(charter_id: Id, *, function: str, verdict: str, digest: str, reason: str) -> Call[Json]:
    body = {"function": function, "verdict": verdict, "digest": digest, "reason": reason}
    return Call("policy", "POST", f"/v1/charters/{charter_id}/votes", _json, json=body)


def list_reviews(*, state: str = "open", kind: str | None = None, subject: str | None = None) -> Call[list[Json]]:
    given = {"state": state, "kind": kind, "subject": subject}
    query: dict[str, str | int] = {name: value for name, value in given.items() if value is not None}
    return Call("policy", "GET", "/v1/reviews", _json, query=query)


def get_review(review_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/reviews/{review_id}", _json)


def vote_on_review(review_id: Id, *, function: str, verdict: str, digest: str, reason: str) -> Call[Json]:
    body = {"function": function, "verdict": verdict, "digest": digest, "reason": reason}
    return Call("policy", "POST", f"/v1/reviews/{review_id}/votes", _json, json=body)


def suspend_charter(charter_id: Id, *, reason: str) -> Call[Json]:
    """Stop a charter at once; starting it again takes the quorum."""
    return Call("policy", "POST", f"/v1/charters/{charter_id}:suspend", _json, json={"reason": reason})


def explain_decision(decision_id: Id) -> Call[Json]:
    """What would make a refused plan pass."""
    return Call("policy", "POST", f"/v1/decisions/{decision_id}:explain", _json)


def assess_charter(charter_id: Id, *, digest: str, acceptable: bool, summary: str, valid_until: str) -> Call[Json]:
    body = {"digest": digest, "acceptable": acceptable, "summary": summary, "valid_until": valid_until}
    return Call("policy", "POST", f"/v1/charters/{charter_id}/assessments", _json, json=body)


def create_population(name: str, *, privacy_unit: str, epsilon: str, delta: str, key: str | None = None) -> Call[Json]:
    body = {"name": name, "privacy_unit": privacy_unit, "epsilon": epsilon, "delta": delta}
    return Call("policy", "POST", "/v1/populations", _json, json=body, headers=_once(key))


def get_population(population_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/populations/{population_id}", _json)


def list_populations() -> Call[list[Json]]:
    return Call("policy", "GET", "/v1/populations", _json)


def get_ledger(population_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/populations/{population_id}/ledger", _json)


def get_statement(population_id: Id) -> Call[Json]:
    """All that was charged to a population, for an auditor to compose again."""
    return Call("policy", "GET", f"/v1/populations/{population_id}/statement", _json)


def allocate(population_id: Id, *, charter_id: Id, epsilon: str, delta: str, releases: int | None = None) -> Call[Json]:
    body = {"charter_id": str(charter_id), "epsilon": epsilon, "delta": delta, "releases": releases}
    return Call("policy", "POST", f"/v1/populations/{population_id}/allocations", _json, json=body)


def get_release(asset_id: Id) -> Call[Release]:
    path = f"/v1/assets/{asset_id}/release"
    return Call("policy", "GET", path, lambda answer: Release.model_validate(answer.json()))


def grant(asset_id: Id, *, subject: str, use_case: str, valid_until: str) -> Call[Json]:
    body = {"subject": subject, "use_case": use_case, "valid_until": valid_until}
    return Call("policy", "POST", f"/v1/assets/{asset_id}/grants", _json, json=body)


def retire_asset(asset_id: Id, *, reason: str) -> Call[Json]:
    """Ask for an asset's key to be destroyed; a vote decides."""
    return Call("policy", "POST", f"/v1/assets/{asset_id}:retire", _json, json={"reason": reason})


def list_certificates(asset_id: Id) -> Call[list[Json]]:
    """Signed certificates of an asset's destruction, provisional first."""
    return Call("policy", "GET", f"/v1/assets/{asset_id}/certificates", _json)


# --- generation ---------------------------------------------------------------------------


def list_generators() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/generators", _json)


def register_source(declaration: SourceDeclaration, *, key: str | None = None) -> Call[Json]:
    body = declaration.model_dump(mode="json")
    return Call("generation", "POST", "/v1/sources", _json, json=body, headers=_once(key))


def list_sources() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/sources", _json)


def upload(source_id: Id, content: bytes, *, media_type: str) -> Call[Json]:
    headers = {"Content-Type": media_type}
    path = f"/v1/sources/{source_id}/versions"
    return Call("generation", "POST", path, _json, content=content, headers=headers)


def request_generation(plan: Plan, *, key: str) -> Call[Json]:
    """Ask for a table; the same ``key`` asks for the same table, however often it is sent."""
    body = plan.model_dump(mode="json")
    return Call("generation", "POST", "/v1/generations", _json, json=body, headers=_once(key))


def get_generation(run_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/generations/{run_id}", _json)


def list_generations() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/generations", _json)


def cancel_generation(run_id: Id) -> Call[Json]:
    return Call("generation", "POST", f"/v1/generations/{run_id}:cancel", _json)


def request_search(request: SearchRequest, *, key: str) -> Call[Json]:
    """Search engines and parameters for a table that is accepted, within a total ε."""
    body = request.model_dump(mode="json")
    return Call("generation", "POST", "/v1/searches", _json, json=body, headers=_once(key))


def get_search(search_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/searches/{search_id}", _json)


def cancel_search(search_id: Id) -> Call[Json]:
    return Call("generation", "POST", f"/v1/searches/{search_id}:cancel", _json)


def list_models() -> Call[list[Json]]:
    """Fitted models that a plan can sample again."""
    return Call("generation", "GET", "/v1/models", _json)


def download(asset_id: Id, *, form: Literal["parquet", "arrow", "csv"] = "parquet") -> Call[bytes]:
    return Call("generation", "GET", f"/v1/assets/{asset_id}/table", _bytes, query={"format": form})


def request_audit(generator: str, *, parameters: Json, fits: int, key: str) -> Call[Json]:
    """Put a generator's claimed ε to the test on a public table."""
    body = {"generator": generator, "parameters": parameters, "fits": fits}
    return Call("generation", "POST", "/v1/audits", _json, json=body, headers=_once(key))


def get_audit(audit_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/audits/{audit_id}", _json)


# --- evaluation ---------------------------------------------------------------------------


def get_assay(assay_id: Id) -> Call[Assay]:
    path = f"/v1/assays/{assay_id}"
    return Call("evaluation", "GET", path, lambda answer: Assay.model_validate(answer.json()))


def get_report(assay_id: Id) -> Call[str]:
    """An assay as one HTML page to read and print."""
    return Call("evaluation", "GET", f"/v1/assays/{assay_id}/report", _text)


def list_assays(asset_id: Id, *, after: Id | None = None) -> Call[list[Assay]]:
    """A page of an asset's assays: the one it was released by, then those after it."""

    def read(answer: httpx.Response) -> list[Assay]:
        return [Assay.model_validate(one) for one in answer.json()]

    query: dict[str, str | int] = {"asset": str(asset_id)}
    return Call("evaluation", "GET", "/v1/assays", read, query=query | ({"after": str(after)} if after else {}))


def list_measures() -> Call[list[Json]]:
    """The measures and attackers there are, with their versions."""
    return Call("evaluation", "GET", "/v1/measures", _json)


def reassay(suite: str, *, assets: Sequence[Id] = (), register_id: Id | None = None, key: str) -> Call[Json]:
    """Look at released assets again, all of them or those named, with a suite or a single measure."""
    body: Json = {"suite": suite, "assets": [str(asset) for asset in assets]}
    if register_id is not None:
        body["register_id"] = str(register_id)
    return Call("evaluation", "POST", "/v1/reassays", _json, json=body, headers=_once(key))


def make_monitor(name: str, asset_id: Id, *, terms: Json, every_hours: int = 24, key: str | None = None) -> Call[Json]:
    """Watch over an asset: its source, published shares, or the scores of a model that uses it."""
    body = {"name": name, "asset_id": str(asset_id), "terms": terms, "every_hours": every_hours}
    return Call("evaluation", "POST", "/v1/monitors", _json, json=body, headers=_once(key))


def list_looks(monitor_id: Id) -> Call[list[Json]]:
    """What a monitor saw, the latest first."""
    return Call("evaluation", "GET", f"/v1/monitors/{monitor_id}/looks", _json)


def post_scores(monitor_id: Id, scores: Sequence[float], *, key: str) -> Call[Json]:
    """A batch of a model's scores, for its monitor to hold against the first."""
    path = f"/v1/monitors/{monitor_id}/scores"
    return Call("evaluation", "POST", path, _json, json={"scores": list(scores)}, headers=_once(key))


def declare_shares(population_id: Id, *, source: str, as_of: str, shares: Json) -> Call[Json]:
    """Published shares of a population that assays hold groups against."""
    body = {"source": source, "as_of": as_of, "shares": shares}
    return Call("evaluation", "POST", f"/v1/populations/{population_id}/shares", _json, json=body)


# --- lineage ------------------------------------------------------------------------------


def get_record(asset_id: Id) -> Call[Json]:
    return Call("lineage", "GET", f"/v1/records/{asset_id}", _json)


def get_graph(node: str, *, direction: str = "upstream", depth: int = 10, as_of: str | None = None) -> Call[Json]:
    """What lies around ``dataset:<namespace>:<name>``, ``job:…`` or ``run:<id>``, as it was known by a time."""
    query: dict[str, str | int] = {"node": node, "direction": direction, "depth": depth}
    return Call("lineage", "GET", "/v1/graph", _json, query=query | ({"asOf": as_of} if as_of else {}))


def get_graph_of_run(run_id: Id, *, direction: str = "upstream", depth: int = 10) -> Call[Json]:
    """The graph as a run met it."""
    query: dict[str, str | int] = {"run": str(run_id), "direction": direction, "depth": depth}
    return Call("lineage", "GET", "/v1/graph", _json, query=query)


def get_evidence(asset_id: Id) -> Call[bytes]:
    """All evidence of an asset in one zip, to be checked offline."""
    return Call("lineage", "GET", f"/v1/evidence/{asset_id}", _bytes)


def prove(index: int) -> Call[Json]:
    return Call("lineage", "GET", f"/v1/log/entries/{index}/proof", _json)


def prove_consistency(first: int, second: int) -> Call[Json]:
    """That the log of the second size begins with that of the first."""
    return Call("lineage", "GET", "/v1/log/consistency", _json, query={"from": first, "to": second})


def list_log_entries(after: int = -1) -> Call[list[Json]]:
    """A page of the log's leaves, in order."""
    return Call("lineage", "GET", "/v1/log/entries", _json, query={"after": after})


def get_tile(level: int | Literal["entries"], path: str) -> Call[bytes]:
    """A tile of hashes of a level, or of entries (C2SP tlog-tiles)."""
    return Call("lineage", "GET", f"/v1/log/tile/{level}/{path}", _bytes)


def get_log_key() -> Call[str]:
    return Call("lineage", "GET", "/v1/log/key", _text)


def get_checkpoint() -> Call[str]:
    return Call("lineage", "GET", "/v1/log/checkpoint", _text)
