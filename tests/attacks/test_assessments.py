"""An acceptance can be taken back: each assessor's latest word counts, and one "no" denies."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from attacks.cast import amended, joined, seated
from policy.conftest import World, labelled, sibling
from policy.stories.words import DAY, codes, later
from policy.test_release_api import paid_run

__all__ = ["sibling"]
REFUSED = ["assessment.valid", "assessment.refused"]
"""Who alone said yes said no: there is no yes, and there is a no."""


@pytest.fixture
def world(policy: World) -> World:
    """What the other process of the same service goes by."""
    return policy


async def said(policy: World, acceptable: bool, person: str = "assessor", **span: int) -> Any:
    body = {
        "digest": policy.digest, "acceptable": acceptable, "summary": "looked again",
        "valid_until": later(policy, **(span or {"days": 20})),
    }  # fmt: skip
    return await policy.post(person, f"/v1/charters/{policy.charter_id}/assessments", 201, body)


async def test_an_assessor_takes_their_yes_back_and_the_gate_hears_it_at_once(policy: World) -> None:
    await policy.set_up()
    assert (await policy.decide()).json()["verdict"] == "permit", "and the rules lie compiled in memory"
    await said(policy, acceptable=False)
    assert codes(await policy.decide()) == REFUSED
    await said(policy, acceptable=True)
    assert (await policy.decide()).json()["verdict"] == "permit"


async def test_another_process_hears_it_too(policy: World, sibling: World) -> None:
    await policy.set_up()
    for name in ("charter_id", "digest", "population_id", "key_id", "source_id"):
        setattr(sibling, name, getattr(policy, name))
    assert (await sibling.decide()).json()["verdict"] == "permit"
    await said(policy, acceptable=False)
    assert codes(await sibling.decide()) == REFUSED


async def test_one_no_denies_whoever_else_says_yes(policy: World, token: Callable[..., str]) -> None:
    joined(policy, token, second="assessor")
    await policy.set_up()
    await said(policy, acceptable=False, person="second")
    await said(policy, acceptable=True)
    assert codes(await policy.decide()) == ["assessment.refused"], "no other assessor answers for them"


async def test_a_no_does_not_wear_off(policy: World) -> None:
    """A "no" for an hour, waited out, would be none."""
    await policy.set_up()
    await said(policy, acceptable=False, hours=1)
    policy.now += DAY
    assert "assessment.refused" in codes(await policy.decide())


async def test_an_expired_yes_is_no_yes_and_hides_no_word_before_it(policy: World) -> None:
    await policy.set_up()
    await said(policy, acceptable=True, hours=1)
    policy.now += timedelta(hours=2)
    assert codes(await policy.decide()) == ["assessment.valid"], "the latest word counts, and it has expired"


async def test_a_no_is_of_one_text_and_follows_it_into_later_versions(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    first = policy.digest
    await said(policy, acceptable=False)
    await amended(policy, "privacy-officer", "counsel", title="Mended")
    assert (await policy.decide()).json()["verdict"] == "permit", "the new text was found acceptable"
    draft = (await policy.get(f"/v1/charters/{policy.charter_id}/versions/1"))["document"]
    policy.assess = _nothing  # type: ignore[method-assign]
    await amended(policy, "privacy-officer", "counsel", **draft)
    assert policy.digest == first
    assert "assessment.refused" in codes(await policy.decide()), "the same text is what was refused"


async def _nothing(person: str = "") -> None:
    return None


async def test_no_glass_and_no_exception_answers_an_assessors_no(policy: World) -> None:
    await policy.set_up()
    await said(policy, acceptable=False)
    body = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 4}
    broken = await policy.post("privacy-officer", f"/v1/charters/{policy.charter_id}:break-glass", 201, body)
    await policy.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 200)
    assert codes(await policy.decide()) == ["assessment.refused"]


async def test_a_no_said_while_a_plan_waits_for_votes_counts_when_they_are_in(policy: World) -> None:
    await policy.set_up(reviews={"plan": {"stages": [{"name": "s", "counts": {"privacy": 1}}]}})
    waiting = (await policy.decide()).json()
    await said(policy, acceptable=False)
    await policy.approve(waiting["review_id"])
    ended = await policy.get(f"/v1/runs/{waiting['run_id']}/decision")
    assert (ended["verdict"], [clause["code"] for clause in ended["clauses"]]) == ("deny", REFUSED)


async def test_explanations_and_advice_say_what_the_gate_would(policy: World) -> None:
    await policy.set_up()
    denied = (await policy.decide(rows=60_000)).json()
    await said(policy, acceptable=False)
    told = await policy.post("auditor", f"/v1/decisions/{denied['id']}:explain", 200)
    assert [clause["code"] for clause in told["still_failing"]] == REFUSED
    request = labelled(policy.request())
    question = {
        "subject": {"type": "user", "id": "scientist"}, "action": {"name": "generate"},
        "resource": {"type": "source", "id": policy.source_id},
        "context": {"plan": request["plan"], "offer": request["offer"]},
    }  # fmt: skip
    answer = await policy.post("platform", "/access/v1/evaluation", 200, question)
    assert [reason["code"] for reason in answer["context"]["reasons"]] == REFUSED


async def test_provenance_and_dossier_tell_which_words_stood(policy: World, token: Callable[..., str]) -> None:
    """A yes that was taken back is no ground; a no that stood is told though its date has passed."""
    joined(policy, token, second="assessor")
    await policy.set_up()
    await said(policy, acceptable=True, person="second", hours=1)
    policy.now += timedelta(seconds=1)
    await said(policy, acceptable=True)
    policy.now += timedelta(hours=2)
    asset = await paid_run(policy)
    policy.now += timedelta(hours=1)
    provenance = await policy.get(f"/v1/assets/{asset}/provenance", "lineage")
    assert [(one["assessor"], one["acceptable"]) for one in provenance["assessments"]] == [("assessor", True)]
    await said(policy, acceptable=False)
    dossier = await policy.get(f"/v1/assets/{asset}/dossier", "lineage")
    assert [(one["assessor"], one["acceptable"], one["standing"]) for one in dossier["assessments"]] == [
        ("assessor", True, "superseded"), ("second", True, "expired"), ("assessor", True, "superseded"),
        ("assessor", False, "refused"),
    ]  # fmt: skip
    assert await policy.get(f"/v1/assets/{asset}/provenance", "lineage") == provenance, (
        "what held then is what held then"
    )
