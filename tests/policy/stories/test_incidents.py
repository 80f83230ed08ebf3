"""Incidents and feedback."""

from datetime import timedelta

from policy.conftest import World
from policy.stories.words import MISSING, codes, later
from policy.test_release_api import paid_run, release, unlock

from moneyer_policy.effects.use_cases.calendar import fire_due


async def test_an_incident_stops_notifies_and_closes_by_vote(world: World) -> None:
    await world.set_up()
    permit = (await world.decide()).json()
    asset = await paid_run(world)
    await release(world, asset)
    body = {
        "title": "odd downloads", "severity": "high", "description": "d", "charters": [world.charter_id],
        "assets": [asset], "personal_data": True, "discovered_at": later(world, hours=-1), "suspend": True,
    }  # fmt: skip
    await world.post("scientist", "/v1/incidents", 403, body)
    await world.post("steward", "/v1/incidents", 422, body | {"discovered_at": later(world, days=1)})
    opened = await world.post("steward", "/v1/incidents", 201, body)
    assert "charter.in-force" in codes(await world.decide())
    assert (await world.redeem(permit)).json()["code"] == "suspended", "a permit given before opens nothing"
    assert (await unlock(world, asset, "scientist")).json()["code"] == "asset-suspended"
    path = f"/v1/incidents/{opened['id']}"
    (duty,) = opened["duties"]
    assert duty["recipient"] == "supervisory authority"
    action = {"action": "rotate keys", "owner": "admin", "due_at": later(world, days=3)}
    (todo,) = (await world.post("steward", f"{path}/actions", 201, action))["actions"]
    refused = await world.post("steward", f"{path}:close", 409, {"post_mortem": "p"})
    assert {reason["code"] for reason in refused["reasons"]} == {"duty-open", "action-open"}
    world.now += timedelta(hours=72)
    await fire_due(world.dependencies)
    kinds = [entry["kind"] for entry in await world.get("/v1/notifications?recipient=steward")]
    assert sorted(kinds) == ["duty.overdue", "duty.warning"], "the 72 hours are over"
    await world.post("steward", f"{path}/duties/{duty['id']}:done", 200, {"evidence": "letter"})
    await world.post("steward", f"{path}/duties/{duty['id']}:done", 404, {"evidence": "again"})
    await world.post("steward", f"{path}/actions/{todo['id']}:done", 200)
    closing = await world.post("steward", f"{path}:close", 202, {"post_mortem": "what we learned"})
    await world.approve(closing["review_id"])
    assert (await world.get(path))["state"] == "closed"
    await world.post("steward", f"{path}/actions", 409, action)
    for where, people in (
        (f"/v1/assets/{asset}", ()),
        (f"/v1/charters/{world.charter_id}", ("privacy-officer", "counsel")),
    ):
        person = "steward" if "assets" in where else "scientist"
        resumed = await world.post(person, f"{where}:resume", 202, {"reason": "mended"})
        await world.approve(resumed["review_id"], *people)
    assert (await unlock(world, asset, "scientist")).status_code == 200
    assert (await world.redeem(permit)).status_code in {200, 409}


async def test_feedback_is_triaged_and_linked_to_the_change_it_caused(world: World) -> None:
    await world.make_charter()
    body = {"about_kind": "charter", "about": world.charter_id, "message": "too wide"}
    await world.post("auditor", "/v1/feedback", 403, body)
    sent = await world.post("scientist", "/v1/feedback", 201, body)
    await world.replace_charter(maximum_rows=10)
    path = f"/v1/feedback/{sent['id']}:triage"
    await world.post("scientist", path, 403, {"state": "accepted", "note": "n"})
    await world.post("steward", path, 404, {"state": "accepted", "note": "n", "charter_id": MISSING})
    linked = {"state": "resolved", "note": "narrowed", "charter_id": world.charter_id, "version": 2}
    assert (await world.post("steward", path, 200, linked))["link"] == {"charter_id": world.charter_id, "version": 2}
    (shown,) = await world.get(f"/v1/feedback?about={world.charter_id}&state=resolved")
    assert shown["note"] == "narrowed"
