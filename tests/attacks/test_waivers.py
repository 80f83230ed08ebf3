"""What is unwaivable is waived by nobody: not by votes, not by two people, not by what was granted before."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from attacks.cast import seated
from policy.conftest import World
from policy.examples import charter_document
from policy.stories.words import codes, later

NEVER = (
    "use-case.prohibited", "source.listed", "source.population", "blend.allowed", "guarantee.sufficient",
    "budget.population", "budget.allocation", "model.may-be-sampled", "model.not-stopped", "delta.within-budget",
    "charter.in-force", "charter.approval", "charter.revalidated", "charter.extra-rules", "configuration.rejected",
    "assessment.refused",
)  # fmt: skip


def exception(policy: World, rule: str, **changes: Any) -> dict[str, Any]:
    return {"rule": rule, "reason": "a pilot", "valid_until": later(policy, days=2)} | changes


async def granted(policy: World, rule: str | None, kind: str = "exception") -> None:
    """A waiver as it stands in a database of before."""
    await policy.sql(
        "INSERT INTO waivers (kind, charter_id, rule, requester, reason, single_use, opened_by, confirmed_by, made_at,"
        " valid_until) VALUES ($1, $2, $3, 'scientist', 'before', false, 'scientist', 'review', $4, $5)",
        kind, UUID(policy.charter_id), rule, policy.now, policy.now + timedelta(days=2),
    )  # fmt: skip


@pytest.mark.parametrize("rule", NEVER)
async def test_no_exception_is_made_to_what_is_unwaivable_and_the_refusal_says_why(policy: World, rule: str) -> None:
    await policy.set_up()
    refused = await policy.post(
        "scientist", f"/v1/charters/{policy.charter_id}/exceptions", 422, exception(policy, rule)
    )
    assert refused["code"] == "rule-not-waivable"
    listed = {one["code"]: one for one in await policy.get("/v1/rules")}
    assert not listed[rule]["waivable"]
    assert listed[rule]["reason"] in refused["detail"]


@pytest.mark.parametrize("rule", ["no.such-rule", "rows.allowed.", "Rows.allowed", "rows"])
async def test_no_exception_is_made_to_a_rule_nobody_declared(policy: World, rule: str) -> None:
    await policy.set_up()
    path = f"/v1/charters/{policy.charter_id}/exceptions"
    assert (await policy.post("scientist", path, 422, exception(policy, rule)))["code"] == "rule-not-waivable"


async def test_broken_glass_opens_no_prohibited_use_no_other_source_and_no_real_rows(policy: World) -> None:
    await policy.set_up(prohibited_uses=["research"])
    body = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 4}
    broken = await policy.post("privacy-officer", f"/v1/charters/{policy.charter_id}:break-glass", 201, body)
    await policy.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 200)
    blend = {"share": "0.5", "source_id": policy.source_id}
    assert codes(await policy.decide(rows=60_000)) == ["use-case.prohibited"]
    real = codes(await policy.decide(audience="partners", blend={"share": "0.5"})) if blend else []
    assert real == ["use-case.prohibited", "blend.allowed"]
    other = "00000000-0000-0000-0000-000000000009"
    assert {"source.listed", "source.population"} <= set(codes(await policy.decide(source_id=other)))


@pytest.mark.parametrize(
    ("rule", "charter", "plan"),
    [
        ("use-case.prohibited", {"prohibited_uses": ["research"]}, {}),
        ("blend.allowed", {}, {"blend": {"share": "0.5"}}),
        ("charter.extra-rules", {"extra_rules": [{"name": "r", "expression": "rows < 5", "remedy": "fewer"}]}, {}),
    ],
)
async def test_what_was_granted_before_sets_nothing_unwaivable_aside(
    policy: World, rule: str, charter: dict[str, Any], plan: dict[str, Any]
) -> None:
    await policy.set_up(**charter)
    await granted(policy, rule)
    await granted(policy, None, "break-glass")
    assert codes(await policy.decide(**plan)) == [rule]


async def test_a_rejection_criterion_is_withdrawn_and_not_waived(policy: World) -> None:
    await policy.set_up()
    criterion = {"name": "no", "expression": "rows > 50", "reason": "too many"}
    await policy.post("steward", "/v1/rejection-criteria", 201, criterion)
    await granted(policy, "configuration.rejected")
    assert codes(await policy.decide()) == ["configuration.rejected"]


async def closed(policy: World, rule: str, status: int = 200, person: str = "admin", **changes: Any) -> Any:
    body = {"waivable": False, "reason": "the house trains everybody"} | changes
    answer = await policy.call(person, "PUT", f"/v1/rules/{rule}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_training_is_waived_only_while_the_house_does_not_say_otherwise(policy: World) -> None:
    await policy.set_up(required_training=["privacy-101"])
    await granted(policy, "training.attested")
    assert (await policy.decide()).json()["verdict"] == "permit"
    await closed(policy, "training.attested", 403, "steward")
    await closed(policy, "training.attested")
    assert codes(await policy.decide()) == ["training.attested"], "at once, though the waiver stood"
    path = f"/v1/charters/{policy.charter_id}/exceptions"
    refused = await policy.post("scientist", path, 422, exception(policy, "training.attested"))
    assert "the house trains everybody" in refused["detail"]
    await closed(policy, "training.attested", waivable=True)
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_an_exception_voted_on_while_its_rule_was_closed_is_not_granted(policy: World) -> None:
    await policy.set_up(required_training=["privacy-101"])
    path = f"/v1/charters/{policy.charter_id}/exceptions"
    asked = await policy.post("scientist", path, 202, exception(policy, "training.attested"))
    await closed(policy, "training.attested")
    ended = await policy.approve(asked["review_id"])
    assert ended["outcome"]["granted"] is False
    assert await policy.get(f"/v1/charters/{policy.charter_id}/waivers") == []


@pytest.mark.parametrize("rule", ["use-case.prohibited", "budget.population"])
async def test_no_administrator_opens_what_is_unwaivable(policy: World, rule: str) -> None:
    assert (await closed(policy, rule, 422, waivable=True))["code"] == "rule-not-waivable"
    assert (await closed(policy, "no.such-rule", 404))["code"] == "not-found"


async def test_a_plan_in_review_meets_the_waivers_of_the_moment_it_is_decided(policy: World) -> None:
    """Let in by glass, put up for votes, and judged again when the house has closed the rule."""
    vote = {"stages": [{"name": "s", "counts": {"privacy": 1}}]}
    await policy.set_up(required_training=["privacy-101"], reviews={"plan": vote})
    await seated(policy)
    await granted(policy, "training.attested")
    waiting = (await policy.decide()).json()
    assert waiting["verdict"] == "review"
    await closed(policy, "training.attested")
    await policy.approve(waiting["review_id"])
    ended = await policy.get(f"/v1/runs/{waiting['run_id']}/decision")
    assert (ended["verdict"], [clause["code"] for clause in ended["clauses"]]) == ("deny", ["training.attested"])


async def test_a_charter_declares_nothing_waivable(policy: World) -> None:
    refused = await policy.call("scientist", "POST", "/v1/charters", json=charter_document(waivable=["blend.allowed"]))
    assert refused.status_code == 422
