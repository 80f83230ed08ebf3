"""Versions pulled from a real PostgreSQL server."""

import asyncio
import json
from base64 import b64decode
from typing import Any

import pytest
from generation.connectors.conftest import PERSON, ROWS, Outside, World
from generation.connectors.policy_with_keys import KEY
from servers.asking import asks_for_the_password

from moneyer_shared import custody

EVERY_TYPE = [
    {"name": "key", "domain": {"kind": "text", "maximum_length": 40}, "role": "identifier"},
    {"name": "small", "domain": {"kind": "integer", "minimum": -40_000, "maximum": 40_000}},
    {"name": "big", "domain": {"kind": "integer", "minimum": -(2**50), "maximum": 2**50}},
    {
        "name": "money",
        "domain": {
            "kind": "decimal",
            "minimum": "-900000000000.00",
            "maximum": "900000000000.00",
            "scale": 2,
        },
    },
    {"name": "day", "domain": {"kind": "date", "minimum": "1900-01-01", "maximum": "2100-01-01"}},
    {
        "name": "at",
        "domain": {
            "kind": "timestamp",
            "minimum": "1900-01-01T00:00:00",
            "maximum": "2100-01-01T00:00:00",
            "resolution": "millisecond",
        },
    },
    {"name": "clock", "domain": {"kind": "time"}},
    {"name": "level", "domain": {"kind": "categorical", "categories": ["low", "high"]}, "nullable": True},
]


async def sealed(world: World, version_id: str) -> list[dict[str, Any]]:
    """The rows of a version's two parts, in the order of their first column."""
    found = []
    for part in ("train", "holdout"):
        name = f"sources/{world.source_id}/{version_id}/{part}.parquet"
        found += custody.read_table(world.dependencies.objects, name, b64decode(KEY)).to_pylist()
    return sorted(found, key=lambda row: str(next(iter(row.values()))))


async def test_a_table_is_pulled_checked_and_sealed_like_an_upload(world: World, through: str) -> None:
    pull = await world.pull(through, table="public.people")
    assert pull["state"] == "done", pull
    assert pull["rows"] == len(ROWS)
    [version] = await world.versions()
    assert version["id"] == pull["version_id"]
    assert version["train_rows"] + version["holdout_rows"] == len(ROWS)
    assert version["uploaded_by"] == "steward"
    assert version["pulled"]["asked"]["table"] == "public.people"
    assert version["pulled"]["digest"] == pull["digest"]
    text = "person,sex,age,income\n" + "".join(f"{p},{s},{a},{'' if i is None else i}\n" for p, s, a, i in ROWS)
    path = f"/v1/sources/{world.source_id}/versions"
    uploaded = await world.call("POST", path, content=text.encode(), headers={"Content-Type": "text/csv"})
    assert await sealed(world, version["id"]) == await sealed(world, uploaded.json()["id"])
    held = await world.call("GET", f"/v1/sources/{world.source_id}/held", scope="generation:objects:read")
    assert held.json()["version_id"] == uploaded.json()["id"], "monitors look at whatever came last, pulled or not"


async def test_types_come_out_exactly(world: World, outside: Outside, through: str) -> None:
    await outside.run(
        "CREATE TYPE level AS ENUM ('low', 'high')",
        "CREATE TABLE kinds (key uuid, small smallint, big bigint, money numeric(20,2), day date, at timestamp, clock time, level level)",
        """INSERT INTO kinds SELECT ('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, -32768 + g, 1125899906842624 - g,
           123456789012.01 + g, date '2000-02-29' + g, timestamp '2024-02-29 23:59:59.999', time '23:59:59',
           CASE WHEN g % 3 > 0 THEN 'high'::level END FROM generate_series(0, 99) g""",
        f"GRANT SELECT ON kinds TO {outside.name}",
    )
    await world.declare(EVERY_TYPE)
    pull = await world.pull(through, table="kinds")
    assert pull["state"] == "done", pull
    first = (await sealed(world, pull["version_id"]))[0]
    assert {name: str(value) for name, value in first.items()} == {
        "key": "00000000-0000-0000-0000-000000000000", "small": "-32768", "big": "1125899906842624", "money": "123456789012.01",
        "day": "2000-02-29", "at": "2024-02-29 23:59:59.999000", "clock": "23:59:59", "level": "None",
    }  # fmt: skip


async def test_a_query_is_told_to_the_owner_alone(world: World, through: str) -> None:
    query = f"SELECT * FROM people WHERE person <> '{PERSON}-3'"
    pull = await world.pull(through, query=query)
    assert pull["state"] == "done", pull
    assert pull["asked"]["query"] == query
    for other in ("scientist", "auditor"):
        seen = await world.look(pull["id"], other)
        assert (seen["asked"], seen["digest"], seen["rows"]) == (None, None, None)
        [version] = await world.versions(other)
        assert (version["pulled"]["asked"], version["pulled"]["digest"]) == (None, None)
        assert version["pulled"]["rows"] == 200, "199 people, to two figures"
    written = await world.all_that_was_written()
    assert PERSON not in written
    assert pull["digest"] not in written, "whoever guesses the table could hold the guess to it"
    event = next(json.loads(line) for line in written.splitlines() if "moneyer_pull" in line)
    facet = event["run"]["facets"]["moneyer_pull"]
    assert facet["asked"].startswith("sha256:")
    assert facet["rows"] == 200
    assert facet["connection_id"] == through
    assert event["outputs"][0]["name"] == world.source_id


async def test_the_secret_stands_nowhere(
    world: World, outside: Outside, through: str, caplog: pytest.LogCaptureFixture
) -> None:
    await world.pull(through, table="people")
    await world.pull(through, table="nowhere")
    kept = await world.rows_of(
        "SELECT to_jsonb(c)::text AS text FROM connections c UNION ALL SELECT to_jsonb(p)::text FROM pulls p"
    )
    everything = await world.all_that_was_written() + "".join(row["text"] for row in kept) + caplog.text
    assert outside.password not in everything
    assert outside.password not in (await world.call("GET", "/v1/connections")).text


@pytest.mark.parametrize(
    ("changes", "secret", "code"),
    [
        ({}, "wrong", "credentials-refused"),
        ({"user": "nobody"}, None, "credentials-refused"),
        ({"database": "nowhere"}, None, "not-found"),
        ({"port": 1}, None, "unreachable"),
        ({"tls": "verify-full"}, None, "tls-refused"),
        ({"host": "no-such-host.invalid"}, None, "not-allowed"),
    ],
)
async def test_what_stands_in_the_way_is_said_in_our_words(
    world: World, outside: Outside, changes: dict[str, Any], secret: str | None, code: str
) -> None:
    (world.folder / "secrets" / "s").write_text(secret or outside.password)
    connection = await world.connect(outside.target | changes, "file:s")
    pull = await world.pull(connection, table="people")
    assert pull["state"] == "failed"
    assert pull["problem"]["code"] == code
    told = json.dumps(pull["problem"])
    assert not [word for word in (outside.password, outside.name, "nobody", "127.0.0.1", "no-such") if word in told]
    assert await world.nothing_is_left()
    assert (await world.test(connection))["problem"]["code"] == code


async def test_a_connection_is_tested_by_the_worker(world: World, through: str) -> None:
    seen = await world.test(through)
    assert seen["problem"] is None
    assert seen["tested_at"] is not None


async def test_a_schema_that_moved_is_told_by_its_columns(world: World, outside: Outside, through: str) -> None:
    await outside.run("ALTER TABLE people RENAME COLUMN age TO years")
    pull = await world.pull(through, table="people")
    assert pull["problem"]["code"] == "schema-moved"
    assert {(one["code"], one["column"]) for one in pull["problem"]["reasons"]} == {
        ("column-missing", "age"), ("column-undeclared", "number 3"),
    }  # fmt: skip
    assert (await world.pull(through, query="SELECT person, sex, age, income FROM people"))["problem"][
        "code"
    ] == "schema-moved"
    await outside.run(
        "ALTER TABLE people RENAME COLUMN years TO age", "ALTER TABLE people ALTER age TYPE text USING 'about ' || age"
    )
    pull = await world.pull(through, table="people")
    assert pull["problem"]["code"] == "table-invalid"
    [reason] = pull["problem"]["reasons"]
    assert (reason["code"], reason["column"], reason["row"]) == ("value-unreadable", "age", 1)
    assert "about" not in json.dumps(pull["problem"])
    await outside.run("DROP TABLE people")
    assert (await world.pull(through, table="people"))["problem"]["code"] == "not-found"
    assert await world.nothing_is_left()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT 1; SELECT 2", "query-refused"),
        ("SELECT * FROM people; DROP TABLE people", "query-refused"),
        ("SELECT * FROM people) AS a; DROP TABLE people; --", "query-refused"),
        ("DELETE FROM people RETURNING *", "query-refused"),
        ("WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone", "query-refused"),
        ("SELECT set_config('transaction_read_only', 'off', false)", "query-failed"),
        ("COPY people TO '/tmp/moneyer-stolen'", "query-refused"),
        ("SHOW ALL", "query-refused"),
        ("SELECT pg_read_file('/etc/passwd')", "not-permitted"),
        ("SELECT 1/0", "query-failed"),
        ("SELECT 1 AS a, 2 AS a", "query-refused"),
        ("SELECT passwd FROM pg_shadow", "not-permitted"),
    ],
)
async def test_one_select_and_nothing_else(world: World, outside: Outside, through: str, query: str, code: str) -> None:
    await outside.run(f"GRANT ALL ON people TO {outside.name}")
    pull = await world.pull(through, query=query)
    assert pull["state"] == "failed"
    assert pull["problem"]["code"] == code, pull["problem"]
    assert await outside.value("SELECT count(*) FROM people") == len(ROWS)
    assert await world.nothing_is_left()


async def test_a_table_name_is_taken_literally(world: World, outside: Outside, through: str) -> None:
    await outside.run(
        'CREATE TABLE "people""; DROP TABLE people; --" AS SELECT * FROM people',
        f'GRANT SELECT ON "people""; DROP TABLE people; --" TO {outside.name}',
    )
    assert (await world.pull(through, table='people"; DROP TABLE people; --'))["state"] == "done"
    assert await outside.value("SELECT count(*) FROM people") == len(ROWS)


async def test_a_slow_server_does_not_hold_a_worker(world: World, through: str) -> None:
    world.with_settings(pull_seconds=2.0)
    pull = await world.pull(through, query="SELECT p.* FROM people p, pg_sleep(60)")
    assert pull["problem"]["code"] == "too-slow"
    assert await world.nothing_is_left()


async def test_a_server_that_drips_does_not_either(world: World) -> None:
    """It takes the connection and says a byte now and then, whatever it is asked."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for byte in b"R\0\0\0\x17\0\0\0\nSCRAM-SHA-256\0\0":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.3)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = {"kind": "postgres", "host": "127.0.0.1", "port": port, "database": "d", "user": "u", "tls": "none"}
    (world.folder / "secrets" / "s").write_text("pw")
    world.with_settings(pull_seconds=2.0)
    pull = await world.pull(await world.connect(target, "file:s"), table="people")
    server.close()
    assert pull["problem"]["code"] == "too-slow"
    assert await world.nothing_is_left()


async def test_a_server_that_asks_for_the_password_does_not_get_it(world: World) -> None:
    (world.folder / "secrets" / "s").write_text("a-password")
    async with asks_for_the_password() as (target, heard):
        pull = await world.pull(await world.connect(target, "file:s"), table="people")
    assert pull["problem"]["code"] == "credentials-refused"
    assert b"user" in heard
    assert b"a-password" not in heard


async def test_more_than_a_table_may_hold_is_refused_as_it_comes(world: World, through: str) -> None:
    world.with_settings(maximum_table_bytes=2_000_000)
    query = "SELECT person, sex, age, income FROM people, generate_series(1, 1000)"
    assert (await world.pull(through, query=query))["problem"]["code"] == "too-large"
    await world.declare(row_limit=50)
    assert (await world.pull(through, table="people"))["problem"]["code"] == "too-large"
    world.with_settings(maximum_table_bytes=2**34, pull_mebibytes=200)
    query = "SELECT repeat(person, 40000000) AS person, sex, age, income FROM people LIMIT 1"
    assert (await world.pull(through, query=query))["problem"]["code"] in {"too-large", "driver-failed"}
    assert await world.nothing_is_left()
