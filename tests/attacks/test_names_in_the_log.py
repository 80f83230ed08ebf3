"""A log that nobody can take anything back from names nobody: every leaf and every event, against the whole cast."""

import json
import re
from typing import Any

import asyncpg
from lineage.conftest import World as Lineage
from policy.conftest import World as Policy
from policy.stories.words import configuration, later
from policy.test_release_api import paid_run, release, unlock

from moneyer_local.identity import PEOPLE

CAST = frozenset(PEOPLE)
NAMED = re.compile("|".join(rf"(?<![a-z-]){re.escape(name)}(?![a-z-])" for name in sorted(CAST)))
REASON = "because counsel asked the steward"


def names_in(document: Any) -> set[str]:
    return set(NAMED.findall(document if isinstance(document, str) else json.dumps(document)))


async def told(url: str) -> tuple[list[Any], list[Any]]:
    """Every leaf a service wrote, and every event it has for lineage."""
    connection = await asyncpg.connect(url)
    try:
        leaves = await connection.fetch("SELECT leaf FROM audit_events ORDER BY id")
        events = await connection.fetch("SELECT payload FROM outbox WHERE kind = 'openlineage' ORDER BY id")
    finally:
        await connection.close()
    return [json.loads(row["leaf"]) for row in leaves], [json.loads(row["payload"]) for row in events]


async def everything_that_concerns_people(world: Policy) -> None:
    vote = {"stages": [{"name": "s", "counts": {"legal": 1}}]}
    await world.set_up(reviews={"grant": vote, "retirement": vote})
    asked = {"rule": "rows.allowed", "reason": REASON, "valid_until": later(world, days=2), "requester": "scientist"}
    waived = await world.post("scientist", f"/v1/charters/{world.charter_id}/exceptions", 202, asked)
    await world.approve(waived["review_id"])
    body = {"delegate": "product-lead", "function": "privacy", "valid_from": later(world),
            "valid_until": later(world, days=5)}  # fmt: skip
    await world.post("privacy-officer", "/v1/committee/delegations", 201, body)
    attested = {"person": "scientist", "topic": "t", "evidence": REASON, "valid_until": later(world, days=5)}
    await world.post("steward", "/v1/attestations", 201, attested)
    glass = {"requester": "scientist", "reason": REASON, "incident": "INC-1", "hours": 4}
    broken = await world.post("privacy-officer", f"/v1/charters/{world.charter_id}:break-glass", 201, glass)
    await world.post("security-officer", f"/v1/waivers/{broken['id']}:confirm", 200)
    await world.post("steward", "/v1/configurations", 201, configuration())
    asset = await paid_run(world)
    await release(world, asset)
    for reader in ("auditor", "lead-scientist"):
        grant = {"subject": reader, "use_case": "research", "valid_until": later(world, days=1)}
        granted = await world.post("steward", f"/v1/assets/{asset}/grants", 202, grant)
        await world.approve(granted["review_id"])
    assert (await unlock(world, asset, "auditor")).status_code == 200
    await world.post("admin", "/v1/committee/members:remove", 204, {"subject": "counsel", "function": "legal"})


async def test_no_leaf_and_no_event_of_policy_names_anybody(policy: Policy) -> None:
    await everything_that_concerns_people(policy)
    leaves, events = await told(policy.url)
    actions = {leaf["action"] for leaf in leaves}
    assert actions >= {"review.open", "vote.approve", "asset.grant", "asset.read", "committee.delegate", "glass.break"}
    assert [(leaf["action"], names) for leaf in leaves if (names := names_in(leaf))] == []
    assert [names for event in events if (names := names_in(event))] == []
    assert not [leaf for leaf in leaves + events if REASON in json.dumps(leaf)], "and no free text stands there"


async def test_people_are_still_known_to_whoever_holds_the_salt(policy: Policy) -> None:
    await everything_that_concerns_people(policy)
    leaves, _ = await told(policy.url)
    people = [leaf["details"]["people"] for leaf in leaves if "people" in leaf["details"]]
    assert {part for one in people for part in one} >= {"reader", "requester", "member", "delegate", "person"}
    digests = [digest for one in people for digest in one.values()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert len(set(digests)) == len(digests), "one person has another digest in every leaf: nobody is followed about"


async def test_no_leaf_of_a_model_or_webhook_names_its_owner(lineage: Lineage) -> None:
    model = {"owner": "lead-scientist", "description": REASON}
    made = await lineage.call("scientist", "PUT", "/v1/models/fraud", json=model)
    assert made.status_code < 300, made.text
    connection = await asyncpg.connect(lineage.url)
    try:
        leaves = [json.loads(row["leaf"]) for row in await connection.fetch("SELECT leaf FROM audit_events")]
    finally:
        await connection.close()
    assert leaves
    assert [names for leaf in leaves if (names := names_in(leaf))] == []
