"""A scope says what somebody may do in policy; it does not say with whose things.

Every attacker here holds the scope that the route asks for, and turns it on what belongs to somebody else.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from attacks.owners.refusals import refused
from policy.conftest import World as Policy
from policy.examples import charter_document
from policy.test_release_api import paid_run, release, unlock

LIBRARY, INCIDENTS, BUDGETS = "policy:library:write", "policy:incidents:write", "policy:budgets:write"
VOTES, CHARTERS = "policy:votes:write", "policy:charters:write"


async def test_charters_of_others(policy: Policy) -> None:
    await policy.make_charter()
    path = f"/v1/charters/{policy.charter_id}"
    shown = await policy.call("auditor", "GET", path)
    headers = {"If-Match": shown.headers["etag"]}
    document = charter_document(owner="rival")
    edited = await policy.call("rival", "PUT", path, json=document, headers=headers, scope=CHARTERS)
    assert edited.status_code == 403, edited.text
    drafted = await policy.call("scientist", "PUT", path, json=charter_document(), headers=headers)
    assert drafted.status_code == 200
    for action, body in (("submit", None), ("retire", {"reason": "away with it"})):
        answer = await policy.call("rival", "POST", f"{path}:{action}", json=body, scope=CHARTERS)
        assert answer.status_code == 403, answer.text


async def test_votes_of_others(policy: Policy) -> None:
    await policy.make_charter()
    body = {"document": 1}
    proposed = await policy.post("steward", "/v1/configurations", 201, configuration_document())
    review = proposed["review_id"]
    digest = (await policy.get(f"/v1/reviews/{review}"))["digest"]
    body = {"function": "privacy", "verdict": "approve", "digest": digest, "reason": "good"}
    for path in (f"/v1/reviews/{review}/votes", f"/v1/charters/{policy.charter_id}/votes"):
        answer = await policy.call("rival", "POST", path, json=body, scope=VOTES)
        assert answer.status_code in {403, 409}, answer.text
    answer = await policy.call("rival", "POST", f"/v1/reviews/{review}/votes", json=body, scope=VOTES)
    refused(answer, "function-not-held")
    until = (policy.now + timedelta(days=2)).isoformat()
    lent = {"delegate": "friend", "function": "privacy", "valid_from": policy.now.isoformat(), "valid_until": until}
    refused(
        await policy.call("rival", "POST", "/v1/committee/delegations", json=lent, scope=VOTES), "function-not-held"
    )


def configuration_document() -> dict[str, Any]:
    return {
        "name": "careful", "generator": "dpmm-mst", "guarantee": "proven", "evidence": "e",
        "parameters": {"epsilon": {"minimum": "0.1", "maximum": "1"}},
    }  # fmt: skip


async def test_delegations_of_others(policy: Policy) -> None:
    await policy.make_charter()
    until = (policy.now + timedelta(days=2)).isoformat()
    lent = {"delegate": "friend", "function": "privacy", "valid_from": policy.now.isoformat(), "valid_until": until}
    made = await policy.post("privacy-officer", "/v1/committee/delegations", 201, lent)
    path = f"/v1/committee/delegations/{made['id']}:revoke"
    refused(await policy.call("counsel", "POST", path))
    assert (await policy.call("privacy-officer", "POST", path)).status_code == 204
    assert (await policy.call("counsel", "POST", f"/v1/committee/delegations/{uuid4()}:revoke")).status_code == 404


async def test_conditions_of_others(policy: Policy) -> None:
    await policy.make_charter()
    proposed = await policy.post("steward", "/v1/configurations", 201, configuration_document())
    cast = await policy.ballot(proposed["review_id"], conditions=["when it was measured"])
    (condition,) = cast.json()["conditions"]
    path = f"/v1/reviews/{proposed['review_id']}/conditions/{condition['id']}:meet"
    refused(await policy.call("counsel", "POST", path, json={"evidence": "trust me"}))
    missing = f"/v1/reviews/{proposed['review_id']}/conditions/{uuid4()}:meet"
    assert (await policy.call("counsel", "POST", missing, json={"evidence": "e"})).status_code == 404
    assert (await policy.call("privacy-officer", "POST", path, json={"evidence": "e"})).status_code == 200


async def test_rejection_criteria_of_others(policy: Policy) -> None:
    """A colleague of the steward lifts what every plan is held against, alone and at once."""
    body = {"name": "no-night-runs", "expression": "rows > 100", "reason": "r"}
    made = await policy.post("steward", "/v1/rejection-criteria", 201, body)
    path = f"/v1/rejection-criteria/{made['id']}:withdraw"
    refused(await policy.call("rival", "POST", path, scope=LIBRARY))
    owner, given = f"/v1/owners/rejection-criterion/{made['id']}", {"owner": "rival"}
    refused(await policy.call("steward", "PUT", owner, json=given), "missing-scope")
    assert (await policy.call("admin", "PUT", owner, json=given)).status_code == 200
    refused(await policy.call("steward", "POST", path))
    assert (await policy.call("rival", "POST", path, scope=LIBRARY)).status_code == 204


async def test_questionnaires_of_others(policy: Policy) -> None:
    """Under a name that charters ask for, a stranger publishes one that asks nothing and lets every risk pass."""
    question = {"id": "q", "text": "Is it needed?", "kind": "yes-no"}
    body = {"name": "dpia", "title": "Assessment", "questions": [question], "maximum_residual_risk": 6}
    await policy.post("steward", "/v1/questionnaires", 201, body)
    lax = body | {"maximum_residual_risk": 25}
    refused(await policy.call("rival", "POST", "/v1/questionnaires", json=lax, scope=LIBRARY))
    await policy.post("steward", "/v1/questionnaires", 201, body)
    await policy.call("admin", "PUT", "/v1/owners/questionnaire/dpia", json={"owner": "rival"})
    taken = await policy.call("rival", "POST", "/v1/questionnaires", json=lax, scope=LIBRARY)
    assert taken.json()["version"] == 3
    missing = await policy.call("admin", "PUT", "/v1/owners/questionnaire/none", json={"owner": "rival"})
    assert missing.status_code == 404


async def test_access_policies_of_others(policy: Policy) -> None:
    """Whoever may write one policy replaces another's with ``true``."""
    body = {"name": "models", "resource_type": "model", "expression": "subject.id == 'scientist'"}
    await policy.post("steward", "/v1/access-policies", 201, body)
    open_to_all = body | {"name": "other", "expression": "true"}
    refused(await policy.call("rival", "POST", "/v1/access-policies", json=open_to_all, scope=LIBRARY))
    await policy.call("admin", "PUT", "/v1/owners/access-policy/model", json={"owner": "rival"})
    taken = await policy.call("rival", "POST", "/v1/access-policies", json=open_to_all, scope=LIBRARY)
    assert taken.status_code == 201


async def test_populations_of_others(policy: Policy) -> None:
    """A stranger gives all of a population's budget to a friend's charter: no vote is asked for that."""
    await policy.make_population()
    await policy.make_charter()
    body = {"charter_id": policy.charter_id, "epsilon": "2", "delta": "0.00001"}
    path = f"/v1/populations/{policy.population_id}/allocations"
    refused(await policy.call("rival", "POST", path, json=body, scope=BUDGETS))
    await policy.sql("UPDATE populations SET unit_kind = 'undeclared'")
    declaring = f"/v1/populations/{policy.population_id}:declare-unit"
    refused(await policy.call("rival", "POST", declaring, json={"kind": "row"}, scope=BUDGETS))
    await policy.call("admin", "PUT", f"/v1/owners/population/{policy.population_id}", json={"owner": "rival"})
    assert (await policy.call("rival", "POST", path, json=body, scope=BUDGETS)).status_code == 201


async def incident(policy: Policy) -> dict[str, Any]:
    body = {
        "title": "odd downloads", "severity": "high", "description": "d", "personal_data": True,
        "discovered_at": (policy.now - timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    opened = await policy.post("privacy-officer", "/v1/incidents", 201, body)
    action = {"action": "rotate", "owner": "security-officer", "due_at": (policy.now + timedelta(days=3)).isoformat()}
    made: dict[str, Any] = await policy.post("counsel", f"/v1/incidents/{opened['id']}/actions", 201, action)
    return made


async def test_incidents_of_others(policy: Policy) -> None:
    """A stranger says that the authority was told, which stops the clock of 72 hours, and has the incident closed."""
    made = await incident(policy)
    path, evidence = f"/v1/incidents/{made['id']}", {"evidence": "sent, I think"}
    duty, action = made["duties"][0]["id"], made["actions"][0]["id"]
    refused(await policy.call("counsel", "POST", f"{path}/duties/{duty}:done", json=evidence))
    refused(await policy.call("counsel", "POST", f"{path}/actions/{action}:done"))
    assert (await policy.call("security-officer", "POST", f"{path}/actions/{action}:done")).status_code == 200
    refused(await policy.call("security-officer", "POST", f"{path}/duties/{duty}:done", json=evidence))
    assert (
        await policy.call("privacy-officer", "POST", f"{path}/duties/{duty}:done", json=evidence)
    ).status_code == 200
    refused(await policy.call("counsel", "POST", f"{path}:close", json={"post_mortem": "nothing to see"}))
    await policy.call("admin", "PUT", f"/v1/owners/incident/{made['id']}", json={"owner": "counsel"})
    closing = await policy.call("counsel", "POST", f"{path}:close", json={"post_mortem": "what we learned"})
    assert closing.status_code == 202


async def test_permits_of_others(policy: Policy) -> None:
    await policy.set_up()
    mine, other = (await policy.decide()).json(), (await policy.decide()).json()
    stolen = await policy.redeem(mine, token=other["permit"]["token"])
    assert stolen.status_code == 403, "a token opens its own permit"
    await policy.redeem(mine, key="a")
    await policy.settle(mine)
    body = {"asset_id": other["run_id"], "purpose": "release", "others": []}
    path = f"/v1/permits/{mine['permit']['id']}:open-for-assay"
    refused(await policy.call("evaluation", "POST", path, json=body), "not-redeemed", 409)


async def test_assets_of_others(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await release(policy, asset)
    refused(await unlock(policy, asset, "rival"), "no-grant")


async def test_ones_own_matters(policy: Policy) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    await release(policy, asset)
    until = (policy.now + timedelta(days=2)).isoformat()
    own = "own-matter"
    grant = {"subject": "steward", "use_case": "research", "valid_until": until}
    refused(await policy.call("steward", "POST", f"/v1/assets/{asset}/grants", json=grant), own)
    seat = {"subject": "admin", "function": "privacy"}
    refused(await policy.call("admin", "POST", "/v1/committee/members", json=seat), own)
    training_ = {"person": "steward", "topic": "t", "evidence": "e", "valid_until": until}
    refused(await policy.call("steward", "POST", "/v1/attestations", json=training_), own)
    body = {"digest": policy.digest, "acceptable": True, "summary": "fine", "valid_until": until}
    path = f"/v1/charters/{policy.charter_id}/assessments"
    refused(await policy.call("scientist", "POST", path, json=body, scope="policy:assessments:write"), own)
    glass = {"requester": "scientist", "reason": "r", "incident": "i", "hours": 2}
    broken = await policy.post("steward", f"/v1/charters/{policy.charter_id}:break-glass", 201, glass)
    refused(await policy.call("steward", "POST", f"/v1/waivers/{broken['id']}:confirm"), own)
    said = {"about_kind": "charter", "about": policy.charter_id, "message": "too wide"}
    sent = await policy.post("steward", "/v1/feedback", 201, said)
    answer = {"state": "declined", "note": "n"}
    refused(await policy.call("steward", "POST", f"/v1/feedback/{sent['id']}:triage", json=answer), own)
    triaged = await policy.call("counsel", "POST", f"/v1/feedback/{sent['id']}:triage", json=answer)
    assert triaged.status_code == 200, triaged.text


async def test_owners_are_given_by_whoever_answers_for_that_alone(policy: Policy) -> None:
    for kind, subject in (("charter", str(uuid4())), ("source", str(uuid4()))):
        unknown = await policy.call("admin", "PUT", f"/v1/owners/{kind}/{subject}", json={"owner": "rival"})
        assert unknown.status_code == 422, "a charter's owner stands in it, and is voted on"
    for kind in ("incident", "rejection-criterion", "population"):
        for subject in (str(uuid4()), "none", "1"):
            missing = await policy.call("admin", "PUT", f"/v1/owners/{kind}/{subject}", json={"owner": "rival"})
            assert missing.status_code in {404, 422}
    assert await policy.sql("SELECT * FROM owners") == []
