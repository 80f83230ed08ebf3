"""Versions pulled from a real MariaDB server."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa
import pytest
from generation.connectors.conftest import PERSON, ROWS, World
from generation.connectors.test_kills import children_of, has_gone, is_in, until, worker
from generation.connectors.test_postgres import sealed
from servers.mariadb import MariaDb, MariaOutside, mariadb

from moneyer_generation.connectors import mysql
from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.reach import Reach

__all__ = ["mariadb"]


@pytest.fixture
def maria(mariadb: MariaDb) -> MariaOutside:
    made = mariadb.fresh()
    values = ", ".join(f"('{p}', '{s}', {a}, {'NULL' if i is None else i})" for p, s, a, i in ROWS)
    made.run(
        "CREATE TABLE people (person varchar(40), sex enum('f', 'm'), age int, income double)",
        f"INSERT INTO people VALUES {values}",
        f"GRANT SELECT ON people TO {made.name}@'%'",
        *(f"GRANT SELECT ON {numbers} TO {made.name}@'%'" for numbers in ("seq_1_to_500", "seq_1_to_100000")),
    )
    return made


@pytest.fixture
async def through(world: World, maria: MariaOutside) -> str:
    world.with_settings(connector_certificates=maria.server.certificate)
    (world.folder / "secrets" / "maria").write_text(maria.password + "\n")
    return await world.connect(maria.target, "file:maria")


async def test_a_table_of_mariadb_is_pulled_over_tls(world: World, through: str, maria: MariaOutside) -> None:
    assert (await world.test(through))["problem"] is None
    pull = await world.pull(through, table="people")
    assert pull["state"] == "done", pull
    rows = await sealed(world, pull["version_id"])
    assert [(row["person"], row["sex"], row["age"], row["income"]) for row in rows] == sorted(ROWS)
    pull = await world.pull(through, table=f"{maria.name}.people")
    assert pull["state"] == "done", pull
    written = await world.all_that_was_written()
    assert PERSON not in written
    assert maria.password not in written


async def test_a_query_of_mariadb_may_end_in_a_comment(world: World, through: str) -> None:
    pull = await world.pull(through, query="SELECT *, ')' AS `)` FROM people WHERE age >= 30 -- ) and a comment (")
    assert pull["problem"]["code"] == "schema-moved", pull
    pull = await world.pull(through, query="SELECT * FROM people WHERE person <> ')' AND age >= 30; # ) the end (")
    assert pull["problem"]["code"] == "query-refused", "a second statement might follow"
    pull = await world.pull(through, query="SELECT * FROM people WHERE person <> ')' AND age >= 30 # ) the end (")
    assert (pull["state"], pull["rows"]) == ("done", sum(row[2] >= 30 for row in ROWS)), pull


# --- types, row by row ----------------------------------------------------------------------------

WIDEST = "12345678901234567890123456789012345.000000000000000000000000000001"
TYPES = [
    ("tinyint(1)", "2, -128, NULL", "int8", "[2, -128, None]"),
    ("tinyint unsigned", "255", "uint8", "[255]"),
    ("mediumint", "-8388608", "int32", "[-8388608]"),
    ("int(11) unsigned zerofill", "42", "uint32", "[42]"),
    ("bigint", "-9223372036854775808", "int64", "[-9223372036854775808]"),
    ("bigint unsigned", "18446744073709551615", "uint64", "[18446744073709551615]"),
    ("decimal(65,30)", WIDEST, "decimal256(65, 30)", f"[Decimal('{WIDEST}')]"),
    ("decimal(5,2) unsigned", "1.5", "decimal128(5, 2)", "[Decimal('1.50')]"),
    ("decimal(3,3)", "-0.125", "decimal128(3, 3)", "[Decimal('-0.125')]"),
    ("float", "16777215, 1.1", "float", "[16777215.0, 1.100000023841858]"),
    ("float(10,1)", "8388607.5", "float", "[8388607.5]"),
    ("double", "0.1, -5e-324, 1.7976931348623157e308", "double", "[0.1, -5e-324, 1.7976931348623157e+308]"),
    ("double(20,2)", "70368744177664.12", "double", "[70368744177664.12]"),
    ("bit(1)", "1, 0, NULL", "bool", "[True, False, None]"),
    ("bit(64)", "18446744073709551615, 256", "uint64", "[18446744073709551615, 256]"),
    ("year", "2024, 1901", "int16", "[2024, 1901]"),
    ("date", "'9999-12-31'", "date32[day]", "[datetime.date(9999, 12, 31)]"),
    ("datetime(6)", "'2024-02-29 23:59:59.999999'", "timestamp[us]", "[datetime.datetime(2024, 2, 29, 23, 59, 59, 999999)]"),
    ("timestamp(3) NULL", "'2024-03-01 02:59:59.999'", "timestamp[us, tz=UTC]", "[datetime.datetime(2024, 2, 29, 23, 59, 59, 999000, tzinfo=zoneinfo.ZoneInfo(key='UTC'))]"),
    ("time(6)", "'23:59:59.000001'", "time64[us]", "[datetime.time(23, 59, 59, 1)]"),
    ("enum('a','é')", "'é'", "large_string", "['é']"),
    ("set('x','y')", "'y,x'", "large_string", "['x,y']"),
    ("json", "'{\"a\": 18446744073709551616}'", "large_string", "['{\"a\": 18446744073709551616}']"),
    ("char(5) character set latin1", "'é€'", "large_string", "['é€']"),
    ("varchar(9) character set utf8mb4 collate utf8mb4_bin", "'Ünï😀'", "large_string", "['Ünï😀']"),
    ("varchar(9) character set ucs2", "'é'", "large_string", "['é']"),
    ("longtext", "''", "large_string", "['']"),
    ("varbinary(9)", "x'00ff'", "large_binary", "[b'\\x00\\xff']"),
    ("binary(4)", "'ab'", "fixed_size_binary[4]", "[b'ab\\x00\\x00']"),
    ("blob", "'x'", "large_binary", "[b'x']"),
    ("uuid", "'00000000-0000-0000-0000-000000000001'", "large_string", "['00000000-0000-0000-0000-000000000001']"),
    ("inet6", "'::1'", "large_string", "['::1']"),
]  # fmt: skip


def read(maria: MariaOutside, **asked: str) -> pa.Table:
    target = maria.target | {"tls": "none"}
    with mysql.reading(target, asked, maria.password, Reach(frozenset({"127.0.0.1"})), 60) as (schema, batches):
        return pa.Table.from_batches(batches, schema)


@pytest.mark.parametrize(("kind", "values", "arrow", "expected"), TYPES)
def test_a_value_of_mariadb_comes_as_what_it_is(
    maria: MariaOutside, kind: str, values: str, arrow: str, expected: str
) -> None:
    """By the name of the table and by a query; what was written in the server's own time zone comes in UTC."""
    maria.run(
        f"CREATE TABLE t (n int auto_increment primary key, v {kind})",
        *(f"INSERT INTO t (v) VALUES ({value})" for value in (values.split(", ") if "{" not in values else [values])),
        f"GRANT SELECT ON t TO {maria.name}@'%'",
    )
    for asked in ({"table": "t"}, {"query": "SELECT n, v FROM t ORDER BY n"}):
        column = read(maria, **asked).column("v")
        assert (str(column.type), repr(column.to_pylist())) == (arrow, expected)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("date", "'0000-00-00'", "a day of the calendar: no zero in year, month or day"),
        ("date", "'2024-00-10'", "a day of the calendar: no zero in year, month or day"),
        ("datetime", "'0000-00-00 00:00:00'", "a day of the calendar: no zero in year, month or day"),
        ("timestamp NULL", "0", "a day of the calendar: no zero in year, month or day"),
        ("time", "'24:00:00'", "a time of the day: not negative, before 24:00:00"),
        ("time", "'838:59:59'", "a time of the day: not negative, before 24:00:00"),
        ("time(3)", "'-00:00:00.001'", "a time of the day: not negative, before 24:00:00"),
        ("year", "0", "a year: not 0000, which says that there is none"),
    ],
)
def test_a_value_that_is_none_is_refused_by_its_place(
    maria: MariaOutside, kind: str, value: str, expected: str
) -> None:
    maria.run(
        f"CREATE TABLE t (n int, v {kind})",
        f"SET STATEMENT sql_mode='' FOR INSERT INTO t VALUES (1, NULL), (2, {value})",
        f"GRANT SELECT ON t TO {maria.name}@'%'",
    )
    with pytest.raises(Fault) as fault:
        read(maria, table="t")
    assert fault.value.code == "table-invalid"
    [reason] = fault.value.reasons
    assert (reason["column"], reason["row"], reason["expected"]) == ("v", 2, expected)
    assert fault.value.reasons[0]["actual"] == "another value"


def test_a_type_that_no_table_has_is_refused(maria: MariaOutside) -> None:
    maria.run("CREATE TABLE t (v point)", f"GRANT SELECT ON t TO {maria.name}@'%'")
    with pytest.raises(Fault) as fault:
        read(maria, table="t")
    assert (fault.value.code, fault.value.reasons[0]["column"]) == ("table-invalid", "v")
    assert (
        str(read(maria, query="SELECT ST_AsText(v) AS v, NULL AS n FROM t").schema.types)
        == "[DataType(large_string), DataType(null)]"
    )


def test_rows_come_in_batches_however_many_they_are(maria: MariaOutside) -> None:
    target = maria.target | {"tls": "none"}
    query = {"query": "SELECT seq, repeat('x', 100000) AS v FROM seq_1_to_500"}
    with mysql.reading(target, query, maria.password, Reach(frozenset({"127.0.0.1"})), 60) as (_, batches):
        sizes = [batch.num_rows for batch in batches]
    assert sum(sizes) == 500
    assert max(sizes) < 50, "four MiB at a time"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT 1; SELECT 2", "query-refused"),
        ("SELECT * FROM people; DROP TABLE people", "query-refused"),
        ("SELECT 1) AS a; DROP TABLE people; -- ", "query-refused"),
        ("SELECT 1) AS a UNION SELECT 1 INTO OUTFILE '{}/stolen' FROM (SELECT 1", "query-refused"),
        ("SELECT 1 INTO OUTFILE '{}/stolen'", "query-refused"),
        ("SELECT '\\'') AS a, (SELECT 2 -- '", "query-refused"),
        ("SELECT 1 /*!50000 ) AS a, (SELECT 2 */", "query-refused"),
        ("SELECT 1 /*M! ) AS a, (SELECT 2 */", "query-refused"),
        ("SELECT 1 /*!50000 ) AS a UNION SELECT 1 INTO OUTFILE '{}/stolen' FROM (SELECT 1 */", "query-refused"),
        ("SELECT 1 /*M! ) AS a UNION SELECT 1 INTO OUTFILE '{}/stolen' FROM (SELECT 1 */", "query-refused"),
        ("SELECT 1 --1) AS a UNION SELECT 1 INTO OUTFILE '{}/stolen' FROM (SELECT 1", "query-refused"),
        ("DELETE FROM people", "query-refused"),
        ("SELECT drop_it() AS a", "query-refused"),
        ("SELECT * FROM people PROCEDURE analyse()", "query-refused"),
        ("SELECT 1 AS a, 2 AS a", "query-refused"),
        ("SELECT nothing FROM people", "schema-moved"),
        ("SELECT * FROM mysql.global_priv", "not-permitted"),
        ("SELECT * FROM nothing", "not-found"),
        ("SELECT cast(1 AS unsigned) - 2 AS a FROM people", "query-failed"),
    ],
)
async def test_one_select_of_mariadb_and_nothing_else(
    world: World, maria: MariaOutside, through: str, query: str, code: str
) -> None:
    """Though its user might do everything there, and write files."""
    maria.run(
        "CREATE FUNCTION drop_it() RETURNS int BEGIN DELETE FROM people; RETURN 1; END",
        f"GRANT ALL ON {maria.name}.* TO {maria.name}@'%'",
        f"GRANT FILE ON *.* TO {maria.name}@'%'",
    )
    pull = await world.pull(through, query=query.replace("{}", str(maria.server.certificate.parent)))
    assert pull["problem"]["code"] == code, pull["problem"]
    assert maria.value("SELECT count(*) FROM people") == len(ROWS)
    assert not (maria.server.certificate.parent / "stolen").exists()
    assert await world.nothing_is_left()


async def test_a_table_of_mariadb_is_named_literally(world: World, maria: MariaOutside, through: str) -> None:
    name = "people`; DROP TABLE people; -- "
    quoted = name.replace("`", "``").strip()
    maria.run(f"CREATE TABLE `{quoted}` AS SELECT * FROM people", f"GRANT SELECT ON `{quoted}` TO {maria.name}@'%'")
    assert (await world.pull(through, table=name.strip()))["state"] == "done"
    assert maria.value("SELECT count(*) FROM people") == len(ROWS)


async def test_what_goes_wrong_at_mariadb_is_said_in_our_words(world: World, maria: MariaOutside, through: str) -> None:
    (world.folder / "secrets" / "wrong").write_text("not-the-password")
    maria.run("CREATE TABLE hidden (a int)")
    for changes, secret, table, code in (
        ({}, "wrong", "people", "credentials-refused"),
        ({"user": "nobody-known"}, "maria", "people", "credentials-refused"),
        ({"database": "no-such"}, "maria", "people", "not-found"),
        ({"port": 1}, "maria", "people", "unreachable"),
        ({"host": "localhost"}, "maria", "people", "tls-refused"),
        ({}, "maria", "hidden", "not-permitted"),
        ({}, "maria", "no-such", "not-permitted"),
    ):  # fmt: skip
        connection = await world.connect(maria.target | changes, f"file:{secret}")
        pull = await world.pull(connection, table=table)
        assert pull["problem"]["code"] == code, (changes, pull["problem"])
        told = json.dumps(pull["problem"])
        assert not [
            word for word in (maria.password, maria.name, "nobody-known", "127.0.0.1", "no-such") if word in told
        ]
    world.with_settings(connector_certificates=None)
    assert (await world.pull(through, table="people"))["problem"]["code"] == "tls-refused", (
        "no public authority knows it"
    )
    world.with_settings(connector_hosts=())
    connection = await world.connect(maria.target | {"tls": "none"}, "file:maria")
    assert (await world.pull(connection, table="people"))["problem"]["code"] == "not-allowed"
    assert await world.nothing_is_left()


async def test_a_schema_of_mariadb_that_moved(world: World, maria: MariaOutside, through: str) -> None:
    maria.run("ALTER TABLE people CHANGE age years int")
    pull = await world.pull(through, table="people")
    assert pull["problem"]["code"] == "schema-moved"
    assert ("column-missing", "age") in {(one["code"], one["column"]) for one in pull["problem"]["reasons"]}
    maria.run("ALTER TABLE people DROP years, ADD age date")
    assert (await world.pull(through, table="people"))["problem"]["code"] == "table-invalid"
    assert await world.nothing_is_left()


# --- time -----------------------------------------------------------------------------------------


async def test_a_slow_query_ends_at_the_server_too(world: World, maria: MariaOutside, through: str) -> None:
    """The limit is the server's: it tells of it itself, and does not work on for nobody."""
    world.with_settings(pull_seconds=3.0)
    pull = await world.pull(through, query="SELECT p.* FROM people p WHERE sleep(60) = 0")
    assert pull["problem"]["code"] == "too-slow"
    await until(lambda: rests(maria))
    assert await world.nothing_is_left()


async def rests(maria: MariaOutside) -> bool:
    query = f"SELECT count(*) FROM information_schema.processlist WHERE user = '{maria.name}'"
    return not maria.value(query)


@pytest.fixture
async def own_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MariaDb]:
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    await asyncio.to_thread(server.make)
    await server.start()
    yield server
    await server.kill()


async def test_a_server_killed_half_way(world: World, own_server: MariaDb) -> None:
    maria = own_server.fresh()
    maria.run(f"GRANT SELECT ON seq_1_to_100000 TO {maria.name}@'%'")
    (world.folder / "secrets" / "maria").write_text(maria.password)
    world.with_settings(connector_certificates=own_server.certificate)
    connection = await world.connect(maria.target, "file:maria")
    query = "SELECT concat('p', seq) AS person, 'f' AS sex, 1 AS age, repeat('9', 60000) + sleep(0.01) AS income FROM seq_1_to_100000"
    pulling = asyncio.create_task(world.pull(connection, query=query))
    await until(lambda: has_begun(maria))
    await own_server.kill()
    ended = await pulling
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "unreachable")
    assert await world.nothing_is_left()


async def has_begun(maria: MariaOutside) -> bool:
    query = f"SELECT count(*) FROM information_schema.processlist WHERE user = '{maria.name}' AND info LIKE '%sleep%' AND time_ms > 500"
    return bool(maria.value(query))


async def test_a_worker_killed_while_it_fetches_from_mariadb(world: World, maria: MariaOutside, through: str) -> None:
    pull_id = (await world.ask(through, query="SELECT p.* FROM people p WHERE sleep(600) = 0")).json()["id"]
    async with worker(world) as first:
        await until(lambda: is_in(world, pull_id, "fetching"))
        await until(lambda: has_begun(maria))
        [child] = children_of(first.pid)
        first.kill()
        await first.wait()
        await until(lambda: has_gone(child))
    assert await world.nothing_is_left()
    assert world.policy.made == 0


# --- what a server is told ------------------------------------------------------------------------


def greeting(plugin: bytes) -> bytes:
    """What a MySQL server says first, asking for a proof of that kind."""
    capabilities = 0xF7FF | 0x00080000 | 0x00200000
    said = b"\x0a8.0.40\0" + (1).to_bytes(4, "little") + b"12345678\0" + (capabilities & 0xFFFF).to_bytes(2, "little")
    said += (
        b"\x2d\x02\x00"
        + (capabilities >> 16).to_bytes(2, "little")
        + b"\x15"
        + bytes(10)
        + b"123456789012\0"
        + plugin
        + b"\0"
    )
    return len(said).to_bytes(3, "little") + b"\0" + said


def switch(plugin: bytes) -> bytes:
    said = b"\xfe" + plugin + b"\0" + b"1" * 20 + b"\0"
    return len(said).to_bytes(3, "little") + b"\2" + said


WANTS_ALL = b"\x02\0\0\2\x01\x04"
ASKING: list[tuple[bytes, bytes]] = [
    (b"mysql_native_password", switch(b"mysql_clear_password")),
    (b"mysql_native_password", switch(b"sha256_password")),
    (b"mysql_native_password", switch(b"dialog")),
    (b"mysql_native_password", switch(b"mysql_old_password")),
    (b"sha256_password", b""),
    (b"caching_sha2_password", WANTS_ALL),
]


@pytest.mark.parametrize(("plugin", "then"), ASKING)
async def test_a_mysql_server_that_asks_for_the_password_does_not_get_it(
    world: World, plugin: bytes, then: bytes
) -> None:
    heard = bytearray()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting(plugin))
        heard.extend(await reader.read(4096))
        writer.write(then)
        heard.extend(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(ask, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    target = {"kind": "mysql", "host": "127.0.0.1", "port": port, "database": "d", "user": "user", "tls": "none"}
    (world.folder / "secrets" / "s").write_text("a-password")
    pull = await world.pull(await world.connect(target, "file:s"), table="people")
    server.close()
    assert pull["problem"]["code"] == "credentials-refused"
    assert "CONNECTOR_HOSTS" in pull["problem"]["detail"]
    assert b"a-password" not in heard
    assert plugin == b"sha256_password" or b"user" in heard


async def test_a_secret_is_needed(world: World, maria: MariaOutside) -> None:
    body: dict[str, Any] = {"name": "c", "target": maria.target}
    assert (await world.call("POST", "/v1/connections", json=body)).status_code == 422
