"""What generation is asked."""

from collections.abc import Mapping, Sequence
from typing import Literal

from moneyer.calls.wire import Call, Id, Json, Streamed, as_bytes, as_json, as_text, once, stated
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.contracts.search import SearchRequest

Form = Literal["parquet", "arrow", "csv"]
PREVIEWED_BYTES = 16 * 1024
Standard = Literal["odcs", "croissant", "frictionless"]
Use = Literal["pull", "deliver"]


def list_generators() -> Call[list[Json]]:
    return Call("generation", "GET", "/v1/generators", as_json)


def register_source(declaration: SourceDeclaration, *, key: str | None = None) -> Call[Json]:
    body = declaration.model_dump(mode="json")
    return Call("generation", "POST", "/v1/sources", as_json, json=body, headers=once(key))


def list_sources(*, sources: Sequence[Id] | None = None, after: Id | None = None) -> Call[list[Json]]:
    """A page of sources, or those of these ids."""
    named = [str(one) for one in sources] if sources is not None else None
    return Call("generation", "GET", "/v1/sources", as_json, query=stated(source=named, after=after))


def get_source(source_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/sources/{source_id}", as_json)


def draft_source(
    documents: Mapping[str, str],
    *,
    population_id: Id | None = None,
    answers: Sequence[str] = (),
    table: str | None = None,
    name: str | None = None,
) -> Call[Json]:
    """A proposal from public documents, by their names; rows are drafted from on one's own machine, never sent."""
    body = {
        "documents": [{"name": file, "text": text} for file, text in documents.items()],
        "population_id": None if population_id is None else str(population_id),
        "answers": list(answers),
        "table": table,
        "name": name,
    }
    return Call("generation", "POST", "/v1/source-drafts", as_json, json=body)


def upload(
    source_id: Id, content: bytes | Streamed, *, media_type: str, encoding: str = "", dry_run: bool = False
) -> Call[Json]:
    """Send a table; a dry run checks all of it, answers what was found, and keeps nothing."""
    headers = {"Content-Type": media_type} | ({"Content-Encoding": encoding} if encoding else {})
    query: dict[str, str | int] = {"dry_run": "true"} if dry_run else {}
    path = f"/v1/sources/{source_id}/versions"
    return Call("generation", "POST", path, as_json, content=content, headers=headers, query=query)


def add_connection(
    name: str,
    target: Json,
    *,
    secret_ref: str | None = None,
    users: Sequence[str] = (),
    uses: Sequence[Use] = ("pull",),
    key: str | None = None,
) -> Call[Json]:
    """Register a place that tables are pulled from, delivered to, or both; the worker finds the secret it names."""
    body = {"name": name, "target": target, "secret_ref": secret_ref, "users": list(users), "uses": list(uses)}
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
    """Have a worker fetch a version: a ``query``, ``table``, ``path``, ``delta`` or ``iceberg``, ``every`` so often."""
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


def offer_generation(plan: Plan) -> Call[Json]:
    """What a plan would get and what it would lose; nothing is asked of the gate, kept or charged."""
    return Call("generation", "POST", "/v1/generations:offer", as_json, json=plan.model_dump(mode="json"))


def get_generation(run_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/generations/{run_id}", as_json)


def get_measured_domain(run_id: Id) -> Call[Json]:
    """What a run of domain-discovery found; reading it costs nothing more."""
    return Call("generation", "GET", f"/v1/generations/{run_id}/domain", as_json)


def draft_measured_source(run_id: Id, *, name: str) -> Call[Json]:
    """The declaration of a source by what a run measured, under a new name."""
    return Call("generation", "GET", f"/v1/generations/{run_id}/declaration", as_json, query={"name": name})


def list_generations(
    *,
    requested_by: str | None = None,
    state: str | None = None,
    charter: Id | None = None,
    source: Id | None = None,
    generator: str | None = None,
    with_asset: bool = False,
    after: Id | None = None,
) -> Call[list[Json]]:
    """A page of runs, newest first; ``requested_by="me"`` are one's own, ``state`` is a run's or its asset's now.

    ``with_asset`` leaves out those that made no table.
    """
    made = "true" if with_asset else None
    query = stated(requested_by=requested_by, state=state, charter=charter, source=source, after=after)
    query = {**query, **stated(generator=generator, with_asset=made)}
    return Call("generation", "GET", "/v1/generations", as_json, query=query)


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


def download(asset_id: Id, *, form: Form = "parquet") -> Call[bytes]:
    return Call("generation", "GET", f"/v1/assets/{asset_id}/table", as_bytes, query={"format": form})


def preview(asset_id: Id) -> Call[str]:
    """The first bytes of a released table as CSV; its last line may be cut short."""
    headers = {"Range": f"bytes=0-{PREVIEWED_BYTES - 1}"}
    return Call("generation", "GET", f"/v1/assets/{asset_id}/table", as_text, headers=headers, query={"format": "csv"})


def describe_asset(asset_id: Id, *, standard: Standard = "frictionless") -> Call[Json]:
    """A released table's schema, its digests and its conditions of use, in the words of a standard."""
    return Call("generation", "GET", f"/v1/assets/{asset_id}/schema", as_json, query={"format": standard})


def deliver_asset(asset_id: Id, connection_id: Id, *, key: str, **wanted: str) -> Call[Json]:
    """Have a released table brought where a connection leads: to a ``table``, or to a ``path`` in a ``form``."""
    body = {"connection_id": str(connection_id), **wanted}
    return Call("generation", "POST", f"/v1/assets/{asset_id}/deliveries", as_json, json=body, headers=once(key))


def list_asset_deliveries(asset_id: Id) -> Call[list[Json]]:
    return Call("generation", "GET", f"/v1/assets/{asset_id}/deliveries", as_json)


def get_delivery(delivery_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/deliveries/{delivery_id}", as_json)


def cancel_delivery(delivery_id: Id) -> Call[Json]:
    """End a delivery; what is there already stays there."""
    return Call("generation", "POST", f"/v1/deliveries/{delivery_id}:cancel", as_json)


def request_audit(generator: str, *, parameters: Json, fits: int, key: str) -> Call[Json]:
    """Put a generator's claimed ε to the test on a public table."""
    body = {"generator": generator, "parameters": parameters, "fits": fits}
    return Call("generation", "POST", "/v1/audits", as_json, json=body, headers=once(key))


def get_audit(audit_id: Id) -> Call[Json]:
    return Call("generation", "GET", f"/v1/audits/{audit_id}", as_json)
