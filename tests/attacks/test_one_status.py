"""An asset that was withdrawn, shown somewhere as released, is used on: every view says what policy says."""

import json
from typing import Any
from uuid import uuid4

import pytest
from evaluation.conftest import World as Evaluation
from evaluation.test_after_release import HOLDOUT, OTHER, TRAIN, reassay
from generation.conftest import World as Generation
from lineage.conftest import World as Lineage
from lineage.conftest import event
from policy.conftest import World as Policy
from policy.stories.test_recalls import made, withdraw
from sqlalchemy import update

from moneyer_generation.tables import runs
from moneyer_shared.errors import Unavailable

ENDED = ["suspended", "withdrawn", "retired"]


async def of(policy: Policy, *assets: str) -> list[str]:
    """One by one, and all at once."""
    single = [(await policy.get(f"/v1/assets/{asset}"))["state"] for asset in assets]
    listed = await policy.get("/v1/assets?" + "&".join(f"asset={asset}" for asset in assets))
    states = {one["asset_id"]: one["state"] for one in listed}
    assert [states[asset] for asset in assets] == single
    return single


async def test_policy_says_one_thing_of_an_asset_wherever_it_is_asked(policy: Policy) -> None:
    await policy.set_up()
    kept, asset = await made(policy), await made(policy)
    assert await of(policy, kept, asset) == ["released", "released"]
    await policy.post("privacy-officer", f"/v1/assets/{asset}:suspend", 204, {"reason": "r"})
    assert await of(policy, kept, asset) == ["released", "suspended"]
    opened = await policy.post("steward", f"/v1/assets/{asset}:resume", 202, {"reason": "r"})
    await policy.approve(opened["review_id"])
    assert await of(policy, kept, asset) == ["released", "released"]
    await withdraw(policy, asset)
    assert await of(policy, kept, asset) == ["released", "withdrawn"]
    opened = await policy.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "r"})
    await policy.approve(opened["review_id"])
    assert await of(policy, kept, asset) == ["released", "retired"]
    assert await policy.get(f"/v1/assets?asset={uuid4()}") == [], "what nobody was permitted is nothing"


async def released(works: Generation) -> Any:
    """A run that ended with a released table."""
    run = await works.run()
    async with works.dependencies.database.transaction() as connection:
        await connection.execute(update(runs).where(runs.c.id == run).values(state="released"))
    return run


@pytest.mark.parametrize("state", ENDED)
async def test_generation_shows_no_stopped_asset_as_released(works: Generation, state: str) -> None:
    run, kept = await released(works), await released(works)
    works.policy.states = {run: state, kept: "released"}
    assert (await works.call("scientist", "GET", f"/v1/generations/{run}")).json()["state"] == state
    listed = (await works.call("scientist", "GET", "/v1/generations")).json()
    assert {one["id"]: one["state"] for one in listed} == {str(run): state, str(kept): "released"}
    told = (await works.call("scientist", "GET", f"/v1/generations/{run}/events")).text
    assert json.loads(told.split("data: ")[-1])["state"] == state


async def test_an_asset_is_not_released_because_policy_is_away(works: Generation) -> None:
    run = await released(works)
    works.policy.states_error = Unavailable("away")
    for path in ("/v1/generations", f"/v1/generations/{run}"):
        assert (await works.call("scientist", "GET", path)).status_code == 503


@pytest.mark.parametrize("change", ["suspended", "withdrawn", "retired"])
async def test_lineage_shows_what_became_of_an_asset_beside_what_was_decided(lineage: Lineage, change: str) -> None:
    asset = str(uuid4())
    plan = {"charter_id": str(uuid4()), "generator": "arf", "guarantee": {"level": "none"}}
    for facets in ({"moneyer_plan": plan}, {"moneyer_release": {"verdict": "released"}},
                   {"moneyer_assetChange": {"change": change, "because": None, "substitute": None}}):  # fmt: skip
        await lineage.deliver(event(asset, [], [f"moneyer.asset/{asset}"], **facets))
    (found,) = (await lineage.call("auditor", "GET", "/v1/outcomes")).json()
    assert (found["verdict"], found["state"]) == ("released", change)
    graph = (await lineage.call("auditor", "GET", f"/v1/graph?node=dataset:moneyer.asset:{asset}")).json()
    assert graph["datasets"][0]["state"] == change
    assert (await lineage.call("auditor", "GET", f"/v1/assets/{asset}/impact")).json()["state"] == change


async def told(policy: Policy) -> list[dict[str, Any]]:
    rows = await policy.sql("SELECT payload FROM outbox WHERE kind = 'openlineage' ORDER BY id")
    return [json.loads(row["payload"]) for row in rows]


async def test_a_denied_plan_has_ended_and_says_why(policy: Policy, lineage: Lineage) -> None:
    await policy.set_up()
    request = policy.request(use_case="surveillance")
    assert (await policy.decide(request)).json()["verdict"] == "deny"
    last = (await told(policy))[-1]
    await lineage.deliver(last)
    run = (await lineage.call("auditor", "GET", f"/api/v1/jobs/runs/{request['run_id']}")).json()
    assert run["state"] == "ABORTED"
    assert "use-case.listed" in run["facets"]["moneyer_policyDecision"]["failed"]
    plan = request["plan"]
    job = f"generation.run/{plan['charter_id']}/{plan['source_id']}/{plan['generator']}"
    assert run["jobVersion"]["name"] == job, "what repeats: a source learned from with an engine under a charter"


async def test_all_that_policy_tells_of_a_run_is_of_one_job(policy: Policy) -> None:
    await policy.set_up()
    asset = await made(policy)
    await policy.post("privacy-officer", f"/v1/assets/{asset}:suspend", 204, {"reason": "r"})
    await withdraw(policy, asset)
    of_run = [one for one in await told(policy) if one["run"]["runId"] == asset]
    assert len(of_run) >= 5
    assert len({one["job"]["name"] for one in of_run}) == 1
    assert of_run[0]["job"]["name"].count("/") == 3


async def test_every_assay_begins_and_ends(evaluation: Evaluation) -> None:
    asset = await evaluation.assayed(TRAIN, HOLDOUT, OTHER)
    await reassay(evaluation, suite="copies-1", assets=[str(asset)])
    async with evaluation.dependencies.database.transaction() as connection:
        query = "SELECT payload FROM outbox WHERE kind = 'openlineage' ORDER BY id"
        rows = (await connection.exec_driver_sql(query)).all()
    events = [row[0] for row in rows]
    assert [one["eventType"] for one in events] == ["START", "COMPLETE", "START"]
    assert len({one["run"]["runId"] for one in events}) == 2, "each look is a run"
    assert {one["job"]["name"] for one in events} == {f"evaluation.assay/{asset}"}, "of one job: judging this asset"
