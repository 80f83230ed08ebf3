"""A request that is sent again with its key is answered as the first time, whatever has become of things meanwhile."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from attacks.conftest import Factory
from evaluation.conftest import World as Evaluation
from evaluation.test_after_release import REGISTER, audit, hold
from evaluation.test_measures import population
from generation.conftest import World as Works
from generation.intake.conftest import csv, rows
from generation.test_search import request as search
from lineage.conftest import World as Lineage
from lineage.test_cards import Evidence, made, with_evidence
from policy.conftest import MEMBERS, World
from policy.examples import charter_document
from policy.test_attempts import requests
from policy.test_release_api import paid_run, release
from sqlalchemy import text

from moneyer_lineage.public.use_cases import publish
from moneyer_shared.errors import Unavailable

KEY = {"Idempotency-Key": "once"}
MONTH = timedelta(days=40)


def told(answer: httpx.Response) -> tuple[Any, ...]:
    """All of an answer but when and under which id it was sent."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "content-length"}}
    return answer.status_code, answer.json() if answer.content else None, headers


async def test_a_vote_on_a_charter_is_answered_with_the_charter_as_it_was(policy: World) -> None:
    """The vote came through, its answer did not; meanwhile another vote decided, and the next version was begun."""
    document = charter_document(sources=[policy.source_id])
    drafted = (await policy.call("scientist", "POST", "/v1/charters", json=document)).json()
    policy.charter_id, policy.digest = drafted["id"], drafted["digest"]
    path = f"/v1/charters/{policy.charter_id}"
    await policy.post("scientist", f"{path}:submit", 200)
    for person, function in MEMBERS.items():
        body = {"subject": person, "function": function}
        await policy.post("admin", "/v1/committee/members", 204, body)
    ballot = {"function": "privacy", "verdict": "approve", "digest": policy.digest, "reason": "good"}

    async def vote() -> httpx.Response:
        return await policy.call("privacy-officer", "POST", f"{path}/votes", json=ballot, headers=KEY)

    first = await vote()
    assert (first.status_code, first.json()["state"]) == (201, "submitted")
    assert (await policy.vote("counsel", "legal")).json()["state"] == "in_force"
    assert told(await vote()) == told(first)
    newest = await policy.call("auditor", "GET", path)
    headers = {"If-Match": newest.headers["etag"]}
    changed = newest.json()["document"] | {"title": "Another"}
    assert (await policy.call("scientist", "PUT", path, json=changed, headers=headers)).status_code == 200
    assert told(await vote()) == told(first), "and not that there is nothing to vote on"


def dated(world: World, asset: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """What is valid until a date: who asks, where, and what."""
    until = (world.now + timedelta(days=1)).isoformat()
    known = requests(world)
    return {
        "assessment": (
            "assessor", f"/v1/charters/{world.charter_id}/assessments",
            {"digest": world.digest, "acceptable": True, "summary": "fine", "valid_until": until},
        ),
        "attestation": (
            "steward", "/v1/attestations",
            {"person": "scientist", "topic": "gdpr", "evidence": "e", "valid_until": until},
        ),
        "grant": (
            "steward", f"/v1/assets/{asset}/grants",
            {"subject": "counsel", "use_case": "research", "valid_until": until},
        ),
        "delegation": known["delegation"],
        "exception": known["exception"],
    }  # fmt: skip


@pytest.mark.parametrize("thing", ["assessment", "attestation", "grant", "delegation", "exception"])
async def test_what_was_made_in_time_is_not_too_late_when_asked_again(policy: World, thing: str) -> None:
    await policy.set_up()
    asset = await paid_run(policy)
    assert (await release(policy, asset)).json()["verdict"] == "released"
    person, path, body = dated(policy, asset)[thing]
    first = await policy.call(person, "POST", path, json=body, headers=KEY)
    assert first.status_code in {201, 202}, first.text
    policy.now += MONTH
    assert told(await policy.call(person, "POST", path, json=body, headers=KEY)) == told(first)


async def test_an_incident_is_opened_once_by_clocks_that_differ(policy: World) -> None:
    """The second process that is asked is a minute behind the first."""
    person, path, body = requests(policy)["incident"]
    first = await policy.call(person, "POST", path, json=body, headers=KEY)
    policy.now -= timedelta(minutes=1)
    assert told(await policy.call(person, "POST", path, json=body, headers=KEY)) == told(first)


async def test_a_source_is_registered_once_though_policy_is_away(works: Works) -> None:
    body = {
        "name": "s", "description": "d", "population_id": str(uuid4()),
        "columns": [{"name": "c", "domain": {"kind": "categorical", "categories": ["a"]}}],
    }  # fmt: skip

    async def away(population_id: UUID) -> None:
        raise Unavailable(f"policy does not say of {population_id}")

    first = await works.call("steward", "POST", "/v1/sources", json=body, headers=KEY)
    assert first.status_code == 201, first.text
    works.policy.population_unit = away
    assert told(await works.call("steward", "POST", "/v1/sources", json=body, headers=KEY)) == told(first)


async def test_an_upload_is_answered_again_to_a_former_owner(generation: Factory) -> None:
    path = f"/v1/sources/{generation.source_id}/versions"
    sent = {"content": csv(rows()), "headers": {"Content-Type": "text/csv"} | KEY}
    first = await generation.call("steward", "POST", path, **sent)
    assert first.status_code == 201, first.text
    owner = f"/v1/owners/source/{generation.source_id}"
    given = await generation.call("admin", "PUT", owner, json={"owner": "rival"})
    assert given.status_code == 200, given.text
    assert told(await generation.call("steward", "POST", path, **sent)) == told(first)
    other = {"content": csv(rows(70)), "headers": {"Content-Type": "text/csv"} | KEY}
    refused = await generation.call("steward", "POST", path, **other)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_run_is_answered_as_it_began(works: Works) -> None:
    """It has ended meanwhile, and policy is away, so nobody could say what has become of its asset."""
    plan = (await works.row(await works.run())).plan.model_dump(mode="json")

    async def ask() -> httpx.Response:
        return await works.call("scientist", "POST", "/v1/generations", json=plan, headers=KEY)

    first = await ask()
    assert (first.status_code, first.json()["state"]) == (202, "queued"), first.text
    async with works.dependencies.database.transaction() as connection:
        await connection.execute(text("UPDATE runs SET state = 'released', progress = 1"))
    works.policy.states_error = Unavailable("away")
    assert told(await ask()) == told(first)
    other = await works.call("scientist", "POST", "/v1/generations", json=plan | {"rows": 11}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_denied_plan_is_denied_again_in_the_same_words(works: Works) -> None:
    plan = (await works.row(await works.run())).plan.model_dump(mode="json")
    works.policy.verdict = "deny"
    first = await works.call("scientist", "POST", "/v1/generations", json=plan, headers=KEY)
    works.policy.verdict = "permit"
    again = await works.call("scientist", "POST", "/v1/generations", json=plan, headers=KEY)
    assert first.status_code == again.status_code == 403
    assert first.json() | {"instance": ""} == again.json() | {"instance": ""}


async def test_a_search_is_begun_once_though_its_candidates_cannot_be_planned_now(works: Works) -> None:
    """Its source has grown so far meanwhile that δ is too large."""
    source_id = (await works.row(await works.run())).plan.source_id
    body = search(source_id=source_id).model_dump(mode="json")
    first = await works.call("scientist", "POST", "/v1/searches", json=body, headers=KEY)
    assert first.status_code == 202, first.text
    async with works.dependencies.database.transaction() as connection:
        await connection.execute(text("UPDATE source_versions SET train_rows = 1000000000"))
    late = await works.call("scientist", "POST", "/v1/searches", json=body, headers={"Idempotency-Key": "late"})
    assert (late.status_code, late.json()["code"]) == (422, "delta-too-large")
    assert told(await works.call("scientist", "POST", "/v1/searches", json=body, headers=KEY)) == told(first)


async def test_an_audit_is_judged_once_though_policy_is_away(evaluation: Evaluation) -> None:
    body = audit(([9.0 + i / 100 for i in range(100)], [i / 100 for i in range(100)]))
    first = await evaluation.send("POST", "/v1/guarantee-audits", 201, body, key="once")
    assert first["verdict"] == "condemned"
    evaluation.peers.refuses = Unavailable("away")
    assert await evaluation.send("POST", "/v1/guarantee-audits", 201, body, key="once") == first
    assert len(evaluation.peers.condemned) == 1


async def test_a_reassay_is_queued_once_though_generation_is_away(evaluation: Evaluation) -> None:
    hold(evaluation, population(100, 1).drop_columns(["income"]), REGISTER)
    asset = await evaluation.assayed(population(300, 1), population(300, 2), population(300, 3))
    body = {"suite": "external-linkage-1", "assets": [str(asset)], "register_id": str(uuid4())}
    first = await evaluation.send("POST", "/v1/reassays", 202, body, key="once")
    evaluation.peers.refuses = Unavailable("away")
    assert await evaluation.send("POST", "/v1/reassays", 202, body, key="once") == first


async def test_a_webhook_is_made_once_though_its_name_leads_nowhere_now(lineage: Lineage) -> None:
    body = {"url": "https://hooks.example/mine"}
    first = await lineage.call("scientist", "POST", "/v1/webhooks", json=body, headers=KEY)
    assert first.status_code == 201, first.text
    lineage.outside.names["hooks.example"] = ["127.0.0.1"]
    assert told(await lineage.call("scientist", "POST", "/v1/webhooks", json=body, headers=KEY)) == told(first)


async def test_a_strangers_word_is_heard_once_though_others_speak_too_much(lineage: Lineage) -> None:
    evidence = with_evidence(lineage, Evidence(disclosure="summary"))
    asset = await made(lineage)
    await publish(lineage.app.state.dependencies)
    path, body = f"/public/v1/cards/{asset}/feedback", {"message": "Ages look odd"}
    first = await lineage.call.bare("POST", path, json=body, headers=KEY)
    assert first.status_code == 202, first.text
    for number in range(20):
        await lineage.call.bare("POST", path, json={"message": str(number)})
    heard = len(evidence.heard)
    assert told(await lineage.call.bare("POST", path, json=body, headers=KEY)) == told(first)
    assert len(evidence.heard) == heard
