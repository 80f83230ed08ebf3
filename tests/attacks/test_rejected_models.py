"""A requester whose table was rejected draws from the same model until one of its tables passes."""

from datetime import timedelta
from typing import Any

from policy.conftest import World
from policy.test_models import again, paid
from policy.test_release_api import release


async def rejected(world: World) -> dict[str, Any]:
    """A paid run whose table was rejected."""
    first, _ = await paid(world)
    assert (await release(world, first["run_id"], upper="0.61")).json()["verdict"] == "rejected"
    return first


async def codes(world: World, request: dict[str, Any]) -> list[str]:
    return [clause["code"] for clause in (await world.decide(request)).json()["clauses"]]


async def made(world: World, request: dict[str, Any]) -> dict[str, Any]:
    decision = (await world.decide(request)).json()
    assert decision["verdict"] == "permit", decision
    assert (await world.redeem(decision, key=request["run_id"])).status_code == 200
    await world.settle(decision)
    return request


async def test_another_draw_from_a_rejected_model_is_denied(policy: World) -> None:
    await policy.set_up()
    first = await rejected(policy)
    denied = (await policy.decide(again(policy, first, seed=7))).json()
    (clause,) = denied["clauses"]
    assert (denied["verdict"], clause["code"], clause["actual"]) == (
        "deny", "model.rejected", f"asset {first['run_id']} was rejected",
    )  # fmt: skip
    assert "exception" in clause["remedy"]


async def test_another_shape_is_another_draw(policy: World) -> None:
    await policy.set_up()
    first = await rejected(policy)
    strata = [{"name": "one", "share": "1", "where": [{"column": "sex", "one_of": ["m"]}]}]
    assert await codes(policy, again(policy, first, rows=1, shape={"strata": strata})) == ["model.rejected"]
    assert await codes(policy, again(policy, first, rows=99)) == ["model.rejected"]


async def test_the_model_of_a_model_is_the_same_model(policy: World) -> None:
    """The second table was made, the third is asked for by the second's name after the second was rejected."""
    await policy.set_up()
    first, _ = await paid(policy)
    assert (await release(policy, first["run_id"])).json()["verdict"] == "released"
    second = await made(policy, again(policy, first))
    assert (await release(policy, second["run_id"], upper="0.61")).json()["verdict"] == "rejected"
    assert await codes(policy, again(policy, second)) == ["model.rejected"], "by the rejected table's name"
    assert await codes(policy, again(policy, first)) == ["model.rejected"], "by the name of the released one before it"


async def test_a_sibling_chain_is_the_same_model(policy: World) -> None:
    await policy.set_up()
    first, _ = await paid(policy)
    left, right = await made(policy, again(policy, first)), await made(policy, again(policy, first))
    assert (await release(policy, left["run_id"], upper="0.61")).json()["verdict"] == "rejected"
    assert await codes(policy, again(policy, right)) == ["model.rejected"]


async def test_a_permit_given_before_the_rejection_opens_nothing_after(policy: World) -> None:
    await policy.set_up()
    first, _ = await paid(policy)
    waiting = again(policy, first)
    decision = (await policy.decide(waiting)).json()
    await release(policy, first["run_id"], upper="0.61")
    late = await policy.redeem(decision, key=waiting["run_id"])
    assert (late.status_code, late.json()["code"]) == (409, "model-rejected")


async def test_tables_drawn_at_once_do_not_race_past_the_first_rejection(policy: World) -> None:
    """Ten tables are made before any is judged: after one was rejected no other is released without a vote."""
    await policy.set_up()
    first, _ = await paid(policy)
    second = await made(policy, again(policy, first))
    third = await made(policy, again(policy, first))
    assert (await release(policy, second["run_id"], upper="0.61")).json()["verdict"] == "rejected"
    judged = (await release(policy, third["run_id"])).json()
    assert judged["verdict"] == "review", judged
    await policy.approve(judged["review_id"], "privacy-officer")
    assert (await policy.get(f"/v1/assets/{third['run_id']}/release"))["verdict"] == "released"


async def test_votes_alone_open_a_rejected_model(policy: World) -> None:
    await policy.set_up()
    first = await rejected(policy)
    path = f"/v1/charters/{policy.charter_id}"
    glass = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 4}
    broken = await policy.post("privacy-officer", f"{path}:break-glass", 201, glass)
    await policy.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 200)
    assert await codes(policy, again(policy, first)) == ["model.rejected"], "broken glass does not"
    ask = {
        "rule": "model.rejected", "reason": "The criterion was wrong.", "requester": "scientist",
        "valid_until": (policy.now + timedelta(days=3)).isoformat(),
    }  # fmt: skip
    opened = await policy.post("scientist", f"{path}/exceptions", 202, ask)
    await policy.approve(opened["review_id"])
    chosen = await made(policy, again(policy, first))
    assert (await release(policy, chosen["run_id"])).json()["verdict"] == "released", "what was voted on is let out"
    assert await codes(policy, again(policy, first)) == ["model.rejected"], "one vote, one table"


async def test_a_new_fit_is_another_model(policy: World) -> None:
    await policy.set_up()
    await rejected(policy)
    assert (await policy.decide()).json()["verdict"] == "permit", "it is paid for"
