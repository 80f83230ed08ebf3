"""One story for each part of governance, over HTTP, with its refusals as well as its successes."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import yaml
from policy.conftest import World
from policy.examples import charter_document
from policy.test_release_api import paid_run, release, unlock

from mintmark_policy.use_cases.calendar import fire_due

MISSING = "00000000-0000-0000-0000-000000000001"
DAY = timedelta(days=1)


def later(world: World, **span: int) -> str:
    return (world.now + timedelta(**span)).isoformat()


def codes(decision: Any) -> list[str]:
    return [clause["code"] for clause in decision.json()["clauses"]]


# --- 1. charters, whole -------------------------------------------------------------------


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
    await world.post("steward", f"{path}:suspend", 409, {"reason": "twice"})
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


# --- 2. dry run ---------------------------------------------------------------------------


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


# --- 3. decision rights -------------------------------------------------------------------


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
    await fire_due(world.office)
    assert [entry["kind"] for entry in await world.get("/v1/notifications?recipient=board")] == ["review.escalate"]
    late = await world.ballot(waiting["review_id"])
    assert late.status_code == 201 or late.json()["code"] == "not-open"
    second = (await world.decide()).json()
    world.now += timedelta(hours=11)
    assert (await world.ballot(second["review_id"])).json()["code"] == "not-open"
    await fire_due(world.office)
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
    assert stood_in.json()["state"] == "approved", stood_in.text
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
    assert held["state"] == "open"
    (condition,) = held["conditions"]
    path = f"/v1/reviews/{review}/conditions/{condition['id']}:meet"
    await world.post("counsel", path, 404, {"evidence": "seen"})
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
    await world.post("privacy-officer", path, 422, body | {"hours": 9})
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
    await world.approve(asked["review_id"], "counsel")
    assert (await unlock(world, asset, "auditor")).status_code == 200
    ending = await world.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "done"})
    await world.approve(ending["review_id"], "counsel")
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


# --- 4. assessments, training, models -----------------------------------------------------


async def test_an_assessment_answers_its_questionnaire_and_keeps_to_its_risk(world: World) -> None:
    questions = [
        {"id": "necessity", "text": "Is it needed?", "kind": "yes-no"},
        {"id": "scale", "text": "How many people?", "kind": "choice", "choices": ["few", "many"]},
    ]
    template = {"name": "dpia", "title": "Assessment", "questions": questions, "maximum_residual_risk": 6}
    await world.post("scientist", "/v1/questionnaires", 403, template)
    assert (await world.post("steward", "/v1/questionnaires", 201, template))["version"] == 1
    assert (await world.post("steward", "/v1/questionnaires", 201, template))["version"] == 2
    await world.set_up(assessment_template="dpia")
    assert codes(await world.decide()) == ["assessment.valid"], "the plain one does not count"

    def risk(residual: int) -> dict[str, Any]:
        return {
            "description": "re-identification", "likelihood": 4, "severity": 4, "mitigation": "noise",
            "residual_likelihood": residual, "residual_severity": 3,
        }  # fmt: skip

    body = {
        "digest": world.digest, "acceptable": True, "summary": "s", "valid_until": later(world, days=9),
        "template": "dpia", "answers": {"necessity": True, "scale": "few"}, "risks": [risk(2)],
    }  # fmt: skip
    path = f"/v1/charters/{world.charter_id}/assessments"
    unanswered = await world.post("assessor", path, 422, body | {"answers": {"scale": "some", "extra": 1}})
    assert {reason["where"] for reason in unanswered["reasons"]} == {"necessity", "scale", "extra"}
    assert (await world.post("assessor", path, 422, body | {"risks": [risk(3)]}))["code"] == "risk-too-high"
    assert (await world.post("assessor", path, 201, body))["residual_risk"] == 6
    assert (await world.decide()).json()["verdict"] == "permit"
    world.now += 10 * DAY
    assert codes(await world.decide()) == ["assessment.valid"]


async def test_training_is_attested_by_somebody_else_and_runs_out(world: World) -> None:
    await world.set_up(required_training=["privacy-101"])
    assert codes(await world.decide()) == ["training.attested"]
    body = {"person": "scientist", "topic": "privacy-101", "evidence": "course", "valid_until": later(world, days=5)}
    await world.post("scientist", "/v1/attestations", 403, body)
    await world.post("steward", "/v1/attestations", 403, body | {"person": "steward"})
    await world.post("steward", "/v1/attestations", 201, body)
    assert (await world.decide()).json()["verdict"] == "permit"
    world.now += 6 * DAY
    assert codes(await world.decide()) == ["training.attested"]


async def test_a_model_is_reviewed_for_compliance(world: World) -> None:
    await world.make_charter()
    assert (await world.get("/v1/models/churn-2/compliance"))["state"] == "unreviewed"
    body = {"asset_ids": [MISSING], "use_case": "research", "owner": "counsel", "findings": "as chartered"}
    opened = await world.post("steward", "/v1/models/churn-2/compliance-reviews", 202, body)
    await world.post("steward", "/v1/models/churn-2/compliance-reviews", 409, body)
    await world.approve(opened["review_id"])
    assert (await world.get("/v1/models/churn-2/compliance"))["state"] == "approved"


# --- 5. the library -----------------------------------------------------------------------


def configuration(**changes: Any) -> dict[str, Any]:
    return {
        "name": "careful-mst",
        "generator": "dpmm-mst",
        "guarantee": "proven",
        "parameters": {
            "epsilon": {"minimum": "0.1", "maximum": "1"},
            "delta": {"minimum": "0.000000001", "maximum": "0.00001"},
            "iterations": {"one_of": [500, 1000]},
        },
        "defaults": {"epsilon": "0.5", "delta": "0.000001", "iterations": 500},
        "evidence": "docs/benchmarks",
    } | changes


async def test_a_configuration_is_approved_named_and_retired(world: World) -> None:
    await world.set_up(configurations=[{"library": "careful-mst"}])
    assert codes(await world.decide()) == ["configuration.approved"]
    outside = configuration(defaults={"epsilon": "2"})
    assert (await world.post("steward", "/v1/configurations", 422, outside))["code"] == "default-out-of-range"
    proposed = await world.post("steward", "/v1/configurations", 201, configuration())
    assert (await world.call("auditor", "GET", "/v1/configurations/careful-mst")).status_code == 404
    await world.approve(proposed["review_id"])
    assert (await world.get("/v1/configurations/careful-mst"))["document"]["defaults"]["iterations"] == 500
    assert (await world.decide(configuration="careful-mst")).json()["verdict"] == "permit"
    unknown = await world.decide(configuration="nobody-knows")
    assert codes(unknown) == ["configuration.library"]
    beyond = {"epsilon": "0.5", "delta": "0.000001", "iterations": 700}
    assert codes(await world.decide(configuration="careful-mst", parameters=beyond)) == [
        "parameters.in-range", "configuration.library",
    ]  # fmt: skip
    await world.post("steward", "/v1/configurations/careful-mst:retire", 204)
    assert codes(await world.decide()) == ["configuration.approved"]


async def test_a_rejection_criterion_refuses_by_itself_until_withdrawn(world: World) -> None:
    await world.set_up()
    body = {"name": "few-iterations", "expression": "parameters['iterations'] < 1000", "reason": "underfits"}
    await world.post("steward", "/v1/rejection-criteria", 422, body | {"expression": "iterations < 3"})
    made = await world.post("steward", "/v1/rejection-criteria", 201, body)
    await world.post("steward", "/v1/rejection-criteria", 409, body)
    refused = await world.decide()
    assert codes(refused) == ["configuration.rejected"]
    assert "underfits (by steward)" in refused.json()["clauses"][0]["actual"]
    await world.post("steward", f"/v1/rejection-criteria/{made['id']}:withdraw", 204)
    assert (await world.decide()).json()["verdict"] == "permit"


# --- 6. budgets, whole --------------------------------------------------------------------


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
        "name": f"p-{uuid4().hex[:8]}", "privacy_unit": "one person", "epsilon": "2", "delta": "0.00001",
        "partitions": ["2024", "2025"],
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


# --- 7. time ------------------------------------------------------------------------------


async def test_the_calendar_shows_what_is_due_and_each_is_done_once(world: World) -> None:
    await world.set_up(revalidate_by=later(world, days=30), expires_at=later(world, days=60))
    entries = await world.get("/v1/calendar")
    kinds = [entry["kind"] for entry in entries]
    assert kinds.count("charter.revalidation-reminder") == 1, "thirty days before is now"
    assert {"charter.revalidation", "charter.expiry", "charter.expiry-reminder", "assessment.expiry"} <= set(kinds)
    world.now += 31 * DAY
    assert codes(await world.decide())[0] == "charter.revalidated"
    assert await fire_due(world.office) > 0
    told = await world.get("/v1/notifications?recipient=scientist")
    assert await fire_due(world.office) == 0
    assert len(await world.get("/v1/notifications?recipient=scientist")) == len(told)
    world.now -= 10 * DAY
    assert await fire_due(world.office) == 0, "a clock that steps back fires nothing twice"
    world.now += 100 * DAY
    assert await fire_due(world.office) > 0, "a clock that steps ahead fires what is late"


# --- 8. incidents and feedback ------------------------------------------------------------


async def test_an_incident_stops_notifies_and_closes_by_vote(world: World) -> None:
    await world.set_up()
    permit = (await world.decide()).json()
    asset = await paid_run(world)
    await release(world, asset)
    body = {
        "title": "odd downloads", "severity": "high", "description": "d", "charters": [world.charter_id],
        "assets": [asset], "personal_data": True, "discovered_at": later(world, hours=-1), "suspend": True,
    }  # fmt: skip
    await world.post("scientist", "/v1/incidents", 403, body)
    await world.post("steward", "/v1/incidents", 422, body | {"discovered_at": later(world, days=1)})
    opened = await world.post("steward", "/v1/incidents", 201, body)
    assert "charter.in-force" in codes(await world.decide())
    assert (await world.redeem(permit)).json()["code"] == "suspended", "a permit given before opens nothing"
    assert (await unlock(world, asset, "scientist")).json()["code"] == "asset-suspended"
    path = f"/v1/incidents/{opened['id']}"
    (duty,) = opened["duties"]
    assert duty["recipient"] == "supervisory authority"
    action = {"action": "rotate keys", "owner": "admin", "due_at": later(world, days=3)}
    (todo,) = (await world.post("steward", f"{path}/actions", 201, action))["actions"]
    refused = await world.post("steward", f"{path}:close", 409, {"post_mortem": "p"})
    assert {reason["code"] for reason in refused["reasons"]} == {"duty-open", "action-open"}
    world.now += timedelta(hours=72)
    await fire_due(world.office)
    kinds = [entry["kind"] for entry in await world.get("/v1/notifications?recipient=steward")]
    assert sorted(kinds) == ["duty.overdue", "duty.warning"], "the 72 hours are over"
    await world.post("steward", f"{path}/duties/{duty['id']}:done", 200, {"evidence": "letter"})
    await world.post("steward", f"{path}/duties/{duty['id']}:done", 404, {"evidence": "again"})
    await world.post("steward", f"{path}/actions/{todo['id']}:done", 200)
    closing = await world.post("steward", f"{path}:close", 202, {"post_mortem": "what we learned"})
    await world.approve(closing["review_id"])
    assert (await world.get(path))["state"] == "closed"
    await world.post("steward", f"{path}/actions", 409, action)
    for where, people in (
        (f"/v1/assets/{asset}", ()),
        (f"/v1/charters/{world.charter_id}", ("privacy-officer", "counsel")),
    ):
        person = "steward" if "assets" in where else "scientist"
        resumed = await world.post(person, f"{where}:resume", 202, {"reason": "mended"})
        await world.approve(resumed["review_id"], *people)
    assert (await unlock(world, asset, "scientist")).status_code == 200
    assert (await world.redeem(permit)).status_code in {200, 409}


async def test_feedback_is_triaged_and_linked_to_the_change_it_caused(world: World) -> None:
    await world.make_charter()
    body = {"about_kind": "charter", "about": world.charter_id, "message": "too wide"}
    await world.post("auditor", "/v1/feedback", 403, body)
    sent = await world.post("scientist", "/v1/feedback", 201, body)
    await world.replace_charter(maximum_rows=10)
    path = f"/v1/feedback/{sent['id']}:triage"
    await world.post("scientist", path, 403, {"state": "accepted", "note": "n"})
    await world.post("steward", path, 404, {"state": "accepted", "note": "n", "charter_id": MISSING})
    linked = {"state": "resolved", "note": "narrowed", "charter_id": world.charter_id, "version": 2}
    assert (await world.post("steward", path, 200, linked))["link"] == {"charter_id": world.charter_id, "version": 2}
    (shown,) = await world.get(f"/v1/feedback?about={world.charter_id}&state=resolved")
    assert shown["note"] == "narrowed"


# --- 9. the gate for others ---------------------------------------------------------------


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

    stated = {"plan": request["plan"], "offer": request["offer"]}
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
