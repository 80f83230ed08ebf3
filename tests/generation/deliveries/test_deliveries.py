"""Who may have a table delivered, at the request and at the opening; what is told of it; ends and repeats."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from generation.deliveries.conftest import SCOPES, World
from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.rules.delivery import ENDS, DeliveryProgress, next_step, table_name, unfit_columns
from moneyer_shared.errors import Gone, Unavailable
from moneyer_shared.queue import Later


@pytest.fixture
async def folder(world: World) -> str:
    return await world.connect({"kind": "files"})


async def test_a_scope_of_its_own(world: World, folder: str) -> None:
    body, headers = {"connection_id": folder, "path": "t.csv"}, {"Idempotency-Key": "k"}
    path, without = f"/v1/assets/{await world.asset()}/deliveries", SCOPES.replace("generation:deliveries:write", "")
    answer = await world.ask_for("POST", path, json=body, headers=headers, scope=without)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")


async def test_only_who_may_read_now_may_ask(world: World, folder: str) -> None:
    asset = await world.asset()
    world.policy.refuse("no-grant")
    answer = await world.ask(asset, folder, path="t.csv")
    assert (answer.status_code, answer.json()["code"]) == (403, "no-grant")
    assert (await world.ask_for("GET", f"/v1/assets/{asset}/deliveries")).json() == []


@pytest.mark.parametrize("code", ["no-grant", "asset-withdrawn", "asset-suspended", "charter-suspended"])
async def test_what_ends_between_request_and_opening_ends_the_delivery(world: World, folder: str, code: str) -> None:
    delivery = (await world.ask(await world.asset(), folder, path="t.csv")).json()
    world.policy.refuse(code)
    ended = await world.carry(delivery["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("refused", code)
    assert list(world.files.iterdir()) == []
    assert world.policy.copies == set()
    told = await world.all_that_was_told()
    assert "moneyer_delivery" in told


async def test_a_key_that_was_destroyed_meanwhile(world: World, folder: str) -> None:
    delivery = (await world.ask(await world.asset(), folder, path="t.csv")).json()
    world.policy.unlock_error = Gone("destroyed", code="key-destroyed")
    ended = await world.carry(delivery["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("refused", "key-destroyed")


async def test_a_connection_is_used_by_whom_its_owner_names(world: World, folder: str) -> None:
    asset, own = await world.asset(), await world.connect({"kind": "files"}, users=[])
    answer = await world.ask(asset, own, path="t.csv")
    assert (answer.status_code, answer.json()["code"]) == (403, "not-yours")
    delivery = (await world.ask(asset, folder, path="t.csv")).json()
    give = {"json": {"owner": "rival"}, "scope": "generation:owners:write"}
    assert (await world.ask_for("PUT", f"/v1/owners/connection/{folder}", "admin", **give)).status_code == 200
    assert (await world.carry(delivery["id"]))["state"] == "done", "its new owner still names them"
    waiting = (await world.ask(asset, folder, path="u.csv")).json()
    assert (await world.ask_for("POST", f"/v1/connections/{folder}:retire", "rival")).status_code == 200
    ended = await world.carry(waiting["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("refused", "connection-retired")
    assert not (world.files / "u.csv").exists()


async def test_what_a_connection_is_for(world: World) -> None:
    asset = await world.asset()
    before = await world.connect({"kind": "files"}, uses=["pull"])
    assert (await world.ask(asset, before, path="t.csv")).json()["code"] == "connection-not-for-this"
    unsaid = {"name": "unsaid", "target": {"kind": "files"}}
    made = (await world.ask_for("POST", "/v1/connections", "steward", json=unsaid)).json()
    assert made["uses"] == ["pull"], "nothing is written through what nobody said is for that"
    for uses in ([], ["deliver", "deliver"], ["read"]):
        body = unsaid | {"name": "x", "uses": uses}
        assert (await world.ask_for("POST", "/v1/connections", "steward", json=body)).status_code == 422
    body = {"name": "x", "target": {"kind": "sqlite", "path": "db"}, "uses": ["pull", "deliver"]}
    assert (await world.ask_for("POST", "/v1/connections", "steward", json=body)).status_code == 422


async def test_what_is_asked_fits(world: World, folder: str) -> None:
    asset = await world.asset()
    for wanted in (
        {"table": "t"}, {}, {"path": "t.csv", "table": "t"}, {"table": "t", "form": "csv"}, {"path": "t"},
        {"path": "t.csv", "form": "xlsx"},
    ):  # fmt: skip
        assert (await world.ask(asset, folder, **wanted)).status_code == 422, wanted
    assert (await world.ask(asset, str(uuid4()), path="t.csv")).status_code == 404
    assert (await world.ask(str(uuid4()), folder, path="t.csv")).status_code == 404
    old = await world.asset(recorded=False)
    answer = await world.ask(old, folder, path="t.csv")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-recorded")


async def test_a_request_sent_twice_is_one_delivery(world: World, folder: str) -> None:
    asset = await world.asset()
    body, headers = {"connection_id": folder, "path": "t.csv"}, {"Idempotency-Key": "once"}
    path = f"/v1/assets/{asset}/deliveries"
    answers = [await world.ask_for("POST", path, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["Location"] == f"/v1/deliveries/{answers[0].json()['id']}"
    assert (await world.ask_for("POST", path, json=body)).status_code == 422, "without a key it could happen twice"
    assert len((await world.ask_for("GET", path)).json()) == 1


async def test_where_it_goes_is_told_to_few_and_logged_as_a_digest(world: World, folder: str) -> None:
    asset = await world.asset(1_234)
    delivery = await world.deliver(asset, folder, path="for-doctor-xyzzy.csv")
    for person, told in (("scientist", True), ("steward", True), ("auditor", False)):
        seen = await world.look(delivery["id"], person)
        assert (seen["wanted"] is not None) == told, person
        assert seen["digest"] == delivery["digest"], "the record states it anyway"
    written = await world.all_that_was_told()
    assert "xyzzy" not in written
    events = [json.loads(line) for line in written.splitlines()]
    [told_of] = [one for one in events if "moneyer_delivery" in one.get("run", {}).get("facets", {})]
    facet = told_of["run"]["facets"]["moneyer_delivery"]
    assert facet["place"].startswith("sha256:")
    assert (facet["rows"], facet["form"], facet["state"]) == (1_200, "csv", "done")
    assert told_of["run"]["facets"]["parent"]["run"]["runId"] == asset
    assert [one["name"] for one in told_of["inputs"]] == [asset]
    assert [(one["namespace"], one["name"]) for one in told_of["outputs"]] == [("moneyer.delivery", delivery["id"])]
    leaf, again = [one for one in events if one.get("action") == "asset.deliver"]
    assert leaf == again, "in the audit trail and on its way to the log"
    assert (leaf["subject"], leaf["details"]["delivery"]) == (f"asset:{asset}", delivery["id"])
    assert {one["action"] for one in events if "action" in one} >= {"delivery.request", "asset.deliver"}


async def test_a_table_that_is_not_as_recorded_goes_nowhere(world: World, folder: str) -> None:
    asset = await world.asset()
    delivery = (await world.ask(asset, folder, path="t.csv")).json()
    await world.sql(
        "UPDATE runs SET asset = jsonb_set(asset, '{delivered,csv,sha256}', to_jsonb(repeat('0', 64)))"
        f" WHERE id = '{asset}'"
    )
    ended = await world.carry(delivery["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "not-as-recorded")
    assert list(world.files.iterdir()) == []


# --- ends -----------------------------------------------------------------------------------------------------------


async def test_who_may_end_it(world: World, folder: str) -> None:
    asset = await world.asset()
    delivery = (await world.ask(asset, folder, path="t.csv")).json()
    path = f"/v1/deliveries/{delivery['id']}:cancel"
    assert (await world.ask_for("POST", path, "rival")).json()["code"] == "not-yours"
    assert (await world.ask_for("POST", path, "steward")).json()["state"] == "cancelled", "whose connection it is"
    assert (await world.ask_for("POST", path)).json()["code"] == "not-cancellable"
    assert (await world.carry(delivery["id"]))["state"] == "cancelled"
    assert list(world.files.iterdir()) == []


async def test_one_that_was_begun_is_ended_by_the_worker(world: World, folder: str) -> None:
    """What an attempt may have left is looked for first: nothing was, so it is cancelled; or the table was."""
    asset = await world.asset()
    for path, state in (("t.csv", "cancelled"), ("u.csv", "done")):
        delivery = (await world.ask(asset, folder, path=path)).json()
        if state == "done":
            await world.deliver(asset, folder, path=path)
        await world.sql(
            "UPDATE deliveries SET state = 'delivering', opened = true, attempt = 1, begun_at = now()"
            f" WHERE id = '{delivery['id']}'"
        )
        asked = await world.ask_for("POST", f"/v1/deliveries/{delivery['id']}:cancel")
        assert asked.json()["state"] == "delivering"
        assert (await world.carry(delivery["id"]))["state"] == state


async def test_policy_that_does_not_answer_costs_nothing(world: World, folder: str) -> None:
    delivery = (await world.ask(await world.asset(), folder, path="t.csv")).json()
    world.policy.unlock_error = Unavailable("away")
    for _ in range(5):
        with pytest.raises(Unavailable):
            await world.carry(delivery["id"])
    world.policy.unlock_error = None
    assert (await world.carry(delivery["id"]))["state"] == "done"


async def test_a_place_that_no_longer_answers_is_not_said_to_hold_nothing(world: World) -> None:
    target = {"kind": "s3", "bucket": "b", "endpoint": "http://127.0.0.1:9"}
    connection = await world.connect(target)
    delivery = (await world.ask(await world.asset(), connection, path="t.csv")).json()
    await world.sql("UPDATE deliveries SET state = 'delivering', opened = true, attempt = 1, begun_at = now()")
    with pytest.raises(Later):
        await world.carry(delivery["id"])
    world.policy._note(opened=delivery["id"])  # pyright: ignore[reportPrivateUsage]
    await world.sql("UPDATE deliveries SET begun_at = now() - interval '2 days'")
    ended = await world.carry(delivery["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "unsure")
    assert world.policy.copies == {delivery["id"]}, "it counts as outside custody"


async def test_a_table_that_takes_its_workers_with_it_is_given_up(world: World, folder: str) -> None:
    delivery = (await world.ask(await world.asset(), folder, path="t.csv")).json()
    await world.sql("UPDATE deliveries SET state = 'delivering', opened = true, attempt = 3, begun_at = now()")
    ended = await world.carry(delivery["id"])
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "interrupted")
    assert list(world.files.iterdir()) == []


# --- the rules --------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PROGRESS = st.builds(
    DeliveryProgress,
    state=st.sampled_from(["waiting", "delivering", *sorted(ENDS)]),
    begun_at=st.sampled_from([None, NOW, NOW - timedelta(days=3)]),
    has_failed=st.booleans(),
    cancel_requested=st.booleans(),
    attempt=st.integers(0, 5),
)


@given(PROGRESS)
def test_what_may_lie_there_is_looked_for_before_anything_else(delivery: DeliveryProgress) -> None:
    step = next_step(delivery)
    assert (step == "rest") == (delivery.state in ENDS)
    if step not in {"rest", "look"}:
        assert delivery.begun_at is None
    if step == "deliver":
        assert not delivery.has_failed
        assert not delivery.cancel_requested
        assert delivery.attempt < 3


@given(st.text(min_size=1, max_size=80))
def test_a_table_has_one_name_or_none(said: str) -> None:
    try:
        schema, name = table_name(said)
    except ValueError:
        return
    assert ".".join(part for part in (schema, name) if part is not None) == said
    assert all(0 < len(part.encode()) <= 63 for part in (name, schema or name))


def test_columns_that_are_none_there() -> None:
    names: list[Any] = ["a", "xmin", "x" * 63, "x" * 64, "ü" * 32, "XMIN"]
    assert unfit_columns(names) == ["xmin", "x" * 64, "ü" * 32]
