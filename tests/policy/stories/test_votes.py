"""Decision rights: what needs votes, who gives them, and what may set a rule aside."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from policy.conftest import World
from policy.examples import charter_document
from policy.stories.words import DAY, codes, configuration, later
from policy.test_release_api import paid_run, release, unlock

from moneyer_policy.effects.use_cases.calendar import fire_due
from moneyer_policy.gate.rules.waiver import LONGEST_GLASS_HOURS


async def test_a_plan_can_need_votes_and_is_judged_again_when_they_are_in(world: World) -> None:
    reviews = {
        "plan": {"stages": [{"name": "first", "counts": {"privacy": 1}}, {"name": "second", "counts": {"legal": 1}}]}
    }
    await world.set_up(reviews=reviews)
    waiting = (await world.decide()).json()
    assert (waiting["verdict"], waiting["permit"]) == ("review", None)
    assert (await world.budget())["epsilon_held"] == "0"
    review = waiting["review_id"]
    early = await world.ballot(review, "scientist", function="privacy")
    assert early.status_code == 403
    first = await world.ballot(review, "privacy-officer")
    assert (first.json()["state"], first.json()["stage"]) == ("open", "second")
    await world.approve(review, "counsel")
    decided = await world.get(f"/v1/runs/{waiting['run_id']}/decision", "generation")
    assert (decided["verdict"], decided["round"]) == ("permit", 1)
    assert "permit" in await world.get(f"/v1/runs/{waiting['run_id']}/decision", "generation")
    shown = await world.get(f"/v1/runs/{waiting['run_id']}/decision")
    assert shown["permit"] is None, "only who may redeem it sees the permit"
    assert (await world.redeem(decided)).status_code == 200
    rejected = (await world.decide()).json()
    await world.ballot(rejected["review_id"], verdict="reject")
    ended = await world.get(f"/v1/runs/{rejected['run_id']}/decision")
    assert (ended["verdict"], ended["clauses"][0]["code"]) == ("deny", "review.plan")


async def test_a_review_that_nobody_finishes_lapses_after_it_escalated(world: World) -> None:
    reviews = {"plan": {"stages": [{"name": "s", "counts": {"privacy": 1}}], "ttl_hours": 10}}
    await world.set_up(reviews=reviews, escalation=[{"after_hours": 4, "to": "board"}])
    waiting = (await world.decide()).json()
    world.now += timedelta(hours=5)
    await fire_due(world.dependencies)
    assert [entry["kind"] for entry in await world.get("/v1/notifications?recipient=board")] == ["review.escalate"]
    late = await world.ballot(waiting["review_id"])
    assert late.status_code == 201 or late.json()["code"] == "not-open"
    second = (await world.decide()).json()
    world.now += timedelta(hours=11)
    assert (await world.ballot(second["review_id"])).json()["code"] == "not-open"
    await fire_due(world.dependencies)
    assert (await world.get(f"/v1/reviews/{second['review_id']}"))["state"] == "lapsed"
    assert (await world.get(f"/v1/runs/{second['run_id']}/decision"))["verdict"] == "deny"


async def test_the_committee_has_versions_and_delegates_within_limits(world: World) -> None:
    for person, function in (("privacy-officer", "privacy"), ("counsel", "legal")):
        await world.post("admin", "/v1/committee/members", 204, {"subject": person, "function": function})
    assert (await world.get("/v1/committee"))["version"] == 2
    first = await world.get("/v1/committee?version=1")
    assert [member["subject"] for member in first["members"]] == ["privacy-officer"]

    def lent(to: str, function: str = "privacy") -> dict[str, str]:
        return {"delegate": to, "function": function, "valid_from": later(world), "valid_until": later(world, days=5)}

    path = "/v1/committee/delegations"
    await world.post("privacy-officer", path, 403, lent("counsel"))
    await world.post("privacy-officer", path, 403, lent("product-lead", "legal"))
    await world.post("privacy-officer", path, 201, lent("product-lead"))
    await world.post("product-lead", path, 403, lent("lead-scientist"))
    proposed = await world.post("steward", "/v1/configurations", 201, configuration())
    review = proposed["review_id"]
    refused = await world.ballot(review, "product-lead")
    assert refused.json()["code"] == "function-not-held", "only on behalf of the delegator"
    stood_in = await world.ballot(review, "product-lead", on_behalf_of="privacy-officer")
    assert stood_in.json()["state"] == "open", "one function is stood in for; the house asks for one more"
    assert (await world.ballot(review, "counsel")).json()["state"] == "approved"
    assert stood_in.json()["votes"][0]["on_behalf_of"] == "privacy-officer"
    world.now += 6 * DAY
    later_one = await world.post("steward", "/v1/configurations", 201, configuration(name="other"))
    ended = await world.ballot(later_one["review_id"], "product-lead", on_behalf_of="privacy-officer")
    assert ended.json()["code"] == "function-not-held"
    await world.post("admin", "/v1/committee/members:remove", 204, {"subject": "counsel", "function": "legal"})
    assert (await world.get("/v1/committee"))["version"] == 3
    await world.post("admin", "/v1/committee/members:remove", 404, {"subject": "counsel", "function": "legal"})


async def test_the_houses_quorum_raises_a_charters_own_and_votes_grow_old(world: World) -> None:
    house = {"stages": [{"name": "house", "counts": {"security": 1}, "valid_days": 10}]}
    answer = await world.call("admin", "PUT", "/v1/committee/quorum-rules/charter", json=house)
    assert answer.status_code == 200, answer.text
    bad = await world.call("admin", "PUT", "/v1/committee/quorum-rules/charter", json={"stages": [{"name": "x"}]})
    assert bad.status_code == 422
    document = charter_document(quorum={"privacy": 1}, sources=[world.source_id])
    made = await world.post("scientist", "/v1/charters", 201, document)
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.post("scientist", f"/v1/charters/{made['id']}:submit", 200)
    for person, function in (("privacy-officer", "privacy"), ("security-officer", "security")):
        await world.post("admin", "/v1/committee/members", 204, {"subject": person, "function": function})
    assert (await world.vote("privacy-officer", "privacy")).json()["state"] == "submitted"
    assert (await world.vote("security-officer", "security")).json()["state"] == "in_force"
    await world.make_population()
    assert "charter.approval" not in codes(await world.decide())
    world.now += 11 * DAY
    assert "charter.approval" in codes(await world.decide()), "the votes are too old"


async def test_a_condition_waits_until_who_set_it_says_it_is_met(world: World) -> None:
    await world.make_charter()
    proposed = await world.post("steward", "/v1/configurations", 201, configuration())
    review = proposed["review_id"]
    held = (await world.ballot(review, conditions=["show a run"])).json()
    assert (await world.ballot(review, "counsel")).json()["state"] == "open"
    (condition,) = held["conditions"]
    path = f"/v1/reviews/{review}/conditions/{condition['id']}:meet"
    await world.post("counsel", path, 403, {"evidence": "seen"})
    met = await world.post("privacy-officer", path, 200, {"evidence": "seen"})
    assert met["state"] == "approved"
    late = await world.post("steward", "/v1/configurations", 201, configuration(name="late"))
    (waiting,) = (await world.ballot(late["review_id"], conditions=["show a run"])).json()["conditions"]
    world.now += 15 * DAY
    over = f"/v1/reviews/{late['review_id']}/conditions/{waiting['id']}:meet"
    assert (await world.post("privacy-officer", over, 409, {"evidence": "seen"}))["code"] == "not-open"


async def test_an_exception_sets_one_rule_aside_once_and_never_the_budget(world: World) -> None:
    await world.set_up()
    path = f"/v1/charters/{world.charter_id}/exceptions"

    def asked(rule: str) -> dict[str, Any]:
        return {"rule": rule, "reason": "a pilot", "valid_until": later(world, days=2)}

    for rule in ("budget.population", "guarantee.sufficient", "charter.in-force", "source.population"):
        assert (await world.post("scientist", path, 422, asked(rule)))["code"] == "rule-not-waivable"
    opened = await world.post("scientist", path, 202, asked("rows.allowed"))
    assert "rows.allowed" in codes(await world.decide(rows=60_000)), "not before the vote"
    await world.approve(opened["review_id"])
    other = await world.decide(rows=60_000, audience="partners")
    assert codes(other) == ["audience.listed"], "the rule it names, and no other"
    passed = (await world.decide(rows=60_000)).json()
    assert (passed["verdict"], passed["waived"][0]["code"]) == ("permit", "rows.allowed")
    assert codes(await world.decide(rows=60_000)) == ["rows.allowed"], "used up"
    over = await world.post("scientist", path, 202, asked("rows.allowed") | {"single_use": False})
    await world.approve(over["review_id"])
    world.now += 3 * DAY
    assert codes(await world.decide(rows=60_000)) == ["rows.allowed"], "it ended"


async def test_broken_glass_takes_two_people_is_charged_and_is_reviewed(world: World) -> None:
    await world.set_up()
    path = f"/v1/charters/{world.charter_id}:break-glass"
    body = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 4}
    hours = world.app.openapi()["components"]["schemas"]["GlassRequest"]["properties"]["hours"]
    assert hours["maximum"] == LONGEST_GLASS_HOURS == 8, "what the document allows is what is allowed"
    await world.post("privacy-officer", path, 422, body | {"hours": hours["maximum"] + 1})
    broken = await world.post("privacy-officer", path, 201, body)
    assert codes(await world.decide(rows=60_000)) == ["rows.allowed"], "one person opens nothing"
    confirm = f"/v1/waivers/{broken['id']}:confirm"
    await world.post("privacy-officer", confirm, 403)
    confirmed = await world.post("security-officer", confirm, 200)
    assert confirmed["review_id"], "a review opens by itself"
    await world.post("steward", confirm, 409)
    passed = (await world.decide(rows=60_000)).json()
    assert (passed["verdict"], passed["waived"][0]["kind"]) == ("permit", "break-glass")
    assert (await world.budget())["epsilon_held"] != "0", "it is charged"
    assert "budget.population" in codes(await world.decide(rho="9")), "and never beyond the budget"
    world.now += timedelta(hours=5)
    assert codes(await world.decide(rows=60_000)) == ["rows.allowed"]


async def test_grants_and_retirements_can_need_votes(world: World) -> None:
    vote = {"stages": [{"name": "s", "counts": {"legal": 1}}]}
    await world.set_up(reviews={"grant": vote, "retirement": vote})
    asset = await paid_run(world)
    await release(world, asset)
    body = {"subject": "auditor", "use_case": "research", "valid_until": later(world, days=1)}
    asked = await world.post("steward", f"/v1/assets/{asset}/grants", 202, body)
    assert (await unlock(world, asset, "auditor")).json()["code"] == "no-grant"
    assert (await world.ballot(asked["review_id"], "counsel")).json()["state"] == "open", "privacy is always asked"
    await world.approve(asked["review_id"], "privacy-officer")
    assert (await unlock(world, asset, "auditor")).status_code == 200
    ending = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "done"})
    await world.approve(ending["review_id"], "privacy-officer", "counsel")
    assert (await unlock(world, asset, "scientist")).status_code == 410, "its key is destroyed"


async def test_who_owns_the_source_decides_on_nothing_made_of_it(world: World) -> None:
    await world.make_population()
    owned = {
        "resource": f"source:{world.source_id}:{uuid4()}",
        "population_id": world.population_id,
        "owner": "counsel",
    }
    await world.post("generation", "/v1/keys", 201, owned)
    document = charter_document(sources=[world.source_id])
    made = await world.post("scientist", "/v1/charters", 201, document)
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.post("scientist", f"/v1/charters/{made['id']}:submit", 200)
    await world.post("admin", "/v1/committee/members", 204, {"subject": "counsel", "function": "legal"})
    assert (await world.vote("counsel", "legal")).json()["code"] == "own-matter"
