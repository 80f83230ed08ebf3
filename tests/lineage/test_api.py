"""Lineage over HTTP on a real Postgres."""

import asyncio
import gzip
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from lineage.conftest import World, event, leaf

from moneyer.audit import verify_proof
from moneyer_lineage.log.use_cases import sign_checkpoint
from moneyer_shared.contracts.grounds import Provenance
from moneyer_shared.errors import Unavailable


async def test_the_graph_is_walked_both_ways(world: World) -> None:
    first, second = str(uuid4()), str(uuid4())
    assert (await world.tell(event(first, ["raw/a"], ["mid/b"]))).status_code == 201
    assert (await world.tell(event(second, ["mid/b", "raw/c"], ["moneyer.asset/d"]))).status_code == 201
    up = (await world.call("auditor", "GET", "/v1/graph?node=dataset:moneyer.asset:d")).json()
    assert {f"{node['namespace']}/{node['name']}" for node in up["datasets"]} == {
        "moneyer.asset/d",
        "mid/b",
        "raw/a",
        "raw/c",
    }
    assert {"from": "dataset:raw:a", "to": f"run:{first}", "vouched": False, "told_by": ["producer"]} in up["links"]
    near = (await world.call("auditor", "GET", "/v1/graph?node=dataset:moneyer.asset:d&depth=1")).json()
    assert {node["id"] for node in near["runs"]} == {second}
    down = (await world.call("auditor", "GET", "/v1/graph?node=dataset:raw:a&direction=downstream")).json()
    assert [node["name"] for node in down["datasets"]] == ["b", "d", "a"]
    assert (await world.call("auditor", "GET", "/v1/graph?node=dataset:moneyer.asset:nothing")).status_code == 404


async def test_the_graph_is_shown_as_it_was_known_at_a_time_and_as_a_run_met_it(world: World) -> None:
    first, second, third = (str(uuid4()) for _ in range(3))
    for number, (run, inputs, outputs) in enumerate(
        [(first, ["n/a"], ["n/b"]), (second, ["n/b"], ["n/c"]), (third, ["n/x"], ["n/b"])]
    ):
        told = event(run, inputs, outputs) | {"eventTime": f"2026-01-0{number + 1}T00:00:00Z"}
        assert (await world.tell(told)).status_code == 201

    async def runs(query: str) -> set[str]:
        answer = await world.call("auditor", "GET", f"/v1/graph?{query}")
        assert answer.status_code == 200, answer.text
        return {node["id"] for node in answer.json()["runs"]}

    assert await runs("node=dataset:n:c") == {first, second, third}
    assert await runs("node=dataset:n:c&asOf=2026-01-02T12:00:00Z") == {first, second}
    assert await runs(f"run={second}") == {first, second}, "what came later is not what it was made from"
    assert await runs(f"node=run:{second}") == {first, second, third}
    assert await runs("node=job:jobs:job&direction=downstream&depth=1") == {first, second, third}
    early = await world.call("auditor", "GET", "/v1/graph?node=dataset:n:c&asOf=2026-01-01T12:00:00Z")
    assert early.status_code == 404, "nobody had told of it yet"


@pytest.mark.parametrize(
    "query",
    ["", "node=n:a", "node=dataset:a", "node=run:", "node=run:1&run=00000000-0000-0000-0000-000000000001", "asOf=now"],
)
async def test_a_graph_of_nothing_is_refused_in_words(world: World, query: str) -> None:
    assert (await world.call("auditor", "GET", f"/v1/graph?{query}")).status_code == 422


async def test_a_cycle_ends(world: World) -> None:
    await world.tell(event(str(uuid4()), ["n/a"], ["n/b"]))
    await world.tell(event(str(uuid4()), ["n/b"], ["n/a"]))
    found = (await world.call("auditor", "GET", "/v1/graph?node=dataset:n:a&depth=50")).json()
    assert len(found["datasets"]) == 2


async def test_the_same_event_again_changes_nothing(world: World) -> None:
    told = event(str(uuid4()), ["n/a"], ["n/b"])
    for _ in range(2):
        assert (await world.tell(told)).status_code == 201
    assert await world.count("events") == 1
    packed = gzip.compress(json.dumps(told).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await world.call("producer", "POST", "/api/v1/lineage", content=packed, headers=headers)
    assert answer.status_code == 201
    assert await world.count("events") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"eventTime": "yesterday"},
        {"run": {"runId": "not-a-uuid"}},
        {"job": None},
        {"producer": "\x00"},
        {"eventType": "MAYBE"},
        {"inputs": [{"namespace": "n"}]},
        {"eventTime": 1767225600.25},
        {"eventTime": "1767225600"},
        {"eventTime": "0001-01-01T00:00:00Z"},
        {"outputs": [{"namespace": "n" * 1001, "name": "m" * 1000}]},
        {"outputs": [{"namespace": "n", "name": "\U0001f600" * 500}]},
    ],
)
async def test_a_bad_event_is_refused_and_not_kept(world: World, change: dict[str, Any]) -> None:
    answer = await world.tell(event(str(uuid4())) | change)
    assert answer.status_code == 422, answer.text
    assert await world.count("events") == 0


async def test_bad_bodies_are_problems(world: World) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    for content, encoding, status in ((b"{", "", 422), (b"x", "gzip", 422), (bomb, "gzip", 413), (b"{}", "br", 415)):
        headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        answer = await world.call("producer", "POST", "/api/v1/lineage", content=content, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_record_gathers_the_run_and_what_ran_under_it(world: World) -> None:
    asset = str(uuid4())
    parent = {"run": {"runId": asset}, "job": {"namespace": "n", "name": "j"}}
    await world.deliver(
        event(asset, ["moneyer.source/s"], [], moneyer_plan={"rationale": "why", "_producer": "p"}),
        event(str(uuid4()), [], [], parent=parent, moneyer_evaluation={"verdict": "released"}),
    )
    await world.log(leaf(subject=f"run:{asset}"))
    record = (await world.call("auditor", "GET", f"/v1/records/{asset}")).json()
    assert record["plan"] == {"rationale": "why"}
    assert record["assay"] == {"verdict": "released"}
    assert record["sources"] == ["s"]
    assert len(record["history"]) == 2
    assert record["log_entries"] == [0]
    assert (await world.call("auditor", "GET", f"/v1/records/{uuid4()}")).status_code == 404


async def test_a_record_names_every_entry_and_pages_keep_the_question(world: World) -> None:
    asset = str(uuid4())
    await world.deliver(event(asset, ["moneyer.source/s"]))
    for number in range(205):
        await world.log(leaf(subject=f"asset:{asset}" if number % 2 == 0 else "another"))
    record = (await world.call("auditor", "GET", f"/v1/records/{asset}")).json()
    assert record["log_entries"] == list(range(0, 205, 2))
    first = await world.call("auditor", "GET", "/v1/log/entries", params={"subject": f"asset:{asset}"})
    second = await world.call("auditor", "GET", first.links["next"]["url"])
    assert [entry["index"] for entry in [*first.json(), *second.json()]] == record["log_entries"]
    assert "next" not in second.links


async def test_a_leaf_that_no_tile_could_hold_is_refused(world: World) -> None:
    long = await world.log(leaf(details={"why": "x" * 65_535}))
    assert (long.status_code, long.json()["code"]) == (422, "leaf-too-long")
    assert await world.count("leaves") == 0


async def test_concurrent_events_get_dense_places(world: World) -> None:
    answers = await asyncio.gather(*(world.log(leaf()) for _ in range(40)))
    assert sorted(answer.json()["index"] for answer in answers) == list(range(40))


async def test_a_repeat_keeps_its_place_and_a_changed_one_is_refused(world: World) -> None:
    one = leaf()
    assert (await world.log(one)).json()["index"] == (await world.log(one)).json()["index"] == 0
    assert (await world.log(one | {"outcome": "deny"})).status_code == 409
    assert await world.count("leaves") == 1


async def test_every_leaf_is_proved_against_the_signed_checkpoint(world: World) -> None:
    early = await world.call("auditor", "GET", "/v1/log/checkpoint")
    assert early.status_code == 503
    for _ in range(11):
        await world.log(leaf())
    assert (await world.call("auditor", "GET", "/v1/log/entries/0/proof")).status_code == 404
    assert await sign_checkpoint(world.app.state.dependencies)
    assert not await sign_checkpoint(world.app.state.dependencies), "no news, no new checkpoint"
    await world.log(leaf())
    key = (await world.call.bare("GET", "/v1/log/key")).text
    for index in range(11):
        proof = (await world.call("auditor", "GET", f"/v1/log/entries/{index}/proof")).json()
        assert verify_proof(proof, key).size == 11
    assert (await world.call("auditor", "GET", "/v1/log/entries/11/proof")).status_code == 404


async def test_only_producers_write(world: World) -> None:
    assert (await world.call("auditor", "POST", "/v1/audit-events", json=leaf())).status_code == 403
    assert (await world.call("auditor", "POST", "/api/v1/lineage", json=event(str(uuid4())))).status_code == 403
    assert (await world.call("producer", "GET", "/v1/log/entries")).status_code == 403


def delivery(payload: dict[str, Any], kind: str = "audit") -> dict[str, Any]:
    return {"id": str(uuid4()), "kind": kind, "payload": payload}


async def test_what_an_outbox_hands_over_is_taken_in_order_and_once(world: World) -> None:
    leaves = [leaf(subject=f"s:{number}") for number in range(11)]
    items = [delivery(entry) for entry in leaves]
    items.insert(4, delivery(event(str(uuid4()), inputs=["a/b"]), "openlineage"))
    items.insert(7, items[2])
    for _ in range(2):
        answer = await world.call("policy", "POST", "/v1/deliveries", json={"items": items})
        assert (answer.status_code, answer.json()) == (200, {"refused": []})
    entries = (await world.call("auditor", "GET", "/v1/log/entries")).json()
    assert [json.loads(entry["leaf"])["id"] for entry in entries] == [entry["id"] for entry in leaves]
    assert await world.count("events") == 1
    await sign_checkpoint(world.app.state.dependencies)
    key = (await world.call("auditor", "GET", "/v1/log/key")).text
    for index in range(11):
        verify_proof((await world.call("auditor", "GET", f"/v1/log/entries/{index}/proof")).json(), key)


async def test_one_bad_delivery_is_refused_by_itself(world: World) -> None:
    known = leaf()
    await world.log(known)
    bad = {
        "not-a-leaf": delivery({"id": "x"}),
        "changed": delivery(known | {"outcome": "another"}),
        "no-event": delivery({"producer": "p"}, "openlineage"),
    }
    good = delivery(leaf(subject="s:good"))
    answer = await world.call("policy", "POST", "/v1/deliveries", json={"items": [*bad.values(), good]})
    codes = {entry["id"]: entry["problem"]["code"] for entry in answer.json()["refused"]}
    assert set(codes) == {item["id"] for item in bad.values()}
    assert codes[bad["changed"]["id"]] == "event-changed"
    assert await world.count("leaves") == 2


async def test_a_delivery_that_no_reader_keeps_is_refused_at_the_door(world: World) -> None:
    """No outbox holds one: Postgres keeps no NUL."""
    unstorable = delivery(leaf(details={"a": "\x00"}))
    answer = await world.call("policy", "POST", "/v1/deliveries", json={"items": [unstorable]})
    assert (answer.status_code, answer.json()["code"]) == (422, "text-not-storable")
    assert await world.count("leaves") == 0


# --- provenance ----------------------------------------------------------------------------------


class Policy:
    """Policy as lineage asks it on what an asset was made."""

    def __init__(self, permit: UUID, charter: UUID, review: UUID) -> None:
        now = datetime.now(UTC)
        self.away = False
        self.known = {
            "at": now,
            "charter": {"id": charter, "version": 1, "digest": "sha256:c", "title": "t", "state": "in_force",
                        "in_force_at": now},
            "votes": [{"on": "charter", "review_id": review, "voter": "v", "on_behalf_of": None, "function": "privacy",
                       "verdict": "approve", "digest": "sha256:c", "reason": "r", "stage": 0, "committee_version": 1,
                       "cast_at": now}],
            "assessments": [],
            "decision": {"id": uuid4(), "verdict": "permit", "requester": "s", "permit": permit},
            "budgets": [],
        }  # fmt: skip

    async def provenance(self, asset_id: UUID) -> Provenance:
        if self.away:
            raise Unavailable("policy is away")
        return Provenance.model_validate({"asset_id": asset_id, **self.known})


async def test_provenance_say_where_the_log_proves_them(world: World) -> None:
    asset, permit, charter, review = (uuid4() for _ in range(4))
    policy = Policy(permit, charter, review)
    object.__setattr__(world.app.state.dependencies, "evidence", policy)
    subjects = [f"charter:{charter}", f"review:{review}", "charter:other", f"run:{asset}", f"permit:{permit}"]
    for subject in subjects:
        await world.log(leaf(subject=subject))
    found = await world.call("auditor", "GET", f"/v1/assets/{asset}/provenance")
    assert found.status_code == 200, found.text
    assert found.json()["log_entries"] == [0, 1, 3, 4]
    assert found.json()["votes"][0]["function"] == "privacy"
    policy.away = True
    away = await world.call("auditor", "GET", f"/v1/assets/{asset}/provenance")
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
