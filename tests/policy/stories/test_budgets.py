"""Budgets as they grow, move, split and run out, and the calendar."""

from typing import Any
from uuid import uuid4

from policy.conftest import World
from policy.stories.words import DAY, MISSING, codes, later

from moneyer_policy.effects.use_cases.calendar import fire_due


async def test_a_budget_grows_and_moves_only_by_vote(world: World) -> None:
    await world.set_up(epsilon="2", allocated="1")
    first = world.charter_id
    path = f"/v1/populations/{world.population_id}"
    assert "budget.allocation" in codes(await world.decide(rho="0.05"))
    grown = {"charter_id": first, "epsilon": "2.5", "delta": "0.00001", "reason": "second wave"}
    await world.post("steward", f"{path}/budget-versions", 409, grown)
    await world.post("scientist", f"{path}/budget-versions", 403, grown)
    larger = await world.post("steward", f"{path}/budget-versions", 202, grown | {"charter_id": None, "epsilon": "3"})
    assert (await world.budget())["epsilon"] == "2", "not before the vote"
    await world.approve(larger["review_id"])
    assert (await world.budget())["epsilon"] == "3"
    asked = await world.post("steward", f"{path}/budget-versions", 202, grown | {"delta": "0.000005"})
    await world.approve(asked["review_id"])
    assert (await world.decide(rho="0.05")).json()["verdict"] == "permit"
    statement = await world.get(f"{path}/statement")
    versions = {account["charter_id"]: account["versions"] for account in statement["accounts"]}
    assert [entry["epsilon"] for entry in versions[first]] == ["1", "2.5"]
    assert versions[first][1]["review_id"] == asked["review_id"]
    smaller = grown | {"epsilon": "0.2", "reason": "less"}
    refused = await world.post("steward", f"{path}/budget-versions", 409, smaller)
    assert refused["code"] == "budget-held"


async def test_epsilon_moves_from_one_charter_to_another(world: World) -> None:
    await world.set_up(epsilon="3", allocated="2", delta="0.000005")
    giver, path = world.charter_id, f"/v1/populations/{world.population_id}"
    await world.make_charter()
    taker = world.charter_id
    given = {"charter_id": taker, "epsilon": "1", "delta": "0.000005"}
    await world.post("steward", f"{path}/allocations", 201, given)
    moved = {"giver": giver, "taker": taker, "epsilon": "0.5", "reason": "the other study needs it"}
    await world.post("steward", f"{path}/transfers", 409, moved | {"epsilon": "2"})
    await world.post("steward", f"{path}/transfers", 422, moved | {"taker": giver})
    await world.post("steward", f"{path}/transfers", 404, moved | {"taker": MISSING})
    asked = await world.post("steward", f"{path}/transfers", 202, moved)
    await world.approve(asked["review_id"])
    shown = {entry["charter_id"]: entry["epsilon"] for entry in (await world.get(path))["allocations"]}
    assert shown == {giver: "1.5", taker: "1.5"}


async def test_partitions_compose_in_parallel(world: World) -> None:
    body = {
        "name": f"p-{uuid4().hex[:8]}", "privacy_unit": "one person-year", "unit": {"kind": "row"},
        "epsilon": "2", "delta": "0.00001", "partitions": ["2024", "2025"],
    }  # fmt: skip
    world.population_id = (await world.post("steward", "/v1/populations", 201, body))["id"]
    keys: dict[str, str] = {}
    for year in ("2024", "2025", "both"):
        key = {
            "resource": f"source:{world.source_id}:{uuid4()}",
            "population_id": world.population_id,
            "partitions": [] if year == "both" else [year],
        }
        keys[year] = (await world.post("generation", "/v1/keys", 201, key))["id"]
    stray = {"resource": f"source:{world.source_id}:{uuid4()}", "population_id": world.population_id}
    refused = await world.post("generation", "/v1/keys", 422, stray | {"partitions": ["1999"]})
    assert refused["code"] == "partition-unknown"
    await world.make_charter()
    path = f"/v1/populations/{world.population_id}"
    whole = {"charter_id": world.charter_id, "epsilon": "2", "delta": "0.00001"}
    await world.post("steward", f"{path}/allocations", 201, whole)

    async def plan(year: str) -> Any:
        world.key_id = keys[year]
        return await world.decide(rho="0.07")

    for year in ("2024", "2025"):
        assert (await plan(year)).json()["verdict"] == "permit", "each year has the whole budget"
        assert codes(await plan(year)) == ["budget.population", "budget.allocation"]
    assert codes(await plan("both")) == ["budget.population", "budget.allocation"]
    accounts = (await world.get(path))["accounts"]
    assert {account["partition"] for account in accounts} == {"2024", "2025"}


async def test_a_forecast_says_how_many_runs_fit_and_is_right(world: World) -> None:
    await world.set_up(epsilon="1", allocated="1")
    ask = {"charter_id": world.charter_id, "mechanism": {"kind": "zcdp", "rho": "0.004"}}
    path = f"/v1/populations/{world.population_id}:forecast"
    runs = (await world.post("steward", path, 200, ask))["runs"]
    assert runs > 1
    for _ in range(runs):
        assert (await world.decide(rho="0.004")).json()["verdict"] == "permit"
    assert (await world.post("steward", path, 200, ask))["runs"] == 0
    assert "budget.population" in codes(await world.decide(rho="0.004"))
    await world.post("steward", path, 404, ask | {"charter_id": MISSING})


async def test_the_calendar_shows_what_is_due_and_each_is_done_once(world: World) -> None:
    await world.set_up(revalidate_by=later(world, days=30), expires_at=later(world, days=60))
    entries = await world.get("/v1/calendar")
    kinds = [entry["kind"] for entry in entries]
    assert kinds.count("charter.revalidation-reminder") == 1, "thirty days before is now"
    assert {"charter.revalidation", "charter.expiry", "charter.expiry-reminder", "assessment.expiry"} <= set(kinds)
    world.now += 31 * DAY
    assert codes(await world.decide())[0] == "charter.revalidated"
    assert await fire_due(world.dependencies) > 0
    told = await world.get("/v1/notifications?recipient=scientist")
    assert await fire_due(world.dependencies) == 0
    assert len(await world.get("/v1/notifications?recipient=scientist")) == len(told)
    world.now -= 10 * DAY
    assert await fire_due(world.dependencies) == 0, "a clock that steps back fires nothing twice"
    world.now += 100 * DAY
    assert await fire_due(world.dependencies) > 0, "a clock that steps ahead fires what is late"
