"""An asset is suspended, withdrawn or replaced: who may, what it takes, and who is told."""

import json
from collections import Counter
from typing import Any
from uuid import uuid4

from policy.conftest import World
from policy.test_release_api import paid_run, release, unlock

REASON = "A column was mislabelled."


async def made(world: World) -> str:
    asset = await paid_run(world)
    await release(world, asset)
    return asset


async def withdraw(world: World, asset: str, **more: str) -> None:
    opened = await world.post("steward", f"/v1/assets/{asset}:withdraw", 202, {"reason": REASON} | more)
    await world.approve(opened["review_id"])


async def said(world: World) -> list[dict[str, Any]]:
    """The changes that lineage is told of."""
    rows = await world.sql("SELECT payload FROM outbox WHERE kind = 'openlineage' ORDER BY id")
    facets = [json.loads(row["payload"])["run"]["facets"].get("moneyer_assetChange") for row in rows]
    return [{name: one[name] for name in ("change", "because", "substitute")} for one in facets if one]


async def test_a_withdrawn_asset_is_read_no_more_and_says_what_to_use(world: World) -> None:
    await world.set_up()
    asset, better = await made(world), await made(world)
    assert (await unlock(world, asset, "scientist")).status_code == 200
    opened = await world.post("steward", f"/v1/assets/{asset}:withdraw", 202, {"reason": REASON, "substitute": better})
    assert (await unlock(world, asset, "scientist")).status_code == 200, (
        "until it is voted on; suspend it for that time"
    )
    await world.post("steward", f"/v1/reviews/{opened['review_id']}/votes", 403)
    await world.approve(opened["review_id"])
    refused = (await unlock(world, asset, "scientist")).json()
    assert (refused["code"], better in refused["detail"]) == ("asset-withdrawn", True)
    shown = await world.get(f"/v1/assets/{asset}")
    assert (shown["state"], shown["substitute"], shown["requester"]) == ("withdrawn", better, "scientist")
    assert await said(world) == [{"change": "withdrawn", "because": REASON, "substitute": better}]
    (told,) = await world.get("/v1/notifications?recipient=scientist")
    assert (told["kind"], told["subject"]) == ("asset.withdrawn", f"asset:{asset}")
    assert better in told["message"]
    leaves = [json.loads(row["leaf"]) for row in await world.sql("SELECT leaf FROM audit_events")]
    (leaf,) = [one for one in leaves if one["action"] == "asset.withdraw"]
    assert REASON not in str(leaf), "free text stands in no leaf, only its digest"
    dossier = await world.get(f"/v1/assets/{asset}/dossier")
    assert "withdrawal" in [review["kind"] for review in dossier["reviews"]]


async def test_a_withdrawal_is_final_and_happens_once(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    await withdraw(world, asset)
    for path, code in ((":withdraw", "asset-withdrawn"), (":resume", "not-suspended")):
        problem = await world.post("steward", f"/v1/assets/{asset}{path}", 409, {"reason": "again"})
        assert problem["code"] == code
    await world.post("privacy-officer", f"/v1/assets/{asset}:suspend", 204, {"reason": "too"})
    assert (await world.post("steward", f"/v1/assets/{asset}:resume", 409, {"reason": "x"}))[
        "code"
    ] == "asset-withdrawn"
    grant = {"subject": "auditor", "use_case": "research", "valid_until": "2099-01-01T00:00:00Z"}
    assert (await world.post("steward", f"/v1/assets/{asset}/grants", 409, grant))["code"] == "asset-withdrawn"
    assert (await world.get(f"/v1/assets/{asset}"))["state"] == "withdrawn"


async def test_a_refused_withdrawal_changes_nothing(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    opened = await world.post("steward", f"/v1/assets/{asset}:withdraw", 202, {"reason": REASON})
    await world.ballot(opened["review_id"], verdict="reject")
    assert (await unlock(world, asset, "scientist")).status_code == 200
    assert (await world.get(f"/v1/assets/{asset}"))["state"] == "released"
    assert await said(world) == []


async def test_what_stands_in_must_be_fit_to(world: World) -> None:
    await world.set_up()
    asset, better, waiting = await made(world), await made(world), await paid_run(world)
    path = f"/v1/assets/{asset}:withdraw"
    for unfit in (asset, waiting, str(uuid4())):
        problem = await world.post("steward", path, 422, {"reason": REASON, "substitute": unfit})
        assert problem["code"] == "substitute-unfit"
    assert (await world.post("steward", f"/v1/assets/{waiting}:withdraw", 404, {"reason": REASON}))[
        "code"
    ] == "not-found"
    substitute = {"substitute": better, "reason": "made anew"}
    assert (await world.post("steward", f"/v1/assets/{asset}:substitute", 409, substitute))["code"] == "not-withdrawn"
    opened = await world.post("steward", path, 202, {"reason": REASON, "substitute": better})
    await world.post("privacy-officer", f"/v1/assets/{better}:suspend", 204, {"reason": "look"})
    await world.approve(opened["review_id"])
    shown = await world.get(f"/v1/assets/{asset}")
    assert (shown["state"], shown["substitute"]) == ("withdrawn", None), "it was stopped while the votes were cast"
    problem = await world.post("steward", f"/v1/assets/{asset}:substitute", 422, substitute)
    assert problem["code"] == "substitute-unfit"


async def test_substitutes_lead_to_the_last_and_never_in_a_ring(world: World) -> None:
    await world.set_up()
    first, second, third = [await made(world) for _ in range(3)]
    await withdraw(world, first, substitute=second)
    await withdraw(world, second)
    ring = await world.post("steward", f"/v1/assets/{second}:substitute", 422, {"substitute": first, "reason": "r"})
    assert ring["code"] == "substitute-unfit"
    for _ in range(2):
        await world.post("steward", f"/v1/assets/{second}:substitute", 204, {"substitute": third, "reason": "r"})
    assert [(await world.get(f"/v1/assets/{one}"))["substitute"] for one in (first, second, third)] == [
        third,
        third,
        None,
    ]
    assert [one["change"] for one in await said(world)] == ["withdrawn", "withdrawn", "substituted"], "told once"


async def test_every_stop_is_told_and_why_one_person_stopped_it_is_not(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    await world.post("privacy-officer", f"/v1/assets/{asset}:suspend", 204, {"reason": "Ada was recognised"})
    assert (await world.get(f"/v1/assets/{asset}"))["state"] == "suspended"
    for path in (":resume", ":retire"):
        opened = await world.post("steward", f"/v1/assets/{asset}{path}", 202, {"reason": "r"})
        await world.approve(opened["review_id"])
    assert await said(world) == [
        {"change": one, "because": None, "substitute": None} for one in ("suspended", "resumed", "retired")
    ]
    assert (await world.get(f"/v1/assets/{asset}"))["state"] == "retired"


async def test_a_charter_says_who_votes_on_a_withdrawal(world: World) -> None:
    await world.set_up(reviews={"withdrawal": {"stages": [{"name": "s", "counts": {"legal": 1}}]}})
    asset = await made(world)
    opened = await world.post("steward", f"/v1/assets/{asset}:withdraw", 202, {"reason": REASON})
    assert (await world.ballot(opened["review_id"], "privacy-officer")).json()["state"] == "open"
    await world.approve(opened["review_id"], "counsel")
    assert (await world.get(f"/v1/assets/{asset}"))["state"] == "withdrawn"


async def test_what_is_not_decided_is_quarantined(world: World) -> None:
    await world.set_up()
    assert (await world.get(f"/v1/assets/{await paid_run(world)}"))["state"] == "quarantined"
    assert (await world.call("auditor", "GET", f"/v1/assets/{uuid4()}")).status_code == 404


# --- copies outside custody ------------------------------------------------------------------------------------


async def opened_for_delivery(world: World, asset: str, subject: str = "scientist") -> str:
    delivery = str(uuid4())
    body = {"subject": subject, "delivery": delivery}
    answer = await world.call("generation", "POST", f"/v1/assets/{asset}:unlock", json=body)
    assert answer.status_code == 200, answer.text
    return delivery


async def void(world: World, asset: str, delivery: str) -> None:
    path = f"/v1/assets/{asset}/copies/{delivery}:void"
    assert (await world.call("generation", "POST", path, json={})).status_code == 204


async def outside(world: World, asset: str) -> list[str]:
    found = await world.get(f"/v1/assets/{asset}/copies")
    return [one["delivery_id"] for one in found if one["void_at"] is None]


async def test_a_copy_is_noted_with_the_opening_and_void_only_when_nothing_was_left(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    assert (await unlock(world, asset, "scientist")).status_code == 200
    assert await outside(world, asset) == [], "a reader's own download is no delivery"
    first, second = await opened_for_delivery(world, asset), await opened_for_delivery(world, asset)
    body = {"subject": "scientist", "delivery": first}
    assert (await world.call("generation", "POST", f"/v1/assets/{asset}:unlock", json=body)).status_code == 200
    assert sorted(await outside(world, asset)) == sorted([first, second]), (
        "an attempt after a lost one is the same copy"
    )
    for _ in range(2):
        await void(world, asset, second)
    await void(world, await made(world), first)
    await void(world, asset, str(uuid4()))
    assert await outside(world, asset) == [first]
    leaves = [json.loads(row["leaf"]) for row in await world.sql("SELECT leaf FROM audit_events")]
    assert [one["details"]["delivery"] for one in leaves if one["action"] == "copy.void"] == [second], "told once"
    read = [one["details"].get("delivery") for one in leaves if one["action"] == "asset.read"]
    assert Counter(read) == {None: 1, first: 2, second: 1}


async def test_who_may_not_read_has_no_copy_opened(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    body = {"subject": "auditor", "delivery": str(uuid4())}
    for path in (":unlock", ":check-reader"):
        answer = await world.call("generation", "POST", f"/v1/assets/{asset}{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "no-grant"), path
    assert await outside(world, asset) == []
    before = await world.sql("SELECT count(*) FROM audit_events")
    asked = await world.call("generation", "POST", f"/v1/assets/{asset}:check-reader", json={"subject": "scientist"})
    assert asked.status_code == 204
    assert await world.sql("SELECT count(*) FROM audit_events") == before, "a question is no reading"
    await withdraw(world, asset)
    asked = await world.call("generation", "POST", f"/v1/assets/{asset}:check-reader", json={"subject": "scientist"})
    assert asked.json()["code"] == "asset-withdrawn"


async def test_whoever_had_copies_delivered_is_told_that_they_lie_outside(world: World) -> None:
    await world.set_up()
    asset = await made(world)
    delivery, nothing = await opened_for_delivery(world, asset), await opened_for_delivery(world, asset)
    await void(world, asset, nothing)
    await withdraw(world, asset)
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    told = await world.get("/v1/notifications?recipient=scientist")
    copies = [one for one in told if one["kind"] == "copy.outside"]
    assert [("withdrawn" in one["message"], "retired" in one["message"]) for one in reversed(copies)] == [
        (True, False), (False, True),
    ]  # fmt: skip
    for one in copies:
        assert delivery in one["message"]
        assert nothing not in one["message"], "of what left nothing there is nothing to remove"
        assert one["subject"] == f"asset:{asset}"
