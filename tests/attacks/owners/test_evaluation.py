"""A scope says what somebody may do in evaluation; it does not say with whose things.

Every attacker here holds the scope that the route asks for, and turns it on what belongs to somebody else.
"""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
from attacks.owners.refusals import refused
from evaluation.conftest import World as Evaluation
from evaluation.test_measures import population

from moneyer_evaluation.use_cases.looks import take_look

WATCH, SCORE, SHARE = "evaluation:monitors:write", "evaluation:scores:write", "evaluation:shares:write"
TERMS = {"kind": "scores", "minimum": 0, "maximum": 1}


async def monitor(world: Evaluation, **more: Any) -> str:
    """A monitor of a model's scores, made by the steward."""
    asset = await world.assayed(population(60, 1), population(60, 2), population(60, 3))
    body = {"name": "watch", "asset_id": str(asset), "terms": TERMS} | more
    answer = await world.call("steward", "POST", "/v1/monitors", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def scores(world: Evaluation, person: str, made: str, values: list[float]) -> httpx.Response:
    return await world.call(person, "POST", f"/v1/monitors/{made}/scores", json={"scores": values}, scope=SCORE)


async def test_monitors_of_others(evaluation: Evaluation) -> None:
    """A stranger posts two batches that lie apart: a finding, a review, and the asset stops if nobody votes."""
    made = await monitor(evaluation, scorers=["platform"])
    for values in ([0.1] * 500, [0.9] * 500):
        refused(await scores(evaluation, "scientist", made, values))
    await take_look(evaluation.flow, UUID(made))
    assert evaluation.peers.found == []
    for action in ("pause", "resume"):
        refused(await evaluation.call("rival", "POST", f"/v1/monitors/{made}:{action}", scope=WATCH))
    body = {"scorers": ["rival"]}
    refused(await evaluation.call("rival", "PUT", f"/v1/monitors/{made}/scorers", json=body, scope=WATCH))
    refused(await scores(evaluation, "rival", made, [0.5]))


async def test_scorers_are_named_by_the_owner(evaluation: Evaluation) -> None:
    made = await monitor(evaluation)
    refused(await scores(evaluation, "platform", made, [0.5]))
    named = await evaluation.call("steward", "PUT", f"/v1/monitors/{made}/scorers", json={"scorers": ["platform"]})
    assert named.json()["scorers"] == ["platform"]
    assert (await scores(evaluation, "platform", made, [0.5])).status_code == 202
    assert (await scores(evaluation, "steward", made, [0.5])).status_code == 202, "the owner too"
    await evaluation.call("steward", "PUT", f"/v1/monitors/{made}/scorers", json={"scorers": []})
    refused(await scores(evaluation, "platform", made, [0.5]))


async def test_a_leavers_monitor_is_handed_over(evaluation: Evaluation) -> None:
    made = await monitor(evaluation)
    path, body = f"/v1/owners/monitor/{made}", {"owner": "rival"}
    refused(await evaluation.call("steward", "PUT", path, json=body), "missing-scope")
    assert (await evaluation.call("admin", "PUT", path, json=body)).json()["owner"] == "rival"
    assert (await evaluation.call("rival", "POST", f"/v1/monitors/{made}:pause", scope=WATCH)).status_code == 200
    refused(await evaluation.call("steward", "POST", f"/v1/monitors/{made}:resume"))
    missing = await evaluation.call("admin", "PUT", f"/v1/owners/monitor/{uuid4()}", json=body)
    assert missing.status_code == 404


async def test_shares_of_others(evaluation: Evaluation) -> None:
    """Another steward's "published shares" would trip every monitor of them."""
    path = f"/v1/populations/{uuid4()}/shares"
    body = {"source": "census", "as_of": "2026-01-01", "shares": {"sex": {"f": "0.5", "m": "0.5"}}}
    assert (await evaluation.call("steward", "POST", path, json=body)).status_code == 201
    refused(await evaluation.call("rival", "POST", path, json=body, scope=SHARE))
    assert (await evaluation.call("steward", "POST", path, json=body)).json()["version"] == 2
    subject = path.split("/")[3]
    await evaluation.call("admin", "PUT", f"/v1/owners/shares/{subject}", json={"owner": "rival"})
    assert (await evaluation.call("rival", "POST", path, json=body, scope=SHARE)).json()["version"] == 3
    refused(await evaluation.call("steward", "POST", path, json=body))


async def test_two_who_declare_the_first_shares_at_once_do_not_both_own_them(evaluation: Evaluation) -> None:
    path = f"/v1/populations/{uuid4()}/shares"
    body = {"source": "census", "as_of": "2026-01-01", "shares": {"sex": {"f": "0.5", "m": "0.5"}}}
    answers = await asyncio.gather(
        *(evaluation.call(person, "POST", path, json=body, scope=SHARE) for person in ("a", "b", "c"))
    )
    assert sorted(one.status_code for one in answers) == [201, 403, 403]
