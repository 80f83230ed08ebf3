"""A scope says what somebody may do in generation; it does not say with whose things.

Every attacker here holds the scope that the route asks for, and turns it on what belongs to somebody else.
"""

from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from attacks.owners.refusals import refused
from generation.deliveries.conftest import World as Deliveries
from generation.deliveries.conftest import world as deliveries
from generation.intake.conftest import World as Factory
from generation.intake.conftest import csv, rows
from generation.test_search import request as search

__all__ = ["deliveries"]
RUN, UPLOAD = "generation:runs:write", "generation:sources:write"
CONNECT = "generation:connections:write"


async def test_sources_of_others(intake: Factory) -> None:
    """Another steward puts a table of his own under a source that charters name."""
    path = f"/v1/sources/{intake.source_id}/versions"
    sent = {"content": csv(rows()), "headers": {"Content-Type": "text/csv"}}
    refused(await intake.call("rival", "POST", path, scope=UPLOAD, **sent))
    assert intake.policy.asked == [], "no key was made for it"
    assert await intake.nothing_was_stored()
    assert (await intake.upload(csv(rows()))).status_code == 201
    body = {"owner": "rival"}
    owner = f"/v1/owners/source/{intake.source_id}"
    refused(await intake.call("steward", "PUT", owner, json=body), "missing-scope")
    assert (await intake.call("admin", "PUT", owner, json=body)).status_code == 200
    assert (await intake.call("rival", "POST", path, scope=UPLOAD, **sent)).status_code == 201
    assert intake.policy.asked[-1].owner == "rival", "who answers for the data has no vote on what uses it"
    refused(await intake.upload(csv(rows())))


async def connection_of(world: Factory, person: str, **changes: Any) -> str:
    body = {"name": uuid4().hex, "target": {"kind": "files"}} | changes
    made = await world.call(person, "POST", "/v1/connections", json=body, scope=CONNECT)
    return str(made.json()["id"])


async def test_connections_of_others(intake: Factory) -> None:
    """Somebody who may make connections has another's reached or taken out of use, or reads where it leads."""
    mine = await connection_of(intake, "steward", users=["friend"])
    for attacker in ("rival", "friend"):
        for action in ("test", "retire"):
            refused(await intake.call(attacker, "POST", f"/v1/connections/{mine}:{action}", scope=CONNECT))
    seen = (await intake.call("rival", "GET", f"/v1/connections/{mine}", scope="generation:read")).json()
    assert (seen["target"], seen["secret_ref"], seen["users"]) == (None, None, None)
    owner = f"/v1/owners/connection/{mine}"
    refused(await intake.call("rival", "PUT", owner, json={"owner": "rival"}, scope=CONNECT), "missing-scope")
    assert (await intake.call("admin", "PUT", owner, json={"owner": "rival"})).status_code == 200
    assert (await intake.call("rival", "POST", f"/v1/connections/{mine}:retire", scope=CONNECT)).status_code == 200


async def test_pulls_of_others(intake: Factory) -> None:
    """A stranger fills another's source, pulls through another's connection, or ends another's pull."""
    mine, theirs = await connection_of(intake, "steward"), await connection_of(intake, "rival")
    path = f"/v1/sources/{intake.source_id}/pulls"

    async def ask(person: str, connection: str) -> httpx.Response:
        sent = {"json": {"connection_id": connection, "path": "t.csv"}, "headers": {"Idempotency-Key": uuid4().hex}}
        return await intake.call(person, "POST", path, scope=UPLOAD, **sent)

    refused(await ask("rival", theirs))
    refused(await ask("steward", theirs))
    made = await ask("steward", mine)
    assert made.status_code == 202
    refused(await intake.call("rival", "POST", f"/v1/pulls/{made.json()['id']}:cancel", scope=UPLOAD))
    seen = (await intake.call("rival", "GET", f"/v1/pulls/{made.json()['id']}", scope="generation:read")).json()
    assert seen["asked"] is None


async def test_deliveries_of_others(deliveries: Deliveries) -> None:
    """A stranger has a table that another may read brought somewhere, uses another's connection, or ends a delivery."""
    asset, mine = await deliveries.asset(), await deliveries.connect({"kind": "files"})
    refused(await deliveries.ask(asset, mine, "rival", path="t.csv"))
    theirs = {"name": "theirs", "target": {"kind": "files"}, "uses": ["deliver"]}
    own = (await deliveries.ask_for("POST", "/v1/connections", "rival", json=theirs)).json()["id"]
    deliveries.policy.refuse("no-grant")
    refused(await deliveries.ask(asset, own, "rival", path="t.csv"), "no-grant")
    deliveries.policy.refuse(None)
    made = (await deliveries.ask(asset, mine, path="t.csv")).json()
    refused(await deliveries.ask_for("POST", f"/v1/deliveries/{made['id']}:cancel", "rival"))
    assert (await deliveries.look(made["id"], "rival"))["wanted"] is None
    assert (await deliveries.carry(made["id"]))["state"] == "done"


async def test_a_refused_upload_is_not_even_read(intake: Factory) -> None:
    """The table of a stranger is refused before its bytes are taken in."""
    read = []

    async def endless() -> Any:
        while len(read) < 100:
            read.append(1)
            yield b"x" * 65536

    path = f"/v1/sources/{intake.source_id}/versions"
    sent = {"content": endless(), "headers": {"Content-Type": "text/csv"}}
    refused(await intake.call("rival", "POST", path, scope=UPLOAD, **sent))


async def run_of(world: Factory, person: str, **plan: Any) -> httpx.Response:
    made = {
        "charter_id": str(uuid4()), "use_case": "u", "audience": "a", "source_id": world.source_id,
        "generator": "dpmm-mst", "rows": 10, "rationale": "r",
    } | plan  # fmt: skip
    headers = {"Idempotency-Key": uuid4().hex}
    return await world.call(person, "POST", "/v1/generations", json=made, headers=headers, scope=RUN)


async def test_runs_of_others(generation: Factory) -> None:
    """A stranger ends another's run, or makes a table of the model that another's charter paid for."""
    assert (await generation.upload(csv(rows()))).status_code == 201
    made = (await run_of(generation, "scientist")).json()
    refused(await generation.call("rival", "POST", f"/v1/generations/{made['id']}:cancel", scope=RUN))
    connection = await asyncpg.connect(generation.url)
    await connection.execute("UPDATE runs SET model_sealed = true")
    await connection.close()
    refused(await run_of(generation, "rival", model=made["id"]))
    assert (await run_of(generation, "scientist", model=made["id"])).status_code == 202


async def test_a_key_means_a_run_of_ones_own(generation: Factory) -> None:
    """An Idempotency-Key that was guessed or overheard names no run of somebody else's."""
    await generation.upload(csv(rows()))
    plan = {
        "charter_id": str(uuid4()), "use_case": "u", "audience": "a", "source_id": generation.source_id,
        "generator": "dpmm-mst", "rows": 10, "rationale": "r",
    }  # fmt: skip
    ids = set()
    for person in ("scientist", "rival"):
        headers = {"Idempotency-Key": "monday"}
        answer = await generation.call(person, "POST", "/v1/generations", json=plan, headers=headers, scope=RUN)
        assert (answer.status_code, answer.json()["requester"]) == (202, person)
        ids.add(answer.json()["id"])
    assert len(ids) == 2


async def test_searches_of_others(generation: Factory) -> None:
    connection = await asyncpg.connect(generation.url)
    made = await connection.fetchval(
        "INSERT INTO searches (requester, request, state, requested_at, changed_at)"
        " VALUES ('scientist', $1, 'searching', now(), now()) RETURNING id",
        search().model_dump_json(),
    )
    await connection.close()
    refused(await generation.call("rival", "POST", f"/v1/searches/{made}:cancel", scope=RUN))
