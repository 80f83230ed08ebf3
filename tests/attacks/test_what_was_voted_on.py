"""What a vote let happen is what was put up for it: no worse finding, no later version, no rule of another day."""

from datetime import timedelta
from typing import Any

import pytest
from policy.conftest import World
from policy.stories.words import codes, later
from policy.test_findings import BREACH, find, released
from policy.test_release_api import estimate


async def excepted(policy: World, **more: Any) -> str:
    """An exception to how many rows there may be, asked for by the scientist; the review that decides on it."""
    asked = {"rule": "rows.allowed", "reason": "more is needed", "valid_until": later(policy, days=20)} | more
    path = f"/v1/charters/{policy.charter_id}/exceptions"
    return str((await policy.post("scientist", path, 202, asked))["review_id"])


async def test_a_worse_finding_is_not_let_stand_by_votes_on_a_lesser_one(policy: World) -> None:
    asset = await released(policy)
    trifle = await find(policy, asset, cause="drift", breaches=[BREACH])
    await policy.ballot(trifle["review_id"], "privacy-officer")
    worse = await find(policy, asset, estimates=[estimate("0.99")])
    review = await policy.get(f"/v1/reviews/{worse['review_id']}")
    assert review["document"]["evidence"] == worse["evidence"], "what is voted on is what was found"
    assert review["votes"] == []


@pytest.mark.parametrize(("shortfall", "is_put_up"), [("0.1", False), ("0.100", False), ("0.11", True), (None, True)])
async def test_a_finding_that_says_no_more_is_no_second_matter(
    policy: World, shortfall: str | None, is_put_up: bool
) -> None:
    asset = await released(policy)
    known = await find(policy, asset, cause="drift", breaches=[BREACH | {"shortfall": "0.1"}])
    again = await find(policy, asset, cause="drift", breaches=[BREACH | {"shortfall": shortfall}])
    assert (again["review_id"] != known["review_id"]) is is_put_up


async def test_an_exception_does_not_outlive_the_version_it_was_granted_of(policy: World) -> None:
    await policy.set_up()
    await policy.approve(await excepted(policy, single_use=False))
    assert (await policy.decide(rows=900_000)).json()["verdict"] == "permit"
    policy.now += timedelta(seconds=1)
    await policy.replace_charter(maximum_rows=150)
    assert codes(await policy.decide(rows=900_000)) == ["rows.allowed"], "the new version says 150"


async def test_an_exception_asked_of_one_version_is_not_granted_of_the_next(policy: World) -> None:
    await policy.set_up()
    review = await excepted(policy)
    policy.now += timedelta(seconds=1)
    await policy.replace_charter(maximum_rows=150)
    assert (await policy.approve(review))["outcome"]["granted"] is False
    assert codes(await policy.decide(rows=900_000)) == ["rows.allowed"]


async def test_an_exception_for_one_use_serves_the_plan_that_is_voted_on(policy: World) -> None:
    await policy.set_up(reviews={"plan": {"stages": [{"name": "c", "counts": {"privacy": 1}}]}})
    await policy.approve(await excepted(policy))
    decision = (await policy.decide(rows=60_000)).json()
    assert decision["verdict"] == "review"
    assert (await policy.approve(decision["review_id"]))["outcome"]["verdict"] == "permit"
    used = (await policy.decide(rows=60_000)).json()
    assert used["verdict"] == "deny", "and no other plan after it"
