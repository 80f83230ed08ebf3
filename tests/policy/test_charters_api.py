"""Charters, votes and assessments over HTTP on a real Postgres."""

from uuid import uuid4

import pytest
from policy.conftest import World
from policy.examples import charter_document

MISSING = str(uuid4())


# --- charters and the committee ----------------------------------------------------------------


async def test_a_charter_comes_into_force_by_quorum(world: World) -> None:
    await world.make_charter()
    shown = (await world.call("auditor", "GET", f"/v1/charters/{world.charter_id}")).json()
    assert shown["state"] == "in_force"
    assert shown["digest"] == world.digest
    votes = (await world.call("auditor", "GET", f"/v1/charters/{world.charter_id}/votes")).json()
    assert {vote["voter"] for vote in votes} == {"privacy-officer", "counsel"}


async def test_a_charter_owner_cannot_approve_themself(world: World) -> None:
    document = charter_document(owner="counsel")
    made = (await world.call("scientist", "POST", "/v1/charters", json=document)).json()
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.call("scientist", "POST", f"/v1/charters/{made['id']}:submit")
    for person in ("counsel", "privacy-officer"):
        await world.call("admin", "POST", "/v1/committee/members", json={"subject": person, "function": "legal"})
    refused = await world.vote("counsel", "legal")
    assert refused.status_code == 403
    assert refused.json()["code"] == "own-matter"
    assert (await world.vote("privacy-officer", "legal")).status_code == 201


async def test_one_person_counts_once_whatever_they_hold(world: World) -> None:
    made = (await world.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.call("scientist", "POST", f"/v1/charters/{made['id']}:submit")
    for function in ("privacy", "legal"):
        await world.call("admin", "POST", "/v1/committee/members", json={"subject": "counsel", "function": function})
    assert (await world.vote("counsel", "privacy")).json()["state"] == "submitted"
    assert (await world.vote("counsel", "legal")).json()["code"] == "already-voted"


async def test_a_vote_is_bound_to_the_digest(world: World) -> None:
    made = (await world.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.call("scientist", "POST", f"/v1/charters/{made['id']}:submit")
    await world.call("admin", "POST", "/v1/committee/members", json={"subject": "counsel", "function": "legal"})
    refused = await world.vote("counsel", "legal", digest="sha256:" + "0" * 64)
    assert (refused.status_code, refused.json()["code"]) == (409, "digest-changed")


async def test_editing_needs_the_state_that_was_read(world: World) -> None:
    made = await world.call("scientist", "POST", "/v1/charters", json=charter_document())
    path, etag = f"/v1/charters/{made.json()['id']}", made.headers["etag"]
    changed = charter_document(title="Another")
    assert (await world.call("scientist", "PUT", path, json=changed)).status_code == 428
    edited = await world.call("scientist", "PUT", path, json=changed, headers={"If-Match": etag})
    assert edited.status_code == 200
    assert edited.json()["version"] == 1
    stale = await world.call("scientist", "PUT", path, json=changed, headers={"If-Match": etag})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("asked", "status"),
    [("*", 200), ('"other", {etag}', 200), ('{etag} ,"other"', 200), ("W/{etag}", 412), ('"*"', 412), ('"a","b"', 412)],
)
async def test_a_precondition_is_read_as_the_standard_says(world: World, asked: str, status: int) -> None:
    made = await world.call("scientist", "POST", "/v1/charters", json=charter_document())
    headers = {"If-Match": asked.format(etag=made.headers["etag"])}
    path = f"/v1/charters/{made.json()['id']}"
    edited = await world.call("scientist", "PUT", path, json=charter_document(title="Another"), headers=headers)
    assert edited.status_code == status


async def test_a_version_in_force_is_never_edited_but_followed(world: World) -> None:
    await world.make_charter()
    path = f"/v1/charters/{world.charter_id}"
    etag = (await world.call("auditor", "GET", path)).headers["etag"]
    edited = await world.call("scientist", "PUT", path, json=charter_document(), headers={"If-Match": etag})
    assert (edited.json()["version"], edited.json()["state"]) == (2, "draft")
    first = (await world.call("auditor", "GET", f"{path}/versions/1")).json()
    assert (first["state"], first["digest"]) == ("in_force", world.digest)


async def test_a_rejection_sends_a_version_back(world: World) -> None:
    made = (await world.call("scientist", "POST", "/v1/charters", json=charter_document())).json()
    world.charter_id, world.digest = made["id"], made["digest"]
    await world.call("scientist", "POST", f"/v1/charters/{made['id']}:submit")
    await world.call("admin", "POST", "/v1/committee/members", json={"subject": "counsel", "function": "legal"})
    assert (await world.vote("counsel", "legal", verdict="reject")).json()["state"] == "rejected"
    assert (await world.vote("counsel", "legal")).status_code == 409


async def test_nobody_appoints_themself(world: World) -> None:
    member = {"subject": "admin", "function": "privacy"}
    assert (await world.call("admin", "POST", "/v1/committee/members", json=member)).json()["code"] == "own-matter"


async def test_an_owner_cannot_assess_or_fund_their_own_charter(world: World) -> None:
    await world.make_population()
    document = charter_document(owner="assessor", sources=[world.source_id])
    made = (await world.call("scientist", "POST", "/v1/charters", json=document)).json()
    world.charter_id, world.digest = made["id"], made["digest"]
    assert (await world.assess()).json()["code"] == "own-matter"
    await world.make_charter(owner="steward")
    body = {"charter_id": world.charter_id, "epsilon": "1", "delta": "0.000001"}
    refused = await world.call("steward", "POST", f"/v1/populations/{world.population_id}/allocations", json=body)
    assert refused.json()["code"] == "own-matter"
