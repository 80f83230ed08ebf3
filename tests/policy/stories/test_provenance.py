"""Under which charter version, votes and budget an asset was made: as it was then, whatever came after."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from policy.conftest import MEMBERS, World
from policy.stories.words import DAY
from policy.test_release_api import paid_run


async def provenance(world: World, asset: str) -> Any:
    return await world.get(f"/v1/assets/{asset}/provenance")


async def grow(world: World, epsilon: str) -> str:
    body = {"charter_id": None, "epsilon": epsilon, "delta": "0.00001", "reason": "second wave"}
    opened = await world.post("steward", f"/v1/populations/{world.population_id}/budget-versions", 202, body)
    await world.approve(opened["review_id"])
    return str(opened["review_id"])


async def test_provenance_stay_as_they_were_whatever_came_after(world: World) -> None:
    await world.set_up(epsilon="2", allocated="1")
    old_digest = world.digest
    first = await paid_run(world)
    before = await provenance(world, first)
    world.now += timedelta(hours=1)
    assert (await world.assess()).status_code == 201, "assessed once more"
    second = await paid_run(world)
    world.now += timedelta(hours=1)
    await grow(world, "4")
    await world.replace_charter(title="The second version")
    world.now += timedelta(hours=1)
    third = await paid_run(world)
    world.now += DAY
    assert await provenance(world, first) == before, "nothing that came after is in it"

    assert (before["charter"]["version"], before["charter"]["digest"]) == (1, old_digest)
    assert before["charter"]["state"] == "in_force"
    assert {vote["function"] for vote in before["votes"]} == set(MEMBERS.values())
    assert {vote["digest"] for vote in before["votes"]} == {old_digest}, "votes on exactly that version"
    assert [one["acceptable"] for one in before["assessments"]] == [True]
    assert before["decision"]["verdict"] == "permit"
    by_owner = {one["of"]: one for one in before["budgets"]}
    assert (by_owner["population"]["epsilon"], by_owner["charter"]["epsilon"]) == ("2", "1")
    for one in before["budgets"]:
        assert one["epsilon_held"] == one["epsilon_of_this"], "the first run found it empty"

    later = {one["of"]: one for one in (await provenance(world, second))["budgets"]}
    assert Decimal(later["population"]["epsilon_held"]) > Decimal(later["population"]["epsilon_of_this"])
    assert later["population"]["epsilon"] == "2", "it grew after that"
    last = await provenance(world, third)
    assert last["charter"]["title"] == "The second version"
    assert {vote["digest"] for vote in last["votes"]} == {world.digest} != {old_digest}
    assert {one["of"]: (one["epsilon"], one["version"]) for one in last["budgets"]}["population"] == ("4", 2)
    held = {one["of"]: one["epsilon_held"] for one in last["budgets"]}
    assert held["population"] == (await world.budget())["epsilon_held"], "the ledger adds up to the balance"


async def test_what_was_given_back_is_not_held_against_whoever_came_later(world: World) -> None:
    await world.set_up()
    unused = (await world.decide()).json()
    world.now = datetime.fromisoformat(unused["permit"]["expires_at"]) + timedelta(minutes=1)
    await world.return_expired()
    world.now += timedelta(minutes=1)
    later = (await provenance(world, await paid_run(world)))["budgets"]
    assert all(one["epsilon_held"] == one["epsilon_of_this"] for one in later)
    earlier = (await provenance(world, unused["run_id"]))["budgets"]
    assert all(one["epsilon_held"] == one["epsilon_of_this"] for one in earlier), "then it was held"


async def test_votes_on_the_plan_itself_are_among_them(world: World) -> None:
    await world.set_up(reviews={"plan": {"stages": [{"name": "only", "counts": {"privacy": 1}}]}})
    waiting = (await world.decide()).json()
    await world.get(f"/v1/assets/{waiting['run_id']}/provenance", status=404)
    await world.approve(waiting["review_id"])
    found = await provenance(world, waiting["run_id"])
    (vote,) = [one for one in found["votes"] if one["on"] == "plan"]
    assert (vote["voter"], vote["review_id"]) == ("privacy-officer", waiting["review_id"])


async def test_an_asset_without_a_permit_has_no_provenance(world: World) -> None:
    await world.get(f"/v1/assets/{uuid4()}/provenance", status=404)
