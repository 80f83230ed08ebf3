"""The gate for others: denials explained, decisions found, questions that reserve nothing."""

from typing import Any

import pytest
from policy.conftest import World, labelled
from policy.stories.words import MISSING
from policy.test_release_api import paid_run, release


async def test_a_denial_is_explained_and_the_mended_plan_passes(world: World) -> None:
    await world.set_up()
    bad = {"epsilon": "9", "delta": "0.000001", "iterations": 5}
    denied = (await world.decide(rows=60_000, use_case="sale", parameters=bad)).json()
    told = await world.post("auditor", f"/v1/decisions/{denied['id']}:explain", 200)
    found = {entry["path"]: entry["value"] for entry in told["suggestions"]}
    assert found == {
        "rows": 50_000, "use_case": "research", "parameters.epsilon": "5", "parameters.iterations": "100",
    }  # fmt: skip
    assert told["still_failing"] == []
    assert (await world.decide(**{name: told["plan"][name] for name in ("rows", "use_case")})).json()[
        "verdict"
    ] == "permit"
    dear = (await world.decide(rho="9")).json()
    share = (await world.post("auditor", f"/v1/decisions/{dear['id']}:explain", 200))["suggestions"][0]
    assert (share["path"], 0 < float(share["value"]) < 1) == ("cost", True)
    await world.post("auditor", f"/v1/decisions/{MISSING}:explain", 404)


@pytest.mark.parametrize(
    ("query", "found"),
    [("verdict=deny", 1), ("verdict=permit", 1), ("code=rows.allowed", 1), ("code=audience.listed", 0),
     ("requester=scientist", 2), ("requester=nobody", 0), (f"charter={MISSING}", 0),
     ("since=2020-01-01T00:00:00Z", 2), ("until=2020-01-01T00:00:00Z", 0)],
)  # fmt: skip
async def test_past_decisions_are_found(world: World, query: str, found: int) -> None:
    await world.set_up()
    await world.decide()
    await world.decide(rows=60_000)
    assert len(await world.get(f"/v1/decisions?{query}")) == found


async def test_other_systems_ask_and_nothing_is_reserved(world: World) -> None:
    await world.set_up()
    asset = await paid_run(world)
    await release(world, asset)
    held = await world.budget()
    request = world.request()

    async def ask(person: str, action: str, kind: str, name: str, **context: Any) -> Any:
        body = {
            "subject": {"type": "user", "id": person}, "action": {"name": action},
            "resource": {"type": kind, "id": name}, "context": context,
        }  # fmt: skip
        return await world.post("platform", "/access/v1/evaluation", 200, body)

    stated = {name: labelled(request)[name] for name in ("plan", "offer")}
    assert await ask("scientist", "generate", "source", world.source_id, **stated) == {"decision": True}
    wide = stated | {"plan": request["plan"] | {"rows": 60_000}}
    refused = await ask("scientist", "generate", "source", world.source_id, **wide)
    assert [reason["code"] for reason in refused["context"]["reasons"]] == ["rows.allowed"]
    assert (await ask("scientist", "generate", "source", world.source_id))["decision"] is False
    assert (await ask("scientist", "read", "asset", asset))["decision"] is True
    assert (await ask("counsel", "read", "asset", asset))["decision"] is False
    assert (await ask("scientist", "read", "asset", "no-uuid"))["decision"] is False
    assert (await ask("scientist", "delete", "asset", asset))["decision"] is False
    assert await world.budget() == held
    await world.post("scientist", "/access/v1/evaluation", 403, {})
    opened = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "study over"})
    await world.approve(opened["review_id"])
    ended = await ask("scientist", "read", "asset", asset)
    assert [reason["code"] for reason in ended["context"]["reasons"]] == ["key-destroyed"], "nobody reads it any more"
