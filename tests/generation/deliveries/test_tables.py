"""Released tables delivered into a real PostgreSQL server."""

import json
from typing import Any

import asyncpg
import pytest
from conftest import Cluster
from generation.connectors.conftest import Outside
from generation.deliveries.conftest import COLUMNS, World, rows
from servers.asking import asks_for_the_password

from moneyer_generation.describing.delivered import postgres_type
from moneyer_shared.contracts.generation import Column
from moneyer_shared.intake.meanings import IN_POSTGRES, MEANINGS


async def rows_of(cluster: Cluster, outside: Outside, table: str) -> list[Any]:
    connection = await asyncpg.connect(cluster.url(outside.name))
    try:
        return [tuple(row) for row in await connection.fetch(f"SELECT * FROM {table}")]
    finally:
        await connection.close()


async def tables_in(outside: Outside) -> set[str]:
    query = "SELECT array_agg(schemaname || '.' || tablename) FROM pg_tables WHERE schemaname NOT LIKE 'pg%' AND schemaname <> 'information_schema'"
    return set(await outside.value(query))


async def test_a_table_comes_to_lie_there_row_by_row(
    world: World, cluster: Cluster, outside: Outside, through: str
) -> None:
    asset = await world.asset(70_000)
    delivery = await world.deliver(asset, through, table="made")
    assert (delivery["state"], delivery["problem"], delivery["rows"]) == ("done", None, 70_000)
    found = await rows_of(cluster, outside, "made")
    assert found == rows(70_000), "all of them, in the order they were made in"
    types = await outside.value(
        "SELECT json_object_agg(attname, format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '' ELSE ' null' END)"
        " FROM pg_attribute WHERE attrelid = 'made'::regclass AND attnum > 0"
    )
    assert json.loads(types) == {
        "sex": "text", 'age, in "years"': "bigint null", "height": "double precision null", "born": "date",
        "seen": "timestamp(3) without time zone", "at": "time(3) without time zone null", "paid": "numeric(18,2)",
        "who": "text",
    }  # fmt: skip
    said = json.loads(await outside.value("SELECT obj_description('made'::regclass)"))
    assert (said["asset"], said["delivery"], said["form"]) == (asset, delivery["id"], "arrow")
    assert f"sha256:{said['sha256']}" == delivery["digest"]
    assert said["conditions"]["prohibitedUses"] == ["underwriting", "marketing"]
    assert world.policy.copies == {delivery["id"]}


@pytest.mark.parametrize("kind", list(MEANINGS))
def test_every_kind_has_its_type_there(kind: str) -> None:
    """Row by row of the table of meaning; that each holds every value is seen above, where they come back."""
    column = next((one for one in COLUMNS if one.domain.kind == kind), None)
    assert column is not None, "the table above has one of each"
    expected = IN_POSTGRES[kind].replace("scale", "2")
    assert postgres_type(column.domain) == expected


@pytest.mark.parametrize(
    "name",
    [
        'people"; DROP TABLE people; --', "odd name; DROP SCHEMA public CASCADE", "x) AS y; --", "$$ quoted $$", "'; --",
        "Σ´ü", "select", "a\\b", "%I%s",
    ],
)  # fmt: skip
async def test_a_name_is_taken_literally(
    world: World, cluster: Cluster, outside: Outside, through: str, name: str
) -> None:
    delivery = await world.deliver(await world.asset(), through, table=name)
    assert delivery["state"] == "done", delivery
    assert await tables_in(outside) == {"public.people", f"public.{name}"}
    assert await outside.value("SELECT count(*) FROM people") == 200


async def test_a_schema_is_named_or_the_users_own(world: World, outside: Outside, through: str) -> None:
    await outside.run(f'CREATE SCHEMA "my own" AUTHORIZATION {outside.name}')
    asset = await world.asset()
    assert (await world.deliver(asset, through, table="my own.made"))["state"] == "done"
    assert await tables_in(outside) == {"public.people", "my own.made"}
    for table in ("a.b.c", ".b", "a.", "x" * 64, "ü" * 32):
        assert (await world.ask(asset, through, table=table)).status_code == 422, table
    assert (await world.deliver(asset, through, table="nowhere.made"))["problem"]["code"] == "not-found"


async def test_what_is_there_is_never_written_over(world: World, outside: Outside, through: str) -> None:
    await outside.run("CREATE VIEW seen AS SELECT 1 AS one", f"GRANT ALL ON people TO {outside.name}")
    asset = await world.asset()
    for name in ("people", "seen", "public.people"):
        delivery = await world.deliver(asset, through, table=name)
        assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "place-taken")
    assert (await world.deliver(asset, through, table="made"))["state"] == "done"
    again = await world.deliver(asset, through, table="made")
    assert (again["state"], again["problem"]["code"]) == ("failed", "place-taken"), "another delivery's, the same rows"
    assert await tables_in(outside) == {"public.people", "public.made"}
    assert await outside.value("SELECT count(*) FROM people") == 200
    assert len(world.policy.copies) == 1, "what left nothing is no copy outside custody"


async def test_a_delivery_carried_twice_is_there_once(world: World, outside: Outside, through: str) -> None:
    """The first worker was lost after the database had committed, and before it could say so."""
    asset = await world.asset()
    delivery = await world.deliver(asset, through, table="made")
    oid = await outside.value("SELECT 'made'::regclass::oid")
    await world.sql(f"UPDATE deliveries SET state = 'delivering', begun_at = now() WHERE id = '{delivery['id']}'")
    world.policy.refuse("no-grant")
    again = await world.carry(delivery["id"])
    assert again["state"] == "done", "it lay there while the grant still counted"
    assert await outside.value("SELECT 'made'::regclass::oid") == oid


@pytest.mark.parametrize(
    ("changes", "secret", "code"),
    [
        ({}, "wrong", "credentials-refused"),
        ({"user": "nobody"}, None, "credentials-refused"),
        ({"database": "nowhere"}, None, "not-found"),
        ({"port": 1}, None, "unreachable"),
        ({"tls": "verify-full"}, None, "tls-refused"),
        ({"host": "no-such-host.invalid"}, None, "not-allowed"),
        ({"host": "169.254.169.254"}, None, "not-allowed"),
    ],
)
async def test_what_stands_in_the_way_is_said_in_our_words(
    world: World, outside: Outside, through: str, changes: dict[str, Any], secret: str | None, code: str
) -> None:
    (world.folder / "secrets" / "s").write_text(secret or outside.password)
    connection = await world.connect(outside.target | changes, "file:s")
    delivery = await world.deliver(await world.asset(), connection, table="made")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", code)
    told = json.dumps(delivery["problem"])
    assert not [word for word in (outside.password, outside.name, "nobody", "127.0.0.1", "no-such") if word in told]
    assert await tables_in(outside) == {"public.people"}
    assert world.policy.copies == set()


async def test_a_user_who_may_make_no_table(world: World, outside: Outside, through: str) -> None:
    await outside.run(f"REVOKE CREATE ON SCHEMA public FROM {outside.name}")
    delivery = await world.deliver(await world.asset(), through, table="made")
    assert delivery["problem"]["code"] == "not-permitted"


async def test_a_secret_that_is_missing_is_named(world: World, outside: Outside) -> None:
    connection = await world.connect(outside.target, "file:nowhere")
    delivery = await world.deliver(await world.asset(), connection, table="made")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "secret-missing")
    assert world.policy.copies == set()


async def test_rows_that_come_back_otherwise_are_not_kept(world: World, outside: Outside, through: str) -> None:
    """A database that changes what it is given: whoever owns it has a trigger put on every new table."""
    await outside.run(
        "CREATE FUNCTION blur() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.paid := round(NEW.paid); RETURN NEW; END'",
        """CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
           DECLARE made record; BEGIN
             FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
               EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION blur()', made.objid::regclass);
             END LOOP; END $$""",
        "CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch()",
    )
    delivery = await world.deliver(await world.asset(), through, table="made")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "not-as-recorded")
    assert await tables_in(outside) == {"public.people"}
    assert world.policy.copies == set()


async def test_columns_that_no_table_there_can_have_are_named_at_once(world: World, through: str) -> None:
    import pyarrow as pa

    names = ["ctid", "ü" * 32]
    whole = {"kind": "integer", "minimum": 0, "maximum": 9}
    columns = [Column.model_validate({"name": name, "domain": whole, "nullable": True}) for name in names]
    made = pa.table({name: pa.array([1, 2], pa.int64()) for name in names})
    answer = await world.ask(str(await world.released(columns, made)), through, table="made")
    assert (answer.status_code, answer.json()["code"]) == (422, "column-name-unfit")
    assert [one["column"] for one in answer.json()["reasons"]] == names


async def test_nothing_is_written_through_a_readers_connection(world: World, outside: Outside, through: str) -> None:
    reading = await world.connect(outside.target, "file:outside", uses=["pull"])
    answer = await world.ask(await world.asset(), reading, table="made")
    assert (answer.status_code, answer.json()["code"]) == (409, "connection-not-for-this")


async def test_a_server_that_asks_for_the_password_does_not_get_it(world: World) -> None:
    (world.folder / "secrets" / "s").write_text("a-password")
    async with asks_for_the_password() as (target, heard):
        delivery = await world.deliver(await world.asset(), await world.connect(target, "file:s"), table="made")
    assert delivery["problem"]["code"] == "credentials-refused"
    assert b"user" in heard
    assert b"a-password" not in heard


async def test_the_secret_stands_nowhere(
    world: World, outside: Outside, through: str, caplog: pytest.LogCaptureFixture
) -> None:
    asset = await world.asset()
    for name in ("made", "made", "nowhere.made"):
        await world.deliver(asset, through, table=name)
    kept = await world.sql(
        "SELECT to_jsonb(c)::text AS t FROM connections c UNION ALL SELECT to_jsonb(d)::text FROM deliveries d"
    )
    everything = await world.all_that_was_told() + "".join(row["t"] for row in kept) + caplog.text
    assert outside.password not in everything
    assert outside.password not in await outside.value("SELECT obj_description('made'::regclass)")
