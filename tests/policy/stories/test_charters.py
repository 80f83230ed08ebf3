"""Charters: their life, their versions, their rules, and drafts tried on the past."""

import yaml
from policy.conftest import World
from policy.examples import charter_document
from policy.stories.words import DAY, MISSING, codes, later
from policy.test_release_api import paid_run, release, unlock


async def test_a_charter_lives_from_its_first_day_to_its_retirement(world: World) -> None:
    whole = {
        "legal_basis": "GDPR Art. 6(1)(e)",
        "stakeholders": [{"name": "patients", "interest": "privacy"}],
        "error_margins": [{"metric": "marginal-tvd-mean", "margin": "0.02"}],
        "disclosure": "summary",
        "in_force_from": later(world, days=2),
    }
    await world.make_population()
    document = charter_document(sources=[world.source_id], **whole)
    made = await world.post("scientist", "/v1/charters", 201, document)
    world.charter_id, world.digest = made["id"], made["digest"]
    path = f"/v1/charters/{world.charter_id}"
    await world.post("scientist", f"{path}:submit", 200)
    for person, function in (("privacy-officer", "privacy"), ("counsel", "legal")):
        await world.post("admin", "/v1/committee/members", 204, {"subject": person, "function": function})
        shown = (await world.vote(person, function)).json()
    assert shown["state"] == "approved", "it waits for its first day"
    assert "charter.in-force" in codes(await world.decide())
    world.now += 3 * DAY
    assert (await world.get(path))["state"] == "in_force"
    assert (await world.get(f"{path}/in-force"))["version"] == 1
    assert (await world.call("auditor", "GET", f"{path}/in-force?at=2020-01-01T00:00:00Z")).status_code == 404
    await world.post("scientist", f"{path}:suspend", 403, {"reason": "no scope"})
    await world.post("privacy-officer", f"{path}:suspend", 200, {"reason": "look into it"})
    assert (await world.get(path))["state"] == "suspended"
    await world.post("steward", f"{path}:suspend", 200, {"reason": "a second doubt, and a stop of its own"})
    world.now += DAY
    resumed = await world.post("scientist", f"{path}:resume", 202, {"reason": "cleared"})
    await world.approve(resumed["review_id"], "privacy-officer", "counsel")
    assert (await world.get(path))["state"] == "in_force"
    retired = await world.post("scientist", f"{path}:retire", 202, {"reason": "study over"})
    await world.approve(retired["review_id"])
    assert (await world.get(path))["state"] == "retired"
    await world.post("scientist", f"{path}:submit", 409)


async def test_versions_follow_one_another_and_can_be_compared_and_found(world: World) -> None:
    await world.set_up()
    before = world.now
    world.now += DAY
    await world.replace_charter(maximum_rows=10, title="A narrower study")
    path = f"/v1/charters/{world.charter_id}"
    states = [version["state"] for version in await world.get(f"{path}/versions")]
    assert states == ["superseded", "in_force"]
    then = before.isoformat().replace("+", "%2B")
    assert (await world.get(f"{path}/in-force?at={then}"))["version"] == 1
    changed = await world.get(f"{path}/diff?before=1&after=2")
    assert "maximum_rows: 50000 → 10" in changed["changes"]
    assert {operation["path"] for operation in changed["patch"]} == {"/maximum_rows", "/title"}
    for query in (
        "owner=scientist",
        f"source={world.source_id}",
        "use_case=research",
        "words=narrower",
        "state=in_force",
    ):
        assert [row["id"] for row in await world.get(f"/v1/charters?{query}")] == [world.charter_id], query
    for query in ("owner=nobody", f"source={MISSING}", "use_case=sale", "words=wider", "state=expired"):
        assert await world.get(f"/v1/charters?{query}") == [], query
    (old,) = await world.get(f"/v1/charters?at={then}&state=in_force")
    assert old["version"] == 1
    assert "rows.allowed" in codes(await world.decide())


async def test_yaml_says_what_json_says_and_nothing_else(world: World) -> None:
    document = charter_document()
    text = yaml.safe_dump(document).replace("'0.6'", "0.6")
    assert "at_most: 0.6" in text, "a decimal may be written bare"
    headers = {"Content-Type": "application/yaml"}
    made = await world.call("scientist", "POST", "/v1/charters", content=text, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["document"] == document
    for bad in ("a: &x [1]\nb: *x", "!!python/object/apply:os.system ['true']", "{", "- a list"):
        refused = await world.call("scientist", "POST", "/v1/charters", content=bad, headers=headers)
        assert refused.status_code in {400, 422}, bad
    other = {"Content-Type": "text/plain"}
    assert (await world.call("scientist", "POST", "/v1/charters", content="x", headers=other)).status_code == 415


async def test_a_charters_own_rules_close_on_any_doubt(world: World) -> None:
    rule = {
        "name": "careful",
        "expression": "epsilon <= 2000000000000 && parameters['iterations'] >= 500",
        "remedy": "be careful",
    }
    await world.set_up(extra_rules=[rule])
    assert (await world.decide()).json()["verdict"] == "permit"
    fewer = {"epsilon": "0.5", "delta": "0.000001", "iterations": 100}
    refused = await world.decide(parameters=fewer)
    assert codes(refused) == ["charter.extra-rules"]
    assert refused.json()["clauses"][0]["remedy"] == "be careful"
    missing = await world.decide(parameters={"epsilon": "0.5", "delta": "0.000001"})
    assert "charter.extra-rules" in codes(missing), "an error is a deny"
    for expression in ("rows", "rows <", "nobody == 1"):
        bad = charter_document(extra_rules=[rule | {"expression": expression}])
        refusal = await world.post("scientist", "/v1/charters", 422, bad)
        assert refusal["reasons"][0]["where"] == "extra_rules/0/expression"


async def test_triggers_hold_reject_or_stop(world: World) -> None:
    def trigger(at_most: str, action: str) -> dict[str, str]:
        return {"metric": "membership-auc", "at_most": at_most, "action": action}

    await world.set_up(
        epsilon="20", allocated="20", review_triggers=[trigger("0.5", "review"), trigger("0.58", "suspend")]
    )
    asset = await paid_run(world)
    held = (await release(world, asset)).json()
    assert (held["verdict"], held["triggered"]) == ("review", ["membership-auc: review"])
    assert (await unlock(world, asset, "scientist")).json()["code"] == "not-released"
    await world.approve(held["review_id"])
    shown = await world.get(f"/v1/assets/{asset}/release")
    assert (shown["verdict"], shown["round"]) == ("released", 1)
    assert (await unlock(world, asset, "scientist")).status_code == 200
    worse = await paid_run(world)
    stopped = (await release(world, worse, upper="0.59")).json()
    assert stopped["verdict"] == "review"
    assert (await world.get(f"/v1/charters/{world.charter_id}"))["state"] == "suspended"
    assert "charter.in-force" in codes(await world.decide())


async def test_a_use_case_has_criteria_of_its_own(world: World) -> None:
    strict = [{"name": "research", "description": "d", "acceptance": [{"metric": "utility", "at_least": "0.9"}]}]
    await world.set_up(use_cases=strict)
    decided = (await release(world, await paid_run(world))).json()
    assert decided["verdict"] == "rejected"
    assert [entry["met"] for entry in decided["criteria"]] == [True, False], "a missing figure is not met"


async def test_a_draft_is_tried_on_the_plans_of_the_past(world: World) -> None:
    await world.set_up()
    kept = (await world.decide(rows=5)).json()
    lost = (await world.decide(rows=100)).json()
    denied = (await world.decide(rows=60_000)).json()
    assert [kept["verdict"], lost["verdict"], denied["verdict"]] == ["permit", "permit", "deny"]
    path = f"/v1/charters/{world.charter_id}:dry-run"
    held = await world.budget()
    draft = (await world.get(f"/v1/charters/{world.charter_id}"))["document"] | {"maximum_rows": 10}
    tried = await world.post("scientist", path, 200, {"document": draft, "last": 10})
    assert tried["judged"] == 3
    (change,) = tried["changes"]
    assert (change["run_id"], change["before"], change["after"]) == (lost["run_id"], "permit", "deny")
    assert [clause["code"] for clause in change["newly_failed"]] == ["rows.allowed"]
    wider = await world.post("scientist", path, 200, {"document": draft | {"maximum_rows": 100_000}})
    assert [entry["no_longer_failed"] for entry in wider["changes"]] == [["rows.allowed"]]
    posted = await world.post("scientist", path, 200, {"document": draft, "requests": [world.request(rows=11)]})
    assert [entry["after"] for entry in posted["changes"]] == ["deny"]
    assert await world.budget() == held, "nothing was reserved"
    await world.post("scientist", path, 422, {"document": {"title": "no charter"}})
