"""Nobody picks who judges them by naming them, and whoever is interested in a matter judges none of its kind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from attacks.cast import COMMITTEE, joined, proposed, seated, voted
from policy.conftest import World
from policy.stories.words import later
from policy.test_release_api import paid_run, release

GLASS = {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 8}


async def submitted(policy: World, **changes: Any) -> None:
    draft = await proposed(policy, **changes)
    policy.digest = draft["digest"]
    await policy.post("scientist", f"/v1/charters/{policy.charter_id}:submit", 200)


async def keyed(policy: World, source: str) -> None:
    """One more key of a source, a moment after those it has."""
    policy.now += timedelta(seconds=1)
    body = {"resource": f"source:{source}:{uuid4()}", "population_id": policy.population_id}
    await policy.post("generation", "/v1/keys", 201, body | {"owner": "privacy-officer"})


async def written_by(policy: World, person: str) -> None:
    """As if this person had written and submitted what is in force."""
    await policy.sql("UPDATE charter_versions SET author = $1, authors = ARRAY[$1], submitter = $1", person)


async def excepted(policy: World, **more: Any) -> str:
    body = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": later(policy, days=20)} | more
    return str((await policy.post("scientist", f"/v1/charters/{policy.charter_id}/exceptions", 202, body))["review_id"])


async def says_no_but_not_yes(policy: World, review_id: str) -> None:
    yes = await policy.ballot(review_id)
    assert (yes.status_code, yes.json()["code"]) == (403, "own-matter")
    no = await policy.ballot(review_id, verdict="reject")
    assert no.status_code == 201, no.text


async def neither_yes_nor_no(policy: World, review_id: str, person: str) -> None:
    for verdict in ("approve", "reject"):
        answer = await voted(policy, review_id, person, verdict=verdict)
        assert (answer.status_code, answer.json().get("code")) == (403, "own-matter"), answer.text


@pytest.mark.parametrize("how", ["owner", "source", "key"])
async def test_an_amendment_silences_no_critic_by_naming_them(policy: World, how: str) -> None:
    """As its owner, as whose source it lists, or as whose key of a source generation's token made."""
    await policy.set_up()
    await seated(policy)
    source = str(uuid4()) if how == "source" else policy.source_id
    if how != "owner":
        await keyed(policy, source)
    changes = {"owner": "privacy-officer"} if how == "owner" else {"sources": sorted({policy.source_id, source})}
    await submitted(policy, maximum_rows=10**6, **changes)
    yes = await policy.vote("privacy-officer", "privacy")
    assert (yes.status_code, yes.json()["code"]) == (403, "own-matter")
    no = await policy.vote("privacy-officer", "privacy", verdict="reject")
    assert no.status_code == 201, no.text


async def test_an_exception_silences_no_critic_by_being_asked_for_them(policy: World) -> None:
    await policy.set_up()
    await says_no_but_not_yes(policy, await excepted(policy, requester="privacy-officer"))


async def test_glass_broken_for_a_critic_silences_them_not(policy: World) -> None:
    await policy.set_up()
    path = f"/v1/charters/{policy.charter_id}:break-glass"
    broken = await policy.post("steward", path, 201, GLASS | {"requester": "privacy-officer"})
    opened = await policy.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 200)
    await says_no_but_not_yes(policy, opened["review_id"])


async def test_a_models_review_silences_no_critic_by_naming_them_its_owner(policy: World) -> None:
    await policy.set_up()
    body = {"asset_ids": [str(uuid4())], "use_case": "research", "findings": "f", "owner": "privacy-officer"}
    opened = await policy.post("steward", "/v1/models/plant/compliance-reviews", 202, body)
    await says_no_but_not_yes(policy, opened["review_id"])


async def test_an_assessor_is_not_kept_from_a_no_by_a_draft_that_names_them(policy: World) -> None:
    await policy.set_up()
    policy.digest = (await proposed(policy, owner="assessor"))["digest"]
    assert (await policy.assess()).status_code == 403
    body = {"digest": policy.digest, "acceptable": False, "summary": "no", "valid_until": later(policy, days=2)}
    await policy.post("assessor", f"/v1/charters/{policy.charter_id}/assessments", 201, body)


async def test_who_took_over_a_source_keeps_no_asset_of_it_from_being_withdrawn(policy: World) -> None:
    """A no to a withdrawal keeps the asset: so whoever has an interest in it has no say at all."""
    await policy.set_up()
    await keyed(policy, policy.source_id)
    asset = await paid_run(policy)
    await release(policy, asset)
    opened = await policy.post("steward", f"/v1/assets/{asset}:withdraw", 202, {"reason": "names leak"})
    await neither_yes_nor_no(policy, opened["review_id"], "privacy-officer")


async def _about_the_charter(policy: World, what: str) -> str:
    path, why = f"/v1/charters/{policy.charter_id}", {"reason": "a pilot"}
    match what:
        case "exception":
            return await excepted(policy)
        case "budget":
            body = why | {"charter_id": policy.charter_id, "epsilon": "1", "delta": "0.00001"}
            budgets = f"/v1/populations/{policy.population_id}/budget-versions"
            return str((await policy.post("steward", budgets, 202, body))["review_id"])
        case "resumption":
            await policy.post("steward", f"{path}:suspend", 200, why)
            scope = "policy:charters:write policy:charters:suspend"
            return str((await policy.post("rival-steward", f"{path}:resume", 202, why, scope=scope))["review_id"])
        case "glass":
            broken = await policy.post("steward", f"{path}:break-glass", 201, GLASS)
            opened = await policy.post("counsel", f"/v1/waivers/{broken['id']}:confirm", 200)
            return str(opened["review_id"])
        case _:
            asset = await paid_run(policy)
            await release(policy, asset)
            return str((await policy.post("steward", f"/v1/assets/{asset}:withdraw", 202, why))["review_id"])


@pytest.mark.parametrize("what", ["exception", "budget", "resumption", "glass", "withdrawal"])
async def test_who_wrote_a_charter_or_registered_its_source_judges_nothing_about_it(policy: World, what: str) -> None:
    await policy.set_up(epsilon="5")
    await seated(policy)
    await written_by(policy, "lead-scientist")
    await policy.sql("UPDATE charters SET created_by = 'product-lead'")
    await policy.sql("UPDATE keys SET owner = 'security-officer'")
    review_id = await _about_the_charter(policy, what)
    await neither_yes_nor_no(policy, review_id, "lead-scientist")
    await neither_yes_nor_no(policy, review_id, "product-lead")
    await neither_yes_nor_no(policy, review_id, "security-officer")


async def test_who_has_a_population_does_not_judge_its_budget(policy: World, token: Callable[..., str]) -> None:
    joined(policy, token, colleague="steward")
    await policy.set_up()
    await seated(policy)
    path = f"/v1/owners/population/{policy.population_id}"
    assert (await policy.call("admin", "PUT", path, json={"owner": "security-officer"})).status_code == 200
    body = {"epsilon": "50", "delta": "0.00001", "reason": "more"}
    opened = await policy.post("colleague", f"/v1/populations/{policy.population_id}/budget-versions", 202, body)
    await neither_yes_nor_no(policy, opened["review_id"], "security-officer")


async def test_who_opened_an_incident_does_not_judge_its_end_after_handing_it_over(policy: World) -> None:
    await policy.set_up()
    body = {
        "title": "t", "severity": "low", "description": "d", "charters": [], "assets": [], "personal_data": False,
        "discovered_at": policy.now.isoformat(), "suspend": False,
    }  # fmt: skip
    made = await policy.post("privacy-officer", "/v1/incidents", 201, body)
    await policy.call("admin", "PUT", f"/v1/owners/incident/{made['id']}", json={"owner": "steward"})
    closing = await policy.post("steward", f"/v1/incidents/{made['id']}:close", 202, {"post_mortem": "p"})
    await neither_yes_nor_no(policy, closing["review_id"], "privacy-officer")


@pytest.mark.parametrize("interest", ["owns", "wrote", "registered"])
async def test_nobody_confirms_glass_of_their_own_charter(policy: World, interest: str) -> None:
    await policy.set_up(owner="security-officer" if interest == "owns" else "somebody")
    if interest == "wrote":
        await written_by(policy, "security-officer")
    if interest == "registered":
        await policy.sql("UPDATE keys SET owner = 'security-officer'")
    broken = await policy.post("steward", f"/v1/charters/{policy.charter_id}:break-glass", 201, GLASS)
    refused = await policy.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 403)
    assert refused["code"] == "own-matter"


async def test_everybody_else_still_decides(policy: World) -> None:
    await policy.set_up()
    await seated(policy)
    review_id = await excepted(policy)
    for person in COMMITTEE:
        answer = await voted(policy, review_id, person)
        assert answer.status_code == 201, answer.text
        if answer.json()["state"] == "approved":
            return
    pytest.fail("five members are a quorum")
