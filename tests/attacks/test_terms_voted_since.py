"""Insiders who use what was given them before the committee or an assessor said no."""

import pytest
from policy.conftest import World
from policy.stories.words import later
from policy.test_findings import released
from policy.test_release_api import unlock


async def refused_by_an_assessor(policy: World) -> None:
    body = {"digest": policy.digest, "acceptable": False, "summary": "no", "valid_until": later(policy, days=2)}
    await policy.post("assessor", f"/v1/charters/{policy.charter_id}/assessments", 201, body)


async def test_a_grant_does_not_outlive_a_prohibition_voted_since(policy: World) -> None:
    asset = await released(policy)
    assert (await unlock(policy, asset, "scientist")).status_code == 200
    await policy.replace_charter(prohibited_uses=["research"])
    refused = await unlock(policy, asset, "scientist")
    assert (refused.status_code, refused.json()["code"]) == (403, "use-case-prohibited")


async def test_a_platform_is_told_the_same_of_a_prohibited_use(policy: World) -> None:
    asset = await released(policy)
    await policy.replace_charter(prohibited_uses=["research"])
    question = {
        "subject": {"type": "user", "id": "scientist"},
        "action": {"name": "read"},
        "resource": {"type": "asset", "id": asset},
    }
    for context in ({}, {"use_case": "research"}):
        answer = await policy.post("platform", "/access/v1/evaluation", 200, question | {"context": context})
        assert answer["decision"] is False
        assert [one["code"] for one in answer["context"]["reasons"]] == ["use-case-prohibited"]


@pytest.mark.parametrize("redeemed_before", (False, True))
async def test_a_permit_does_not_outlive_a_prohibition_voted_since(policy: World, *, redeemed_before: bool) -> None:
    await policy.set_up()
    decision = (await policy.decide()).json()
    if redeemed_before:
        await policy.redeem(decision)
    await policy.replace_charter(prohibited_uses=["research"])
    answer = await policy.redeem(decision)
    assert (answer.status_code, answer.json()["code"]) == (409, "stopped")
    assert [one["code"] for one in answer.json()["reasons"]] == ["use-case.not-stopped"]


async def test_a_permit_does_not_outlive_an_assessors_no(policy: World) -> None:
    await policy.set_up()
    decision = (await policy.decide()).json()
    await refused_by_an_assessor(policy)
    answer = await policy.redeem(decision)
    assert (answer.status_code, answer.json()["code"]) == (409, "stopped")
    assert [one["actual"] for one in answer.json()["reasons"]] == [f"charter {policy.charter_id} is refused"]


async def test_a_no_to_the_text_a_permit_was_given_under_holds_though_another_is_in_force(policy: World) -> None:
    await policy.set_up()
    decision = (await policy.decide()).json()
    await refused_by_an_assessor(policy)
    await policy.replace_charter(title="Another text")
    assert (await policy.redeem(decision)).json()["code"] == "stopped"
    assert (await policy.decide()).json()["verdict"] == "permit", "the new text is nobody's no"


async def test_what_is_out_is_not_stopped_by_an_assessors_no(policy: World) -> None:
    asset = await released(policy)
    await refused_by_an_assessor(policy)
    assert (await unlock(policy, asset, "scientist")).status_code == 200
