"""What policy is asked."""

from collections.abc import Sequence

from moneyer.calls.wire import Call, Id, Json, as_json, as_nothing, once, stated
from moneyer_shared.contracts.policy import Release


def appoint(subject: str, function: str) -> Call[None]:
    body = {"subject": subject, "function": function}
    return Call("policy", "POST", "/v1/committee/members", as_nothing, json=body)


def draft_charter(document: Json, *, key: str | None = None) -> Call[Json]:
    return Call("policy", "POST", "/v1/charters", as_json, json=document, headers=once(key))


def edit_charter(charter_id: Id, document: Json, *, etag: str) -> Call[Json]:
    path = f"/v1/charters/{charter_id}"
    return Call("policy", "PUT", path, as_json, json=document, headers={"If-Match": etag})


def get_charter(charter_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/charters/{charter_id}", as_json)


def list_charters(
    *,
    charters: Sequence[Id] | None = None,
    state: str | None = None,
    owner: str | None = None,
    words: str | None = None,
    after: Id | None = None,
) -> Call[list[Json]]:
    """A page of charters; ``owner="me"`` are one's own, ``charters`` those of these ids."""
    named = [str(one) for one in charters] if charters is not None else None
    query = stated(charter=named, state=state, owner=owner, words=words, after=after)
    return Call("policy", "GET", "/v1/charters", as_json, query=query)


def get_charter_version(charter_id: Id, version: int) -> Call[Json]:
    return Call("policy", "GET", f"/v1/charters/{charter_id}/versions/{version}", as_json)


def get_charter_in_force(charter_id: Id) -> Call[Json]:
    """The version of a charter that governs now; refused with 404 where none does."""
    return Call("policy", "GET", f"/v1/charters/{charter_id}/in-force", as_json)


def submit_charter(charter_id: Id) -> Call[Json]:
    return Call("policy", "POST", f"/v1/charters/{charter_id}:submit", as_json)


def vote(charter_id: Id, *, function: str, verdict: str, digest: str, reason: str) -> Call[Json]:
    body = {"function": function, "verdict": verdict, "digest": digest, "reason": reason}
    return Call("policy", "POST", f"/v1/charters/{charter_id}/votes", as_json, json=body)


def get_me() -> Call[Json]:
    """Who asks, as policy sees them: subject, client, scopes, functions."""
    return Call("policy", "GET", "/v1/me", as_json)


def get_inbox(*, kind: str | None = None, after: str | None = None) -> Call[Json]:
    """A page of what waits for who asks, and how much of each kind there is."""
    return Call("policy", "GET", "/v1/inbox", as_json, query=stated(kind=kind, after=after))


def list_reviews(
    *,
    state: str | None = "open",
    kind: str | None = None,
    subject: str | None = None,
    requested_by: str | None = None,
    after: Id | None = None,
) -> Call[list[Json]]:
    """A page of what was put up for votes, of every state where ``state`` is None; ``requested_by="me"`` is what one
    asked for oneself.
    """
    query = stated(state=state, kind=kind, subject=subject, requested_by=requested_by, after=after)
    return Call("policy", "GET", "/v1/reviews", as_json, query=query)


def get_review(review_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/reviews/{review_id}", as_json)


def vote_on_review(
    review_id: Id,
    *,
    function: str,
    verdict: str,
    digest: str,
    reason: str,
    on_behalf_of: str | None = None,
    conditions: Sequence[str] = (),
    key: str | None = None,
) -> Call[Json]:
    """``on_behalf_of`` names who lent the function; ``conditions`` are what an approval depends on."""
    body: Json = {"function": function, "verdict": verdict, "digest": digest, "reason": reason}
    body |= {"on_behalf_of": on_behalf_of} if on_behalf_of else {}
    body |= {"conditions": list(conditions)} if conditions else {}
    return Call("policy", "POST", f"/v1/reviews/{review_id}/votes", as_json, json=body, headers=once(key))


def meet_condition(review_id: Id, condition_id: Id, *, evidence: str) -> Call[Json]:
    """Confirm that a condition of one's own approval is met."""
    path = f"/v1/reviews/{review_id}/conditions/{condition_id}:meet"
    return Call("policy", "POST", path, as_json, json={"evidence": evidence})


def list_members() -> Call[list[Json]]:
    """Who holds which function."""
    return Call("policy", "GET", "/v1/committee/members", as_json)


def list_delegations() -> Call[list[Json]]:
    """Who stands in for whom."""
    return Call("policy", "GET", "/v1/committee/delegations", as_json)


def suspend_charter(charter_id: Id, *, reason: str) -> Call[Json]:
    """Stop a charter at once; starting it again takes the quorum."""
    return Call("policy", "POST", f"/v1/charters/{charter_id}:suspend", as_json, json={"reason": reason})


def explain_decision(decision_id: Id) -> Call[Json]:
    """What would make a refused plan pass."""
    return Call("policy", "POST", f"/v1/decisions/{decision_id}:explain", as_json)


def assess_charter(charter_id: Id, *, digest: str, acceptable: bool, summary: str, valid_until: str) -> Call[Json]:
    body = {"digest": digest, "acceptable": acceptable, "summary": summary, "valid_until": valid_until}
    return Call("policy", "POST", f"/v1/charters/{charter_id}/assessments", as_json, json=body)


def create_population(
    name: str,
    *,
    privacy_unit: str,
    epsilon: str,
    delta: str,
    identified_by: str | None = None,
    approximate_delta: str = "0",
    order: str | None = None,
    key: str | None = None,
) -> Call[Json]:
    """``privacy_unit`` says it in words; the unit is a row unless ``identified_by`` names what tells persons apart."""
    unit = {"kind": "person" if identified_by else "row", "identified_by": identified_by}
    body: Json = {
        "name": name, "privacy_unit": privacy_unit, "unit": unit, "epsilon": epsilon, "delta": delta,
        "approximate_delta": approximate_delta, "order": order,
    }  # fmt: skip
    return Call("policy", "POST", "/v1/populations", as_json, json=body, headers=once(key))


def get_population(population_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/populations/{population_id}", as_json)


def list_populations() -> Call[list[Json]]:
    return Call("policy", "GET", "/v1/populations", as_json)


def get_ledger(population_id: Id) -> Call[Json]:
    return Call("policy", "GET", f"/v1/populations/{population_id}/ledger", as_json)


def get_statement(population_id: Id) -> Call[Json]:
    """All that was charged to a population, for an auditor to compose again."""
    return Call("policy", "GET", f"/v1/populations/{population_id}/statement", as_json)


def forecast(population_id: Id, *, charter_id: Id, mechanism: Json) -> Call[Json]:
    """How many more runs of a mechanism's cost fit into what a charter may still spend."""
    body = {"charter_id": str(charter_id), "mechanism": mechanism}
    return Call("policy", "POST", f"/v1/populations/{population_id}:forecast", as_json, json=body)


def allocate(
    population_id: Id,
    *,
    charter_id: Id,
    epsilon: str,
    delta: str,
    approximate_delta: str = "0",
    releases: int | None = None,
) -> Call[Json]:
    """``approximate_delta`` is the part of δ that claimed mechanisms may fail with."""
    body: Json = {
        "charter_id": str(charter_id), "epsilon": epsilon, "delta": delta, "approximate_delta": approximate_delta,
        "releases": releases,
    }  # fmt: skip
    return Call("policy", "POST", f"/v1/populations/{population_id}/allocations", as_json, json=body)


def get_release(asset_id: Id) -> Call[Release]:
    path = f"/v1/assets/{asset_id}/release"
    return Call("policy", "GET", path, lambda answer: Release.model_validate(answer.json()))


def grant(asset_id: Id, *, subject: str, use_case: str, valid_until: str) -> Call[Json]:
    body = {"subject": subject, "use_case": use_case, "valid_until": valid_until}
    return Call("policy", "POST", f"/v1/assets/{asset_id}/grants", as_json, json=body)


def list_notifications(recipient: str) -> Call[list[Json]]:
    """What somebody was told, the latest first."""
    return Call("policy", "GET", "/v1/notifications", as_json, query={"recipient": recipient})


def list_grants(asset_id: Id) -> Call[list[Json]]:
    """Who may read an asset."""
    return Call("policy", "GET", f"/v1/assets/{asset_id}/grants", as_json)


def get_asset(asset_id: Id) -> Call[Json]:
    """What an asset is now, and what to use instead of a withdrawn one."""
    return Call("policy", "GET", f"/v1/assets/{asset_id}", as_json)


def withdraw_asset(asset_id: Id, *, reason: str, substitute: Id | None = None) -> Call[Json]:
    """Ask for an asset to be read no more and for those who built on it to be told; a vote decides."""
    body = {"reason": reason, "substitute": str(substitute) if substitute else None}
    return Call("policy", "POST", f"/v1/assets/{asset_id}:withdraw", as_json, json=body)


def substitute_asset(asset_id: Id, *, substitute: Id, reason: str) -> Call[None]:
    """Say what to use instead of a withdrawn asset."""
    body = {"substitute": str(substitute), "reason": reason}
    return Call("policy", "POST", f"/v1/assets/{asset_id}:substitute", as_nothing, json=body)


def retire_asset(asset_id: Id, *, reason: str) -> Call[Json]:
    """Ask for an asset's key to be destroyed; a vote decides."""
    return Call("policy", "POST", f"/v1/assets/{asset_id}:retire", as_json, json={"reason": reason})


def list_certificates(asset_id: Id) -> Call[list[Json]]:
    """Signed certificates of an asset's destruction, provisional first."""
    return Call("policy", "GET", f"/v1/assets/{asset_id}/certificates", as_json)
