"""Who may connect and pull, schedules, ends, secrets and repeats."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from generation.connectors.conftest import PERSON, ROWS, SCOPES, Outside, World
from generation.connectors.test_files import csv

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.secrets import read_secret
from moneyer_generation.dependencies import ITSELF
from moneyer_generation.rules.pull import PullProgress, next_step
from moneyer_generation.use_cases.pulling import carry_pull
from moneyer_shared.errors import Unavailable
from moneyer_shared.queue import Later
from moneyer_shared.work import Workflow

CONNECT = "generation:connections:write"


async def files(world: World, **changes: Any) -> str:
    (world.files / "t.csv").write_bytes(csv())
    return await world.connect({"kind": "files"}, **changes)


async def test_a_scope_of_its_own_lets_somebody_connect(world: World) -> None:
    body = {"name": "c", "target": {"kind": "files"}}
    without = SCOPES.replace(CONNECT, "")
    answer = await world.call("POST", "/v1/connections", json=body, scope=without)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")


async def test_who_may_pull_through_a_connection(world: World) -> None:
    """A connection is used by its owner and by those its owner names, each for sources of their own."""
    connection = await files(world, users=["friend"])
    stewards = world.source_id
    assert (await world.ask(connection, "friend", path="t.csv")).json()["code"] == "not-yours"
    body = {"name": f"s-{uuid4().hex[:6]}"} | {
        key: value
        for key, value in (await world.call("GET", f"/v1/sources/{stewards}")).json()["declaration"].items()
        if key != "name"
    }
    for person, status in (("friend", 202), ("rival", 403)):
        made = await world.call("POST", "/v1/sources", person, json=body | {"name": f"s-{person}"})
        world.source_id = made.json()["id"]
        assert (await world.ask(connection, person, path="t.csv")).status_code == status
    seen = (await world.call("GET", f"/v1/connections/{connection}", "rival")).json()
    assert (seen["target"], seen["secret_ref"], seen["users"]) == (None, None, None)
    for action in ("test", "retire"):
        refused = await world.call("POST", f"/v1/connections/{connection}:{action}", "rival")
        assert refused.json()["code"] == "not-yours"


async def test_a_secret_is_used_by_its_owners_connections_alone(world: World) -> None:
    """With a secret's name alone somebody could pull what another's user may read, or turn it to a host of their own."""
    target = {"kind": "postgres", "host": "db.example.org", "database": "clinic", "user": "reader"}
    first = await world.connect(target, "file:clinic")

    async def connect(person: str, name: str, ref: str) -> Any:
        body = {"name": name, "target": target | {"host": "elsewhere.example"}, "secret_ref": ref}
        return await world.call("POST", "/v1/connections", person, json=body)

    refused = await connect("rival", "r", "file:clinic")
    assert (refused.status_code, refused.json()["code"]) == (403, "not-yours")
    assert (await connect("rival", "r", "file:own")).status_code == 201
    assert (await connect("steward", "s", "file:clinic")).status_code == 201
    await world.call("POST", f"/v1/connections/{first}:retire")
    assert (await connect("rival", "again", "file:clinic")).status_code == 403


async def test_what_was_given_away_is_pulled_no_more(world: World) -> None:
    connection = await files(world)
    waiting = (await world.ask(connection, path="t.csv", every="PT1H")).json()["id"]
    give = {"json": {"owner": "rival"}, "scope": "generation:owners:write"}
    assert (await world.call("PUT", f"/v1/owners/source/{world.source_id}", "admin", **give)).status_code == 200
    ended = await world.carry(waiting)
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "not-yours")
    assert len((await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()) == 1, "its schedule ended too"
    assert (await world.call("PUT", f"/v1/owners/connection/{connection}", "admin", **give)).status_code == 200
    assert (await world.call("GET", f"/v1/connections/{connection}", "rival")).json()["owner"] == "rival"
    assert (await world.call("POST", f"/v1/connections/{connection}:retire", "rival")).status_code == 200
    assert (await world.ask(connection, "rival", path="t.csv")).json()["code"] == "connection-retired"


async def test_a_schedule_makes_new_versions_in_step(world: World) -> None:
    connection = await files(world)
    first = await world.pull(connection, path="t.csv", every="PT1H")
    [second, _] = (await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()
    assert second["follows"] == first["id"]
    due = datetime.fromisoformat(second["due_at"])
    assert due == datetime.fromisoformat(first["due_at"]) + timedelta(hours=1)
    with pytest.raises(Later) as wait:
        await world.carry(second["id"])
    assert timedelta(minutes=9) < wait.value.delay <= timedelta(minutes=10)
    (world.files / "t.csv").unlink()
    late = datetime.now(UTC) - timedelta(hours=3, minutes=30)
    await world.rows_of(f"UPDATE pulls SET due_at = '{late.isoformat()}' WHERE id = '{second['id']}'")
    assert (await world.carry(second["id"]))["problem"]["code"] == "not-found"
    third = (await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()[0]
    assert datetime.fromisoformat(third["due_at"]) - late == timedelta(hours=4), "missed turns are not made up for"
    assert (await world.call("POST", f"/v1/pulls/{third['id']}:cancel")).json()["state"] == "cancelled"
    assert (await world.call("POST", f"/v1/pulls/{third['id']}:cancel")).json()["code"] == "not-cancellable"
    assert len((await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()) == 3
    assert len(await world.versions()) == 1
    for every in ("PT1M", "P400D", "-PT1H"):
        assert (await world.ask(connection, path="t.csv", every=every)).status_code == 422


async def test_a_request_sent_twice_is_one_pull(world: World) -> None:
    connection = await files(world)
    body = {"connection_id": connection, "path": "t.csv"}
    path, headers = f"/v1/sources/{world.source_id}/pulls", {"Idempotency-Key": "once"}
    answers = [await world.call("POST", path, json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["Location"] == f"/v1/pulls/{answers[0].json()['id']}"
    assert (await world.call("POST", path, json=body)).status_code == 422, "without a key it could happen twice"
    other = await world.call("POST", path, json=body | {"path": "u.csv"}, headers=headers)
    assert other.status_code == 422


async def test_what_is_asked_fits_the_connection(world: World, through: str) -> None:
    connection = await files(world)
    for chosen, asked in (
        (connection, {"query": "SELECT 1"}), (connection, {"table": "t"}), (through, {"path": "t.csv"}),
        (through, {"delta": "t"}), (connection, {}), (connection, {"path": "t.csv", "query": "SELECT 1"}),
        (through, {"query": "SELECT 1", "form": "csv"}),
    ):  # fmt: skip
        assert (await world.ask(chosen, **asked)).status_code == 422, asked
    assert (await world.ask(str(uuid4()), path="t.csv")).status_code == 404


async def test_policy_that_does_not_answer_costs_a_pull_nothing(world: World) -> None:
    connection = await files(world)
    pull_id = (await world.ask(connection, path="t.csv")).json()["id"]
    policy = world.policy
    made = policy.new_source_key

    async def away(request: Any) -> Any:
        await made(request)
        raise Unavailable("away")

    policy.new_source_key = away  # type: ignore[method-assign]
    for _ in range(5):
        with pytest.raises(Unavailable):
            await carry_pull(Workflow(world.dependencies, ITSELF), UUID(pull_id))
    policy.new_source_key = made  # type: ignore[method-assign]
    ended = await world.carry(pull_id)
    assert ended["state"] == "done", ended
    assert len(policy.open_keys) == 1, "keys whose answers were lost were given back"


async def test_a_table_that_cannot_be_split_leaves_no_key(world: World) -> None:
    (world.files / "one.csv").write_bytes(b"person,sex,age,income\np,f,30,1\n")
    pull = await world.pull(await files(world), path="one.csv")
    assert [one["code"] for one in pull["problem"]["reasons"]] == ["table-too-small"]
    assert world.policy.made == 0, "it was refused before a key was asked for"
    assert await world.nothing_is_left()


async def test_a_value_outside_its_domain_is_named_by_its_place(world: World) -> None:
    (world.files / "bad.csv").write_bytes(csv() + f"{PERSON}-bad,x,300,1\n".encode())
    pull = await world.pull(await files(world), path="bad.csv")
    assert pull["problem"]["code"] == "table-invalid"
    assert {(one["column"], one["row"]) for one in pull["problem"]["reasons"]} == {("sex", 201), ("age", 201)}
    assert (await world.look(pull["id"], "scientist"))["problem"]["reasons"] == []
    assert PERSON not in str(pull["problem"])
    assert world.policy.made == 0, "it was refused before a key was asked for"
    assert await world.nothing_is_left()


# --- secrets --------------------------------------------------------------------------------------


def test_a_secret_is_read_where_the_operator_put_it_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    (folder / "..data").mkdir(parents=True)
    (folder / "..data" / "db").write_text("mounted\n")
    (folder / "db").symlink_to(Path("..data") / "db")
    (tmp_path / "other").write_text("other")
    (folder / "out").symlink_to(tmp_path / "other")
    assert read_secret("file:db", folder, {}) == "mounted"
    assert read_secret("env:DB", None, {"MONEYER_SECRET_DB": "set"}) == "set"
    own = {"MONEYER_GENERATION_CLIENT_SECRET": "own", "DB": "own", "MONEYER_SECRET_EMPTY": ""}
    for ref in (
        "file:out",
        "file:none",
        "file:..",
        "file:../other",
        "env:MONEYER_GENERATION_CLIENT_SECRET",
        "env:DB",
        "env:EMPTY",
    ):
        with pytest.raises(Fault) as fault:
            read_secret(ref, folder, own)
        assert fault.value.code == "secret-missing"
    with pytest.raises(Fault):
        read_secret("file:db", None, {})


@pytest.mark.parametrize(
    "ref",
    ["file:../other", "file:/etc/passwd", "env:", "file:", "vault:x", "file:a/b", "plain-password", "file:.hidden"],
)
async def test_a_reference_is_one_name(world: World, outside: Outside, ref: str) -> None:
    body = {"name": "c", "target": outside.target, "secret_ref": ref}
    answer = await world.call("POST", "/v1/connections", json=body)
    assert answer.status_code == 422
    assert ref not in answer.text or len(ref) < 6, "what was written there may be the secret itself"


async def test_a_missing_secret_is_told_by_its_reference(world: World, outside: Outside) -> None:
    connection = await world.connect(outside.target, "env:NOT_SET")
    pull = await world.pull(connection, table="people")
    assert pull["problem"]["code"] == "secret-missing"
    assert "env:NOT_SET" in pull["problem"]["detail"]


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({}, "fetch"),
        ({"state": "fetching", "attempt": 3}, "fetch"),
        ({"state": "fetching", "attempt": 4}, "give-up"),
        ({"state": "sealing", "planned": True}, "clear"),
        ({"state": "sealing", "planned": True, "cancel_requested": True}, "clear"),
        ({"cancel_requested": True}, "cancel"),
        ({"minutes": 5}, "wait"),
        ({"state": "done", "planned": True}, "rest"),
        ({"state": "cancelled"}, "rest"),
    ],
)
def test_the_one_thing_to_do_now(changes: dict[str, Any], step: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    usual: dict[str, Any] = {"state": "waiting", "planned": False, "cancel_requested": False, "attempt": 0}
    due = now + timedelta(minutes=changes.pop("minutes", 0))
    assert next_step(PullProgress(**usual | changes, due_at=due), now) == step


async def test_rows_are_those_of_the_file(world: World) -> None:
    assert (await world.pull(await files(world), path="t.csv"))["rows"] == len(ROWS)


# --- what came, and what did not ------------------------------------------------------------------------

RULED = [
    {"name": "person", "domain": {"kind": "text", "maximum_length": 40}, "role": "identifier"},
    {"name": "sex", "domain": {"kind": "categorical", "categories": ["f", "other"]}, "unlisted": "other"},
    {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 120}},
    {"name": "income", "domain": {"kind": "number", "minimum": 0, "maximum": 100}, "nullable": True, "outside": "null"},
]


async def test_a_pull_tells_its_owner_what_its_rules_replaced_and_nobody_else(world: World) -> None:
    await world.declare(RULED)
    done = await world.pull(await files(world), path="t.csv")
    men, rich = sum(row[1] == "m" for row in ROWS), sum((row[3] or 0) > 100 for row in ROWS)
    assert done["replaced"] == {"sex": men, "income": rich}
    [version] = await world.versions()
    assert version["replaced"] == {"sex": men, "income": rich}
    assert (await world.look(done["id"], "rival"))["replaced"] is None
    [seen] = await world.versions("rival")
    assert seen["replaced"] is None
    assert "replaced" not in await world.all_that_was_written()


async def arrivals(world: World, after: str | None = None) -> Any:
    path = f"/v1/sources/{world.source_id}/arrivals" + (f"?after={after}" if after else "")
    return await world.call("GET", path, scope="generation:objects:read")


async def test_what_came_after_a_version_is_told_one_by_one(world: World) -> None:
    assert (await arrivals(world)).json() == {"following": None, "missed": None}
    connection = await files(world)
    came = [str((await world.pull(connection, path="t.csv"))["version_id"]) for _ in range(3)]
    assert (await arrivals(world)).json()["following"]["version_id"] == came[2], "without one the newest"
    following = [(await arrivals(world, one)).json()["following"] for one in came]
    assert [one and one["version_id"] for one in following] == [*came[1:], None]
    assert (await arrivals(world, str(uuid4()))).status_code == 404
    assert (await world.call("GET", f"/v1/sources/{world.source_id}/arrivals")).status_code == 403


async def test_a_version_never_comes_before_one_that_was_kept(world: World) -> None:
    """Two clocks differ, and a transaction that began first may end last: who looks at each must miss none."""
    connection = await files(world)
    first = await world.pull(connection, path="t.csv")
    await world.rows_of("UPDATE source_versions SET uploaded_at = now() + interval '1 hour'")
    second = await world.pull(connection, path="t.csv")
    assert (await arrivals(world, first["version_id"])).json()["following"]["version_id"] == second["version_id"]


async def test_a_schedule_that_missed_its_turn_says_so_until_it_brings_one(world: World) -> None:
    connection = await files(world)
    first = await world.pull(connection, path="t.csv", every="PT1H")
    assert (await arrivals(world)).json()["missed"] is None
    (world.files / "t.csv").unlink()
    await world.rows_of("UPDATE pulls SET due_at = now() - interval '1 minute' WHERE state = 'waiting'")
    [second, _] = (await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()
    failed = await world.carry(second["id"])
    missed = (await arrivals(world, first["version_id"])).json()["missed"]
    assert (missed["pull_id"], missed["because"]) == (failed["id"], failed["problem"]["code"])
    (world.files / "t.csv").write_bytes(csv())
    await world.rows_of("UPDATE pulls SET due_at = now() - interval '1 minute' WHERE state = 'waiting'")
    [third, *_] = (await world.call("GET", f"/v1/sources/{world.source_id}/pulls")).json()
    assert (await world.carry(third["id"]))["state"] == "done"
    assert (await arrivals(world)).json()["missed"] is None
