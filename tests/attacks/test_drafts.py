"""An unvoted draft governs nothing: not who votes, not who is barred, not who is told, not what is in force."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attacks.cast import amended, joined, proposed, seated, stages, voted
from policy.conftest import World
from policy.examples import charter_document
from policy.stories.words import DAY, codes, later
from policy.test_release_api import paid_run, release, unlock

import moneyer_policy
from moneyer_policy.effects.use_cases.calendar import fire_due

STRICT = stages(privacy=1, security=1, legal=1)
LAX = stages(product=1)
VERBS = {"retirement": "retire", "resumption": "resume"}


async def test_a_drafts_quorum_grants_no_exception(policy: World) -> None:
    await policy.set_up(reviews={"exception": STRICT})
    await seated(policy)
    await proposed(policy, reviews={"exception": LAX})
    body = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=2)}
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    for person in ("product-lead", "privacy-officer", "security-officer"):
        assert (await voted(policy, asked["review_id"], person)).json()["state"] == "open", person
    assert codes(await policy.decide(rows=60_000)) == ["rows.allowed"]
    assert (await voted(policy, asked["review_id"], "counsel")).json()["state"] == "approved"


async def test_a_drafts_quorum_retires_nothing(policy: World) -> None:
    await policy.set_up(reviews={"retirement": STRICT})
    await seated(policy)
    await proposed(policy, reviews={"retirement": LAX}, quorum={"product": 1})
    path = f"/v1/charters/{policy.charter_id}"
    asked = await policy.post("scientist", f"{path}:retire", 202, {"reason": "mine now"})
    await voted(policy, asked["review_id"], "product-lead")
    await voted(policy, asked["review_id"], "privacy-officer")
    assert (await policy.get(f"{path}/in-force"))["version"] == 1
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_a_suspended_charters_own_version_says_who_starts_it_again(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    path = f"/v1/charters/{policy.charter_id}"
    await policy.post("privacy-officer", f"{path}:suspend", 200, {"reason": "look"})
    await proposed(policy, quorum={"product": 1})
    asked = await policy.post("scientist", f"{path}:resume", 202, {"reason": "cleared"})
    await voted(policy, asked["review_id"], "product-lead")
    await voted(policy, asked["review_id"], "privacy-officer")
    assert "charter.in-force" in codes(await policy.decide())
    await voted(policy, asked["review_id"], "counsel")
    assert (await policy.decide()).json()["verdict"] == "permit"


@pytest.mark.parametrize("what", ["exception", "retirement", "resumption", "glass", "budget", "transfer"])
async def test_who_owns_the_version_in_force_stays_barred_whatever_a_draft_says(policy: World, what: str) -> None:
    """The owner is a member; a draft that names another owner does not give them a vote on their own matter."""
    await policy.set_up(owner="security-officer", quorum={"privacy": 1, "legal": 1})
    await seated(policy)
    if what == "resumption":
        await policy.post("privacy-officer", f"/v1/charters/{policy.charter_id}:suspend", 200, {"reason": "look"})
    await proposed(policy, owner="somebody-else")
    review = await _asked(policy, what)
    refused = await voted(policy, review, "security-officer")
    assert (refused.status_code, refused.json().get("code")) == (403, "own-matter")


async def _asked(policy: World, what: str) -> str:
    path, reason = f"/v1/charters/{policy.charter_id}", {"reason": "a pilot"}
    budgets = f"/v1/populations/{policy.population_id}"
    match what:
        case "exception":
            body = reason | {"rule": "rows.allowed", "valid_until": later(policy, days=2)}
            opened = await policy.post("scientist", f"{path}/exceptions", 202, body)
        case "retirement" | "resumption":
            opened = await policy.post("scientist", f"{path}:{VERBS[what]}", 202, reason)
        case "budget":
            body = reason | {"charter_id": policy.charter_id, "epsilon": "1", "delta": "0.00001"}
            opened = await policy.post("steward", f"{budgets}/budget-versions", 202, body)
        case "transfer":
            opened = await policy.post("steward", f"{budgets}/transfers", 202, await _transfer(policy))
        case _:
            body = reason | {"requester": "scientist", "incident": "INC-1"}
            broken = await policy.post("privacy-officer", f"{path}:break-glass", 201, body)
            opened = await policy.post("steward", f"/v1/waivers/{broken['id']}:confirm", 200)
    return str(opened["review_id"])


async def _transfer(policy: World) -> dict[str, Any]:
    """Half of what the charter has, to another charter of the population that has something too."""
    first, digest = policy.charter_id, policy.digest
    budgets = f"/v1/populations/{policy.population_id}"
    less = {"charter_id": first, "epsilon": "1", "delta": "0.000001", "reason": "room"}
    asked = await policy.post("steward", f"{budgets}/budget-versions", 202, less)
    await policy.approve(asked["review_id"])
    await policy.make_charter()
    body = {"charter_id": policy.charter_id, "epsilon": "0.5", "delta": "0.000001"}
    await policy.post("steward", f"{budgets}/allocations", 201, body)
    second, policy.charter_id, policy.digest = policy.charter_id, first, digest
    return {"giver": first, "taker": second, "epsilon": "0.5", "reason": "a pilot"}


async def test_a_draft_does_not_let_an_owner_fund_themself(policy: World) -> None:
    await policy.make_population()
    await policy.make_charter(owner="steward")
    await proposed(policy, owner="somebody-else")
    body = {"charter_id": policy.charter_id, "epsilon": "1", "delta": "0.000001"}
    refused = await policy.post("steward", f"/v1/populations/{policy.population_id}/allocations", 403, body)
    assert refused["code"] == "own-matter"


async def test_nothing_is_set_aside_excepted_or_broken_for_a_charter_nobody_voted_on(policy: World) -> None:
    """Allocated to a draft in another's name, edited into one's own afterwards: an owner would have funded themself."""
    await policy.make_population()
    made = await policy.post("scientist", "/v1/charters", 201, charter_document(sources=[policy.source_id]))
    path = f"/v1/charters/{made['id']}"
    budget = {"charter_id": made["id"], "epsilon": "1", "delta": "0.000001"}
    refused = await policy.post("steward", f"/v1/populations/{policy.population_id}/allocations", 409, budget)
    assert refused["code"] == "never-in-force"
    exception = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=2)}
    assert (await policy.post("scientist", f"{path}/exceptions", 409, exception))["code"] == "never-in-force"
    glass = {"requester": "scientist", "reason": "now", "incident": "INC-1"}
    assert (await policy.post("privacy-officer", f"{path}:break-glass", 409, glass))["code"] == "never-in-force"


async def test_a_draft_is_no_way_to_leave_the_version_in_force_unassessed(policy: World) -> None:
    await policy.set_up()
    policy.now += 19 * DAY
    await proposed(policy, title="Another")
    policy.now += 2 * DAY
    assert codes(await policy.decide()) == ["assessment.valid"], "the first has expired"
    renewed = await policy.assess()
    assert renewed.status_code == 201, renewed.text
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_an_owner_does_not_assess_a_draft_that_names_another(policy: World, token: Callable[..., str]) -> None:
    joined(policy, token, chief="assessor")
    await policy.set_up(owner="chief")
    draft = await proposed(policy, owner="somebody-else")
    policy.digest = draft["digest"]
    refused = await policy.assess("chief")
    assert (refused.status_code, refused.json().get("code")) == (403, "own-matter")


async def test_a_draft_with_the_same_words_keeps_nothing_of_a_retired_charter_readable(policy: World) -> None:
    """What was made under a version is told from a draft that has the same digest."""
    await policy.set_up()
    await seated(policy)
    asset = await paid_run(policy)
    await release(policy, asset)
    await proposed(policy)
    dossier = await policy.get(f"/v1/assets/{asset}/dossier", "lineage")
    assert dossier["charter"]["version"] == 1
    assert [vote["voter"] for vote in dossier["charter_review"]["votes"]] == ["privacy-officer", "counsel"]
    provenance = await policy.get(f"/v1/assets/{asset}/provenance", "lineage")
    assert (provenance["charter"]["version"], provenance["charter"]["state"]) == (1, "in_force")
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}:retire", 202, {"reason": "over"})
    await policy.approve(asked["review_id"], "privacy-officer", "counsel")
    assert (await unlock(policy, asset, "scientist")).json()["code"] == "charter-retired"


async def test_a_stranger_proposes_nothing_of_anothers_charter(policy: World, token: Callable[..., str]) -> None:
    joined(policy, token, rival="scientist", heir="scientist")
    await policy.set_up()
    await seated(policy)
    path = f"/v1/charters/{policy.charter_id}"
    read = await policy.call("rival", "GET", path)
    mine = read.json()["document"] | {"owner": "rival"}
    taken = await policy.call("rival", "PUT", path, json=mine, headers={"If-Match": read.headers["etag"]})
    assert (taken.status_code, taken.json().get("code")) == (403, "not-yours")
    await proposed(policy, owner="heir")
    assert (await policy.post("rival", f"{path}:submit", 403))["code"] == "not-yours"
    assert (await policy.post("heir", f"{path}:submit", 403))["code"] == "not-yours", "a draft makes nobody an owner"
    await amended(policy, owner="heir")
    policy.digest = (await proposed(policy, "heir", title="By its new owner"))["digest"]
    await policy.post("heir", f"{path}:submit", 200)


async def test_a_draft_tells_nobody_and_is_told_to_nobody_by_the_gate(policy: World) -> None:
    await policy.make_population()
    document = charter_document(sources=[policy.source_id], prohibited_uses=["research"], maximum_rows=1)
    made = await policy.post("scientist", "/v1/charters", 201, document)
    policy.charter_id = made["id"]
    denied = (await policy.decide()).json()
    assert "charter.in-force" in {clause["code"] for clause in denied["clauses"]}
    assert not {"use-case.prohibited", "rows.allowed"} & {clause["code"] for clause in denied["clauses"]}
    assert denied["charter_digest"] is None


async def test_escalations_go_where_the_version_in_force_sends_them(policy: World) -> None:
    await policy.set_up(escalation=[{"after_hours": 1, "to": "board"}])
    await seated(policy)
    await proposed(policy, escalation=[{"after_hours": 1, "to": "friend"}])
    for what in ("exception", "retirement", "glass"):
        await _asked(policy, what)
    policy.now += DAY / 12
    await fire_due(policy.dependencies)
    told = await policy.get("/v1/notifications?recipient=board")
    assert [entry["kind"] for entry in told] == ["review.escalate"] * 3
    assert await policy.get("/v1/notifications?recipient=friend") == []


NEWEST = {
    "charters/store.py", "charters/use_cases/charters.py", "library/use_cases/assessments.py",
    "gate/use_cases/dry_run.py",
}  # fmt: skip
"""Drafting, submitting, voting on and showing the newest version; assessing its text; trying it dry."""


def test_only_what_is_about_the_newest_version_itself_reads_it() -> None:
    house = Path(moneyer_policy.__file__).parent
    readers = {str(file.relative_to(house)) for file in house.rglob("*.py") if "newest_version(" in file.read_text()}
    assert readers == NEWEST
