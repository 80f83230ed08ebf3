"""Insiders who undo, swallow or outlive a stop: each stop stands until a vote that names it lifts it."""

from collections.abc import Mapping
from typing import Any

import pytest
from policy.conftest import World
from policy.stories.test_lifecycle import said
from policy.stories.words import codes
from policy.test_findings import BREACH, estimate, find, released
from policy.test_release_api import paid_run, release, unlock

TRIFLE, DANGER = {"reason": "a trifle"}, {"reason": "somebody was recognised"}
ASKERS = {"charters": "scientist"}


async def incident(policy: World, **more: Any) -> Mapping[str, Any]:
    body = {
        "title": "breach", "severity": "critical", "description": "names leak", "charters": [], "assets": [],
        "personal_data": False, "discovered_at": policy.now.isoformat(), "suspend": True,
    } | more  # fmt: skip
    return await policy.post("steward", "/v1/incidents", 201, body)


async def outcome(policy: World, review_id: str) -> Mapping[str, Any]:
    await policy.approve(review_id)
    ended: Mapping[str, Any] = (await policy.get(f"/v1/reviews/{review_id}"))["outcome"]
    return ended


async def standing(policy: World) -> list[str]:
    return [entry["id"] for entry in await policy.get("/v1/suspensions")]


async def changes(policy: World) -> list[str]:
    return [one["change"] for one in await said(policy)]


async def subjects(policy: World) -> Mapping[str, str]:
    asset = await released(policy)
    return {
        "charters": policy.charter_id,
        "assets": asset,
        "sources": policy.source_id,
        "populations": policy.population_id,
    }


async def stopped_by(policy: World, path: str, person: str, why: Mapping[str, str]) -> None:
    answer = await policy.call(person, "POST", f"{path}:suspend", json=why)
    assert answer.status_code in {200, 204}, answer.text


# --- lifted by a vote on something else -----------------------------------------------------------------------------


async def test_a_finding_let_stand_does_not_lift_an_incidents_stop(policy: World) -> None:
    asset = await released(policy)
    found = await find(policy, asset, cause="drift", breaches=[BREACH])
    await incident(policy, assets=[asset])
    ended = await outcome(policy, found["review_id"])
    assert (await unlock(policy, asset, "scientist")).json()["code"] == "asset-suspended", "the incident is open"
    assert ended == {"verdict": "stands", "lifted": [], "suspended": True}


async def test_a_finding_let_stand_lifts_its_own_stop_and_no_other(policy: World) -> None:
    trigger = {"metric": "membership-shadow-auc", "at_most": "0.6", "action": "suspend"}
    await policy.set_up(review_triggers=[trigger])
    asset = await paid_run(policy)
    shadow = estimate("0.55") | {"metric": "membership-shadow-auc"}
    body = {"asset_id": asset, "assay_id": asset, "estimates": [estimate("0.55"), shadow]}
    await policy.post("evaluation", "/v1/releases", 201, body, headers={"Idempotency-Key": asset})
    found = await find(policy, asset, estimates=[shadow | {"upper": "0.8"}])
    (own,) = await standing(policy)
    await stopped_by(policy, f"/v1/assets/{asset}", "security-officer", DANGER)
    ended = await outcome(policy, found["review_id"])
    assert ended == {"verdict": "stands", "lifted": [own], "suspended": True}
    assert (await unlock(policy, asset, "scientist")).json()["code"] == "asset-suspended"
    assert await changes(policy) == ["suspended"], "it never ran again"


@pytest.mark.parametrize("kind", ("charters", "assets", "sources", "populations"))
async def test_a_resumption_lifts_what_was_voted_on_and_a_stop_placed_since_stands(policy: World, kind: str) -> None:
    path = f"/v1/{kind}/{(await subjects(policy))[kind]}"
    await stopped_by(policy, path, "steward", TRIFLE)
    (trifle,) = await standing(policy)
    asker = ASKERS.get(kind, "steward")
    opened = await policy.post(asker, f"{path}:resume", 202, TRIFLE)
    document = (await policy.get(f"/v1/reviews/{opened['review_id']}"))["document"]
    assert document["suspensions"] == [{"id": trifle, "incident_id": None}], "voters are shown what they lift"
    await stopped_by(policy, path, "security-officer", DANGER)
    ended = await outcome(policy, opened["review_id"])
    assert ended == {"resumed": False, "lifted": [trifle], "suspended": True}
    (danger,) = await standing(policy)
    again = await policy.post(asker, f"{path}:resume", 202, DANGER)
    assert await outcome(policy, again["review_id"]) == {"resumed": True, "lifted": [danger], "suspended": False}
    assert await standing(policy) == []
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_a_resumption_asked_before_an_incident_does_not_undo_the_incidents_stop(policy: World) -> None:
    await policy.set_up()
    path = f"/v1/charters/{policy.charter_id}"
    await stopped_by(policy, path, "steward", TRIFLE)
    opened = await policy.post("scientist", f"{path}:resume", 202, TRIFLE)
    made = await incident(policy, charters=[policy.charter_id])
    await policy.approve(opened["review_id"])
    assert codes(await policy.decide()) == ["charter.in-force"], "the incident is open"
    named = await policy.post("scientist", f"{path}:resume", 202, DANGER)
    (told,) = (await policy.get(f"/v1/reviews/{named['review_id']}"))["document"]["suspensions"]
    assert told["incident_id"] == made["id"], "who votes knows what they undo"
    assert (await outcome(policy, named["review_id"]))["resumed"] is True


# --- who sees a second danger ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ("charters", "assets", "sources", "populations"))
async def test_a_second_person_who_sees_danger_is_heard_though_it_is_stopped_already(policy: World, kind: str) -> None:
    subject = (await subjects(policy))[kind]
    for person, why in (("steward", TRIFLE), ("security-officer", DANGER), ("security-officer", DANGER)):
        await stopped_by(policy, f"/v1/{kind}/{subject}", person, why)
    shown = await policy.get("/v1/suspensions")
    assert [(entry["subject"], entry["suspended_by"]) for entry in shown] == [
        (subject, person) for person in ("steward", "security-officer", "security-officer")
    ]
    assert await changes(policy) == (["suspended"] if kind == "assets" else []), "what builds on it is told once"


async def test_an_incident_stops_what_is_suspended_for_a_trifle(policy: World) -> None:
    asset = await released(policy)
    for path in (f"/v1/charters/{policy.charter_id}", f"/v1/assets/{asset}"):
        await stopped_by(policy, path, "steward", TRIFLE)
    made = await incident(policy, charters=[policy.charter_id], assets=[asset])
    shown = await policy.get("/v1/suspensions")
    assert [entry["kind"] for entry in shown if entry["incident_id"] == made["id"]] == ["charter", "asset"]


async def test_an_asset_that_runs_again_is_told_once_whichever_vote_lifted_its_last_stop(policy: World) -> None:
    trigger = {"metric": "membership-auc", "at_most": "0.7", "action": "suspend"}
    await policy.set_up(review_triggers=[trigger])
    asset = await paid_run(policy)
    await release(policy, asset)
    await stopped_by(policy, f"/v1/assets/{asset}", "steward", TRIFLE)
    found = await find(policy, asset, estimates=[estimate("0.8")])
    opened = await policy.post("steward", f"/v1/assets/{asset}:resume", 202, TRIFLE)
    assert (await outcome(policy, found["review_id"]))["suspended"] is True
    assert (await outcome(policy, opened["review_id"]))["resumed"] is True
    assert await changes(policy) == ["suspended", "resumed"]
    assert (await unlock(policy, asset, "scientist")).status_code == 200


# --- evidence of an incident ----------------------------------------------------------------------------------------


async def test_evidence_is_not_destroyed_while_an_incident_looks_into_it(policy: World) -> None:
    asset = await released(policy)
    await incident(policy, assets=[asset], charters=[policy.charter_id])
    for path in (f"/v1/assets/{asset}", f"/v1/charters/{policy.charter_id}"):
        asker = "steward" if "assets" in path else "scientist"
        refused = await policy.post(asker, f"{path}:retire", 409, {"reason": "tidy up"})
        assert refused["code"] == "incident-open"
    assert (await policy.get(f"/v1/assets/{asset}"))["state"] == "suspended"


@pytest.mark.parametrize("kind", ("assets", "charters"))
async def test_a_retirement_asked_before_an_incident_waits_until_it_is_closed(policy: World, kind: str) -> None:
    subject = (await subjects(policy))[kind]
    asker = ASKERS.get(kind, "steward")
    opened = await policy.post(asker, f"/v1/{kind}/{subject}:retire", 202, {"reason": "tidy up"})
    made = await incident(policy, **{kind: [subject]})
    await policy.ballot(opened["review_id"], "privacy-officer")
    late = await policy.ballot(opened["review_id"], "counsel")
    assert (late.status_code, late.json()["code"]) == (409, "incident-open")
    assert (await policy.get(f"/v1/reviews/{opened['review_id']}"))["state"] == "open"
    closing = await policy.post("steward", f"/v1/incidents/{made['id']}:close", 202, {"post_mortem": "nobody was"})
    await policy.approve(closing["review_id"])
    assert (await policy.ballot(opened["review_id"], "counsel")).status_code == 201
    assert (await policy.get(f"/v1/reviews/{opened['review_id']}"))["outcome"] == {"retired": True}
