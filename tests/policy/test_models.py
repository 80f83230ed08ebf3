"""A model that was paid for is sampled again without a new charge, under the charter that paid, and nothing else is."""

from typing import Any
from uuid import uuid4

from policy.conftest import World
from policy.test_release_api import release


async def paid(world: World, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run that made its table: what it asked, and the keys it got."""
    request = world.request(**options)
    decision = (await world.decide(request)).json()
    keys = (await world.redeem(decision, key=request["run_id"])).json()
    assert (await world.settle(decision)).status_code == 204
    return request, keys


def again(world: World, first: dict[str, Any], **plan: Any) -> dict[str, Any]:
    """A request to sample the model of a run once more."""
    request = world.request(**({"model": first["run_id"]} | plan))
    request["offer"]["mechanism"] = {"kind": "post-processing"}
    return request


async def failed(world: World, request: dict[str, Any]) -> list[str]:
    return [clause["code"] for clause in (await world.decide(request)).json()["clauses"]]


async def test_sampling_again_costs_nothing_and_opens_the_model_not_the_source(world: World) -> None:
    await world.set_up()
    first, keys = await paid(world)
    before = (await world.budget())["epsilon_spent"]
    request = again(world, first, rows=50)
    decision = (await world.decide(request)).json()
    assert decision["verdict"] == "permit", decision
    opened = (await world.redeem(decision, key=request["run_id"])).json()
    assert opened["source_key"] is None
    assert opened["model_key"] == keys["asset_key"]
    assert opened["asset_key"] != keys["asset_key"], "the new table has a key of its own"
    assert (await world.budget())["epsilon_spent"] == before
    entries = await world.ledger()
    assert all(set(entry["renyi"]) == {0} for entry in entries if entry["permit_id"] == decision["permit"]["id"])


async def test_only_the_very_model_that_was_paid_for_is_free(world: World) -> None:
    await world.set_up()
    first, _ = await paid(world)
    code = ["model.may-be-sampled"]
    assert (
        await failed(world, again(world, first, parameters={"epsilon": "0.4", "delta": "0.000001", "iterations": 500}))
        == code
    )
    assert await failed(world, again(world, {"run_id": str(uuid4())})) == code
    no_model = world.request()
    no_model["offer"]["mechanism"] = {"kind": "post-processing"}
    assert await failed(world, no_model) == code
    unpaid = world.request()
    await world.decide(unpaid)
    assert await failed(world, again(world, unpaid)) == code
    weaker = again(world, (await paid(world))[0])
    weaker["offer"]["guarantee"]["level"] = "none"
    assert "guarantee.paid-for" in await failed(world, weaker), "a release without a guarantee is always counted"


async def test_a_model_goes_with_its_table(world: World) -> None:
    await world.set_up()
    first, _ = await paid(world)
    request = again(world, first)
    decision = (await world.decide(request)).json()
    path = f"/v1/assets/{first['run_id']}"
    await world.post("steward", f"{path}:suspend", 204, {"reason": "a doubt"})
    refused = await world.redeem(decision, key=request["run_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "suspended")
    opened = await world.post("steward", f"{path}:resume", 202, {"reason": "no doubt"})
    await world.approve(opened["review_id"])
    opened = await world.post("steward", f"{path}:retire", 202, {"reason": "over"})
    await world.approve(opened["review_id"])
    refused = await world.redeem(decision, key=request["run_id"])
    assert (refused.status_code, refused.json()["code"]) == (410, "key-destroyed")


async def test_nothing_is_made_of_a_model_whose_table_was_stopped(world: World) -> None:
    """What is wrong with a table is wrong with the next one from its model: at the gate, and for permits given before."""
    await world.set_up()
    first, _ = await paid(world)
    once_more = again(world, first)
    second = (await world.decide(once_more)).json()
    await world.redeem(second, key=once_more["run_id"])
    await world.settle(second)
    of_second = again(world, once_more)
    given = again(world, first)
    permit = (await world.decide(given)).json()
    path = f"/v1/assets/{first['run_id']}"
    await world.post("steward", f"{path}:suspend", 204, {"reason": "a doubt"})
    assert await failed(world, again(world, first)) == ["model.not-stopped"]
    opened = await world.post("steward", f"{path}:resume", 202, {"reason": "no doubt"})
    await world.approve(opened["review_id"])
    assert await failed(world, again(world, first)) == []
    await release(world, first["run_id"])
    opened = await world.post("steward", f"{path}:withdraw", 202, {"reason": "A column was mislabelled."})
    await world.approve(opened["review_id"])
    refused = (await world.decide(again(world, first))).json()
    (clause,) = refused["clauses"]
    assert (refused["verdict"], clause["code"], clause["actual"]) == (
        "deny", "model.not-stopped", f"{first['run_id']} is withdrawn",
    )  # fmt: skip
    assert await failed(world, of_second) == ["model.not-stopped"], "a table of a table of it"
    late = await world.redeem(permit, key=given["run_id"])
    assert (late.status_code, late.json()["code"]) == (409, "stopped")
