"""What generation is asked."""

from collections.abc import Sequence
from typing import Literal

from moneyer.calls.wire import Call, Id, Json, as_bytes, as_json, once
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.contracts.search import SearchRequest


def list_generators() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/generators", as_json)


def register_source(declaration: SourceDeclaration, *, key: str | None = None) -> Call[Json]:
    body = declaration.model_dump(mode="json")
    return Call("generation", "POST", "/v1/sources", as_json, json=body, headers=once(key))


def list_sources() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/sources", as_json)


def upload(source_id: Id, content: bytes, *, media_type: str) -> Call[Json]:
    headers = {"Content-Type": media_type}
    path = f"/v1/sources/{source_id}/versions"
    return Call("generation", "POST", path, as_json, content=content, headers=headers)


def add_connection(
    name: str, target: Json, *, secret_ref: str | None = None, users: Sequence[str] = (), key: str | None = None
) -> Call[Json]:
    """Register a place that tables are pulled from; ``secret_ref`` names a secret that the worker finds."""
    body = {"name": name, "target": target, "secret_ref": secret_ref, "users": list(users)}
    return Call("generation", "POST", "/v1/connections", as_json, json=body, headers=once(key))


def list_connections() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/connections", as_json)


def get_connection(connection_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/connections/{connection_id}", as_json)


def test_connection(connection_id: Id) -> Call[Json]:
    """Have a worker see whether the place can be spoken with; ``get_connection`` says how that went."""
    return Call("generation", "POST", f"/v1/connections/{connection_id}:test", as_json)


def retire_connection(connection_id: Id) -> Call[Json]:
    return Call("generation", "POST", f"/v1/connections/{connection_id}:retire", as_json)


def request_pull(source_id: Id, connection_id: Id, *, key: str, **asked: str) -> Call[Json]:
    """Have a worker fetch a version: one of ``query``, ``table``, ``path`` and ``delta``, and ``every`` so often."""
    body = {"connection_id": str(connection_id), **asked}
    return Call("generation", "POST", f"/v1/sources/{source_id}/pulls", as_json, json=body, headers=once(key))


def get_pull(pull_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/pulls/{pull_id}", as_json)


def list_pulls(source_id: Id) -> Call[list[Json]]:
    return Call("generation", "GET", f"/v1/sources/{source_id}/pulls", as_json)


def cancel_pull(pull_id: Id) -> Call[Json]:
    """End a pull and the schedule it is of."""
    return Call("generation", "POST", f"/v1/pulls/{pull_id}:cancel", as_json)


def request_generation(plan: Plan, *, key: str) -> Call[Json]:
    """Ask for a table; the same ``key`` asks for the same table, however often it is sent."""
    body = plan.model_dump(mode="json")
    return Call("generation", "POST", "/v1/generations", as_json, json=body, headers=once(key))


def get_generation(run_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/generations/{run_id}", as_json)


def list_generations() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/generations", as_json)


def cancel_generation(run_id: Id) -> Call[Json]:
    return Call("generation", "POST", f"/v1/generations/{run_id}:cancel", as_json)


def request_search(request: SearchRequest, *, key: str) -> Call[Json]:
    """Search engines and parameters for a table that is accepted, within a total ε."""
    body = request.model_dump(mode="json")
    return Call("generation", "POST", "/v1/searches", as_json, json=body, headers=once(key))


def get_search(search_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/searches/{search_id}", as_json)


def cancel_search(search_id: Id) -> Call[Json]:
    return Call("generation", "POST", f"/v1/searches/{search_id}:cancel", as_json)


def list_models() -> Call[list[Json]]:
    """Fitted models that a plan can sample again."""
    return Call("generation", "GET", "/v1/models", as_json)


def download(asset_id: Id, *, form: Literal["parquet", "arrow", "csv"] = "parquet") -> Call[bytes]:
    return Call("generation", "GET", f"/v1/assets/{asset_id}/table", as_bytes, query={"format": form})


def request_audit(generator: str, *, parameters: Json, fits: int, key: str) -> Call[Json]:
    """Put a generator's claimed ε to the test on a public table."""
    body = {"generator": generator, "parameters": parameters, "fits": fits}
    return Call("generation", "POST", "/v1/audits", as_json, json=body, headers=once(key))


def get_audit(audit_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/audits/{audit_id}", as_json)
