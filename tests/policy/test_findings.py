"""What is found about an asset after its release: it stands, waits for the committee, or stops."""

from datetime import timedelta
from uuid import uuid4

import pytest
from policy.conftest import World
from policy.test_release_api import estimate, paid_run, release, unlock

from moneyer_policy.effects.use_cases.calendar import fire_due


async def find(world: World, asset: str, *, status: int = 201, **body: object) -> dict[str, object]:
    sent = {"asset_id": asset, "cause": "re-assay", "evidence": str(uuid4()), "estimates": [], **body}
    return await world.post("evaluation", "/v1/findings", status, sent, headers={"Idempotency-Key": str(uuid4())})


BREACH = {"metric": "psi-max", "expected": "lower bound at most 0.2", "actual": "0.6", "met": False, "shortfall": "0.3"}


async def released(world: World, **charter: object) -> str:
    await world.set_up(**charter)
    asset = await paid_run(world)
    assert (await release(world, asset)).json()["verdict"] == "released"
    return asset


async def test_an_asset_that_keeps_its_bounds_stands(world: World) -> None:
    asset = await released(world)
    found = await find(world, asset, estimates=[estimate("0.55"), estimate("0.9") | {"metric": "not-in-the-charter"}])
    assert found["verdict"] == "stands"
    assert found["review_id"] is None
    assert [one["metric"] for one in found["criteria"]] == ["membership-auc"]
    assert (await find(world, asset))["verdict"] == "stands", "nothing measured is nothing breached"


@pytest.mark.parametrize("approved", [True, False])
async def test_a_breach_is_put_to_the_committee(world: World, approved: bool) -> None:
    asset = await released(world)
    found = await find(world, asset, estimates=[estimate("0.7")])
    assert found["verdict"] == "review"
    review = await world.get(f"/v1/reviews/{found['review_id']}")
    assert review["kind"] == "finding"
    assert review["document"]["criteria"][0]["met"] is False
    assert (await unlock(world, asset, "scientist")).status_code == 200, "it stays as it is until they voted"
    again = await find(world, asset, estimates=[estimate("0.7")])
    assert again["review_id"] == found["review_id"], "what says no more is no second matter"
    if approved:
        await world.approve(found["review_id"])
        assert (await unlock(world, asset, "scientist")).status_code == 200
    else:
        assert (await world.ballot(found["review_id"], verdict="reject")).status_code == 201
        assert (await unlock(world, asset, "scientist")).json()["code"] == "asset-suspended"


async def test_without_a_vote_in_time_the_asset_stops(world: World) -> None:
    asset = await released(world)
    found = await find(world, asset, cause="drift", breaches=[BREACH])
    review = await world.get(f"/v1/reviews/{found['review_id']}")
    world.now += timedelta(days=15)
    await fire_due(world.app.state.dependencies)
    assert (await world.get(f"/v1/reviews/{review['id']}"))["state"] == "lapsed"
    assert (await unlock(world, asset, "scientist")).json()["code"] == "asset-suspended"


async def test_a_trigger_that_suspends_stops_at_once_and_a_vote_lifts_it(world: World) -> None:
    trigger = {"metric": "membership-shadow-auc", "at_most": "0.6", "action": "suspend"}
    await world.set_up(review_triggers=[trigger])
    asset = await paid_run(world)
    shadow = estimate("0.55") | {"metric": "membership-shadow-auc"}
    body = {"asset_id": asset, "assay_id": str(uuid4()), "estimates": [estimate("0.55"), shadow]}
    await world.post("evaluation", "/v1/releases", 201, body, headers={"Idempotency-Key": asset})
    found = await find(world, asset, estimates=[shadow | {"upper": "0.8"}])
    assert found["verdict"] == "suspended"
    assert (await unlock(world, asset, "scientist")).json()["code"] == "asset-suspended"
    await world.approve(found["review_id"])
    assert (await unlock(world, asset, "scientist")).status_code == 200


async def test_only_a_released_asset_is_looked_at_again(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    assert (await find(world, asset, status=404))["code"] == "not-found"
    await release(world, asset, upper="0.9")
    assert (await find(world, asset, status=409))["code"] == "not-released"


async def test_keys_open_again_for_a_released_asset_and_for_nothing_else(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    await world.redeem(decision)
    await world.settle(decision)
    asset, path = decision["run_id"], f"/v1/permits/{decision['permit']['id']}:open-for-assay"
    again = {"asset_id": asset, "purpose": "re-assay"}
    assert (await world.post("evaluation", path, 404, again))["code"] == "not-found"
    await release(world, asset)
    population = {"population_id": world.population_id}
    newer, register, foreign = [
        (await world.post("generation", "/v1/keys", 201, {"resource": f"{kind}:{uuid4()}", **population}))["id"]
        for kind in (f"source:{world.source_id}", f"register:{uuid4()}", f"source:{uuid4()}")
    ]
    opened = await world.post("evaluation", path, 200, again | {"others": [newer, register]})
    assert set(opened["others"]) == {newer, register}
    refused = await world.post("evaluation", path, 403, again | {"others": [foreign]})
    assert refused["code"] == "other-source", "another source is opened by its own permit alone"
    assert (await world.post("evaluation", path, 410, again | {"others": [str(uuid4())]}))["code"] == "key-destroyed"


async def test_a_rejected_asset_is_not_opened_again(world: World) -> None:
    await world.set_up()
    decision = (await world.decide()).json()
    await world.redeem(decision)
    await world.settle(decision)
    await release(world, decision["run_id"], upper="0.9")
    body = {"asset_id": decision["run_id"], "purpose": "re-assay"}
    path = f"/v1/permits/{decision['permit']['id']}:open-for-assay"
    assert (await world.post("evaluation", path, 409, body))["code"] == "not-released"


async def test_nothing_is_learned_from_a_register(world: World) -> None:
    await world.set_up()
    body = {"resource": f"register:{world.source_id}:{uuid4()}", "population_id": world.population_id}
    world.key_id = (await world.post("generation", "/v1/keys", 201, body))["id"]
    denied = (await world.decide()).json()
    assert denied["verdict"] == "deny"


async def test_the_charter_names_the_suite(world: World) -> None:
    await world.set_up(suite="privacy-1")
    decision = (await world.decide()).json()
    await world.redeem(decision)
    path = f"/v1/permits/{decision['permit']['id']}:open-for-assay"
    assert (await world.post("evaluation", path, 200, {"asset_id": decision["run_id"]}))["suite"] == "privacy-1"


async def test_a_condemned_generator_is_refused_where_it_rests_on_its_claim(world: World) -> None:
    await world.set_up()
    assert (await world.decide()).json()["verdict"] == "permit"
    body = {"generator": "dpmm-mst", "audit_id": str(uuid4()), "claimed": "1", "measured": "2.5"}
    key = {"Idempotency-Key": "once"}
    made = await world.post("evaluation", "/v1/condemnations", 201, body, headers=key)
    assert (await world.post("evaluation", "/v1/condemnations", 201, body, headers=key)) == made
    denied = (await world.decide()).json()
    assert [clause["code"] for clause in denied["clauses"]] == ["configuration.rejected"]
    assert "2.5" in denied["clauses"][0]["actual"] + denied["clauses"][0]["remedy"] + denied["clauses"][0]["expected"]
    other = (await world.decide(generator="something-else")).json()
    assert "configuration.rejected" not in [clause["code"] for clause in other["clauses"]]
