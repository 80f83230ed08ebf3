"""A proposal does not choose its judges: what is in force and the house say who decides, and a charter only adds."""

from collections.abc import Callable
from typing import Any

import pytest
from attacks.cast import COMMITTEE, amended, joined, proposed, seated, stages, voted
from policy.conftest import World
from policy.examples import charter_document
from policy.stories.words import DAY, codes, configuration, later
from policy.test_release_api import paid_run

ALL_FIVE = dict.fromkeys(COMMITTEE.values(), 1)


async def submitted(policy: World, **changes: Any) -> None:
    policy.digest = (await proposed(policy, **changes))["digest"]
    await policy.post("scientist", f"/v1/charters/{policy.charter_id}:submit", 200)


async def ruled(policy: World, kind: str, rule: dict[str, Any]) -> Any:
    answer = await policy.call("admin", "PUT", f"/v1/committee/quorum-rules/{kind}", json=rule)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_amendment_meets_the_quorum_of_what_it_amends(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    await amended(policy, quorum=ALL_FIVE)
    await submitted(policy, quorum={"product": 1}, prohibited_uses=[])
    for person, function in list(COMMITTEE.items())[:-1]:
        assert (await policy.vote(person, function)).json()["state"] == "submitted", person
    shown = (await policy.vote("lead-scientist", "data_science")).json()
    assert (shown["version"], shown["state"]) == (3, "in_force")


async def test_an_amendment_meets_its_own_quorum_too(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    await submitted(policy, quorum={"security": 2})
    for person in ("privacy-officer", "counsel", "security-officer"):
        assert (await policy.vote(person, COMMITTEE[person])).json()["state"] == "submitted"


@pytest.mark.parametrize("quorum", [{"product": 1}, {"privacy": 1}, {"product": 1, "legal": 1}])
async def test_no_charter_comes_into_force_below_the_houses_floor(policy: World, quorum: dict[str, int]) -> None:
    """Before any administrator set a rule: privacy, and one more function."""
    await seated(policy)
    made = await policy.post("scientist", "/v1/charters", 201, charter_document(quorum=quorum))
    policy.charter_id, policy.digest = made["id"], made["digest"]
    await policy.post("scientist", f"/v1/charters/{made['id']}:submit", 200)
    for function in quorum:
        person = next(name for name, held in COMMITTEE.items() if held == function)
        assert (await policy.vote(person, function)).json()["state"] == "submitted"


async def test_two_people_of_one_function_are_not_one_more_function(policy: World, token: Callable[..., str]) -> None:
    joined(policy, token, deputy="privacy-officer")
    await seated(policy)
    await policy.post("admin", "/v1/committee/members", 204, {"subject": "deputy", "function": "privacy"})
    made = await policy.post("scientist", "/v1/charters", 201, charter_document(quorum={"privacy": 2}))
    policy.charter_id, policy.digest = made["id"], made["digest"]
    await policy.post("scientist", f"/v1/charters/{made['id']}:submit", 200)
    await policy.vote("privacy-officer", "privacy")
    assert (await policy.vote("deputy", "privacy")).json()["state"] == "submitted"
    assert (await policy.vote("product-lead", "product")).json()["state"] == "in_force"


async def test_who_owns_what_is_in_force_does_not_vote_it_away(policy: World) -> None:
    await policy.set_up(owner="security-officer")
    await seated(policy)
    await submitted(policy, owner="somebody-else")
    assert (await policy.vote("security-officer", "security")).json()["code"] == "own-matter"


async def test_whoever_wrote_on_a_draft_does_not_vote_on_it(policy: World, token: Callable[..., str]) -> None:
    """Written by one, saved once more by another: the last hand was taken for the only one."""
    joined(policy, token, **{"lead-scientist": "lead-scientist scientist"})
    await seated(policy)
    made = await policy.post("lead-scientist", "/v1/charters", 201, charter_document(sources=[policy.source_id]))
    policy.charter_id, policy.digest = made["id"], made["digest"]
    await policy.post("lead-scientist", f"/v1/charters/{made['id']}:submit", 200)
    for person in ("privacy-officer", "counsel"):
        await policy.vote(person, COMMITTEE[person])
    await proposed(policy, "lead-scientist", title="Mine", quorum={"data_science": 1})
    await submitted(policy, title="Mine, saved by another")
    assert (await policy.vote("lead-scientist", "data_science")).json()["code"] == "own-matter"


async def test_rules_that_rise_reach_the_reviews_that_are_open(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    waiting = await policy.post("steward", "/v1/configurations", 201, configuration())
    await submitted(policy, title="Another")
    await policy.vote("privacy-officer", "privacy")
    await voted(policy, waiting["review_id"], "privacy-officer")
    for kind in ("charter", "configuration"):
        await ruled(policy, kind, stages(security=1))
    assert (await policy.vote("counsel", "legal")).json()["state"] == "submitted"
    assert (await policy.vote("security-officer", "security")).json()["state"] == "in_force"
    assert (await voted(policy, waiting["review_id"], "counsel")).json()["state"] == "open"
    ended = (await voted(policy, waiting["review_id"], "security-officer")).json()
    assert ended["state"] == "approved"
    assert ended["quorum"]["stages"][0]["counts"] == {"privacy": 1, "security": 1}, "what it was decided by is told"


async def test_a_condition_met_does_not_slip_under_a_rule_that_rose(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    waiting = (await policy.post("steward", "/v1/configurations", 201, configuration()))["review_id"]
    held = (await voted(policy, waiting, "privacy-officer", conditions=["show a run"])).json()
    await voted(policy, waiting, "counsel")
    await ruled(policy, "configuration", stages(security=1))
    path = f"/v1/reviews/{waiting}/conditions/{held['conditions'][0]['id']}:meet"
    assert (await policy.post("privacy-officer", path, 200, {"evidence": "seen"}))["state"] == "open"


async def test_a_version_that_came_into_force_meanwhile_judges_what_was_proposed_before(policy: World) -> None:
    """v2 waits for its first day while v3 is put up under v1; once v2 is in force, its quorum and its owner count."""
    await policy.set_up()
    await seated(policy)
    four = {function: 1 for function in ALL_FIVE if function != "security"}
    others = [person for person in COMMITTEE if person != "security-officer"]
    second = await amended(policy, *others, quorum=four, owner="security-officer", in_force_from=later(policy, days=2))
    assert second["state"] == "approved"
    await submitted(policy, quorum={"security": 1}, owner="scientist")
    await policy.vote("security-officer", "security")
    policy.now += 3 * DAY
    for person in others:
        assert (await policy.vote(person, COMMITTEE[person])).json()["state"] == "submitted", person
    in_force = await policy.get(f"/v1/charters/{policy.charter_id}/in-force")
    assert in_force["version"] == 2, "its owner's own vote, cast before they were that, no longer counts"


async def test_an_exception_in_flight_is_judged_by_the_version_that_came_into_force(policy: World) -> None:
    await policy.set_up(reviews={"exception": stages(privacy=1)})
    await seated(policy)
    body = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=2)}
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    await amended(policy, "privacy-officer", "counsel", reviews={"exception": stages(privacy=1, security=1, legal=1)})
    await voted(policy, asked["review_id"], "privacy-officer")
    assert (await voted(policy, asked["review_id"], "counsel")).json()["state"] == "open"
    assert codes(await policy.decide(rows=60_000)) == ["rows.allowed"]


async def test_an_asset_of_an_older_version_is_retired_by_both_quorums(policy: World) -> None:
    await policy.set_up(reviews={"retirement": stages(legal=1)})
    await seated(policy)
    asset = await paid_run(policy)
    await amended(
        policy, "privacy-officer", "counsel", owner="product-lead", reviews={"retirement": stages(security=1)}
    )
    asked = await policy.post("steward", f"/v1/assets/{asset}:retire", 202, {"reason": "over"})
    assert (await voted(policy, asked["review_id"], "product-lead")).json()["code"] == "own-matter"
    for person, state in (("privacy-officer", "open"), ("counsel", "open"), ("security-officer", "approved")):
        assert (await voted(policy, asked["review_id"], person)).json()["state"] == state, person


async def test_a_charters_own_rules_for_its_reviews_only_add(policy: World) -> None:
    """Votes of one function, denials that never suffice: a charter cannot have its plans let through so."""
    lax = {"stages": [{"name": "s", "counts": {"product": 1}, "deny_threshold": 50}]}
    await policy.set_up(reviews={"plan": lax, "grant": lax})
    await seated(policy)
    waiting = (await policy.decide()).json()
    assert (await voted(policy, waiting["review_id"], "product-lead")).json()["state"] == "open"
    await voted(policy, waiting["review_id"], "counsel", verdict="reject")
    assert (await voted(policy, waiting["review_id"], "security-officer", verdict="reject")).json()[
        "state"
    ] == "rejected"


async def test_a_rule_of_the_house_is_a_floor_and_no_replacement(policy: World) -> None:
    await seated(policy)
    shown = await ruled(policy, "exception", stages(product=1))
    assert shown["stages"][0]["counts"] == {"privacy": 1, "product": 1}, "what it comes to is what is told"
    listed = {one["kind"]: one for one in await policy.get("/v1/committee/quorum-rules")}
    assert all(one["stages"][0]["counts"].get("privacy") for one in listed.values())
    assert (listed["charter"]["version"], listed["charter"]["stages"][0]["minimum_functions"]) == (0, 2)
    await policy.set_up()
    body = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=2)}
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    assert (await voted(policy, asked["review_id"], "product-lead")).json()["state"] == "open"


async def test_a_rule_of_the_house_for_one_kind_holds_beside_a_charters_own(policy: World) -> None:
    await ruled(policy, "exception", stages(security=1))
    await policy.set_up(reviews={"exception": stages(legal=1)})
    await seated(policy)
    body = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=2)}
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    for person, state in (("privacy-officer", "open"), ("counsel", "open"), ("security-officer", "approved")):
        assert (await voted(policy, asked["review_id"], person)).json()["state"] == state, person
