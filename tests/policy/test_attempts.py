"""A request sent again with its Idempotency-Key happens once, whatever it asks for."""

from datetime import timedelta
from typing import Any

import pytest
from policy.conftest import World

DAY = timedelta(days=1)


def requests(world: World) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """For each thing that can be made: who asks, where, and what."""
    charter, population = f"/v1/charters/{world.charter_id}", f"/v1/populations/{world.population_id}"
    soon = (world.now + DAY).isoformat()
    question = {"id": "q", "text": "why", "kind": "text"}
    return {
        "charter": ("scientist", f"{charter}:retire", {"reason": "done"}),
        "exception": (
            "scientist", f"{charter}/exceptions", {"rule": "rows.allowed", "reason": "pilot", "valid_until": soon},
        ),
        "glass": (
            "privacy-officer", f"{charter}:break-glass",
            {"requester": "scientist", "reason": "outbreak", "incident": "INC-1", "hours": 4},
        ),
        "budget": ("steward", f"{population}/budget-versions", {"epsilon": "3", "delta": "0.00001", "reason": "more"}),
        "delegation": (
            "privacy-officer", "/v1/committee/delegations",
            {"delegate": "deputy", "function": "privacy", "valid_from": world.now.isoformat(), "valid_until": soon},
        ),
        "questionnaire": (
            "steward", "/v1/questionnaires",
            {"name": "pia", "title": "t", "questions": [question], "maximum_residual_risk": 6},
        ),
        "access policy": (
            "steward", "/v1/access-policies",
            {"name": "p", "resource_type": "report", "expression": "true"},
        ),
        "model": (
            "steward", "/v1/models/m/compliance-reviews",
            {"asset_ids": [world.charter_id], "use_case": "research", "owner": "o", "findings": "f"},
        ),
        "incident": (
            "steward", "/v1/incidents",
            {"title": "t", "severity": "low", "description": "d", "charters": [], "assets": [],
             "personal_data": False, "discovered_at": world.now.isoformat(), "suspend": False},
        ),
    }  # fmt: skip


FIELD_TO_CHANGE = {
    "charter": "reason",
    "exception": "reason",
    "glass": "reason",
    "budget": "reason",
    "delegation": "delegate",
    "questionnaire": "name",
    "access policy": "name",
    "model": "findings",
    "incident": "title",
}


@pytest.mark.parametrize(("thing", "field"), FIELD_TO_CHANGE.items())
async def test_what_is_asked_for_twice_is_made_once(world: World, thing: str, field: str) -> None:
    await world.set_up()
    person, path, body = requests(world)[thing]
    headers = {"Idempotency-Key": "once"}
    first = await world.call(person, "POST", path, json=body, headers=headers)
    assert first.status_code in {201, 202}, first.text
    again = await world.call(person, "POST", path, json=dict(reversed(body.items())), headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = await world.call(person, "POST", path, json=body | {field: body[field] + "-too"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_key_belongs_to_one_path_and_one_caller(world: World) -> None:
    await world.set_up()
    headers = {"Idempotency-Key": "k"}
    body = {"reason": "done"}
    path = f"/v1/charters/{world.charter_id}"
    await world.post("scientist", f"{path}:retire", 202, body, headers=headers)
    elsewhere = await world.post("scientist", f"{path}:resume", 422, body, headers=headers)
    assert elsewhere["code"] == "idempotency-key-reused"


async def test_a_vote_sent_again_is_answered_as_the_first_time(world: World) -> None:
    await world.set_up()
    opened = await world.post("scientist", f"/v1/charters/{world.charter_id}:retire", 202, {"reason": "done"})
    shown = await world.get(f"/v1/reviews/{opened['review_id']}")
    ballot = {"function": "privacy", "verdict": "approve", "digest": shown["digest"], "reason": "good"}
    path, headers = f"/v1/reviews/{opened['review_id']}/votes", {"Idempotency-Key": "v"}
    first = await world.post("privacy-officer", path, 201, ballot, headers=headers)
    assert await world.post("privacy-officer", path, 201, ballot, headers=headers) == first
    assert (await world.post("privacy-officer", path, 409, ballot))["code"] in {"already-voted", "not-open"}
