"""What has ended does not go on counting: an approval past its days, glass the committee rejected, a second loan."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attacks.cast import joined, seated, voted
from policy.conftest import World
from policy.stories.words import codes, later
from policy.test_findings import BREACH, find, released

GLASS = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 8}
A_DAY = {"stages": [{"name": "house", "counts": {"privacy": 1, "legal": 1}, "valid_days": 1}]}


async def ruled(policy: World, kind: str) -> None:
    answer = await policy.call("admin", "PUT", f"/v1/committee/quorum-rules/{kind}", json=A_DAY)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", ["exception", "finding"])
async def test_an_approval_that_has_grown_old_decides_nothing(policy: World, kind: str) -> None:
    await ruled(policy, kind)
    if kind == "exception":
        await policy.set_up()
        body = {"rule": "rows.allowed", "reason": "r", "valid_until": later(policy, days=20)}
        asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    else:
        asked = await find(policy, await released(policy), cause="drift", breaches=[BREACH])
    await policy.ballot(asked["review_id"], "privacy-officer")
    policy.now += timedelta(days=1)
    ended = await policy.ballot(asked["review_id"], "counsel")
    assert ended.json()["state"] == "open", "an approval counts for a day"


async def test_a_condition_met_late_brings_no_old_approval_back(policy: World) -> None:
    await policy.set_up()
    await ruled(policy, "exception")
    body = {"rule": "rows.allowed", "reason": "r", "valid_until": later(policy, days=20)}
    asked = await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body)
    await policy.ballot(asked["review_id"], "privacy-officer", conditions=["a pilot of ten"])
    held = (await policy.ballot(asked["review_id"], "counsel")).json()
    policy.now += timedelta(days=2)
    path = f"/v1/reviews/{asked['review_id']}/conditions/{held['conditions'][0]['id']}:meet"
    met = await policy.post("privacy-officer", path, 200, {"evidence": "done"})
    assert met["state"] == "open"


async def broken(policy: World) -> str:
    made = await policy.post("privacy-officer", f"/v1/charters/{policy.charter_id}:break-glass", 201, GLASS)
    return str(made["id"])


async def rejected_glass(policy: World) -> None:
    await policy.set_up()
    opened = await policy.post("steward", f"/v1/waivers/{await broken(policy)}:confirm", 200)
    assert (await policy.decide(rows=60_000)).json()["verdict"] == "permit"
    await seated(policy)
    for person in ("security-officer", "counsel"):
        answer = await voted(policy, opened["review_id"], person, verdict="reject")
        if answer.json()["state"] == "rejected":
            return
    pytest.fail(answer.text)


async def test_glass_the_committee_rejects_is_closed_at_once(policy: World) -> None:
    await rejected_glass(policy)
    assert codes(await policy.decide(rows=60_000)) == ["rows.allowed"]


async def test_rejected_glass_is_not_broken_again_the_same_day(policy: World) -> None:
    await rejected_glass(policy)
    path = f"/v1/charters/{policy.charter_id}:break-glass"
    assert (await policy.post("privacy-officer", path, 409, GLASS))["code"] == "glass-was-rejected"
    await policy.post("privacy-officer", path, 201, GLASS | {"requester": "rival-scientist"})
    policy.now += timedelta(hours=24)
    await policy.post("privacy-officer", path, 201, GLASS)


async def test_glass_that_waits_is_not_confirmed_once_other_glass_was_rejected(policy: World) -> None:
    await policy.set_up()
    first, second = await broken(policy), await broken(policy)
    opened = await policy.post("steward", f"/v1/waivers/{first}:confirm", 200)
    await seated(policy)
    for person in ("security-officer", "counsel"):
        answer: Any = await voted(policy, opened["review_id"], person, verdict="reject")
        if answer.json()["state"] == "rejected":
            break
    refused = await policy.post("steward", f"/v1/waivers/{second}:confirm", 409)
    assert refused["code"] == "glass-was-rejected"


async def test_no_two_functions_are_lent_to_one_person_for_a_later_time(
    policy: World, token: Callable[..., str]
) -> None:
    joined(policy, token, friend="counsel")
    await policy.set_up()
    lent = {"delegate": "friend", "valid_from": later(policy, hours=1), "valid_until": later(policy, days=2)}
    path = "/v1/committee/delegations"
    await policy.post("privacy-officer", path, 201, lent | {"function": "privacy"})
    refused = await policy.post("counsel", path, 403, lent | {"function": "legal"})
    assert refused["code"] == "delegate-holds-two"
    after = lent | {"valid_from": lent["valid_until"], "valid_until": later(policy, days=4)}
    await policy.post("counsel", path, 201, after | {"function": "legal"})
