"""A worker is killed in the middle of a delivery: nothing half lies there, and nothing twice."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import obstore
from conftest import Cluster, settings_of
from generation.connectors.conftest import Outside
from generation.connectors.test_kills import until
from generation.connectors.test_stores import bucket, target
from generation.deliveries.conftest import World, rows
from generation.deliveries.test_tables import rows_of, tables_in
from seaweed import S3, SECRET, s3

__all__ = ["bucket", "s3"]
HERE = Path(__file__).parent


@asynccontextmanager
async def worker(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    kept = world.dependencies.settings
    told = settings_of(kept.database_url.get_secret_value()) | {
        "policy_url": "http://x", "evaluation_url": "http://x", "objects_url": kept.objects_url, "heartbeat_seconds": 2.0,
        "connector_secrets": str(kept.connector_secrets), "connector_hosts": list(kept.connector_hosts), "keep_spare": False,
        "connector_files": str(kept.connector_files),
    }  # fmt: skip
    environment = os.environ | {"PYTHONPATH": f"{HERE.parents[1]}:{os.environ.get('PYTHONPATH', ':'.join(sys.path))}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "generation.deliveries.killed_worker", json.dumps(told), str(world.folder / "policy.jsonl"),
        env=environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def state_of(world: World, delivery: str) -> Any:
    [row] = await world.sql(f"SELECT * FROM deliveries WHERE id = '{delivery}'")
    return row


async def is_in(world: World, delivery: str, *states: str) -> bool:
    return (await state_of(world, delivery))["state"] in states


async def has_waiting_session(outside: Outside) -> bool:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{outside.name}' AND wait_event_type = 'Lock'"
    return bool(await outside.value(query))


async def test_killed_while_the_table_is_written(
    world: World, cluster: Cluster, outside: Outside, through: str
) -> None:
    """The database holds it back at the first row; the worker dies there, and the next one begins anew."""
    await outside.run(
        "CREATE TABLE gate (open boolean)",
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
        " 'BEGIN LOCK TABLE gate IN ACCESS SHARE MODE; RETURN NEW; END'",
        """CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
           DECLARE made record; BEGIN
             FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE command_tag = 'CREATE TABLE' LOOP
               EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION hold()', made.objid::regclass);
             END LOOP; END $$""",
        "CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch()",
        f"ALTER ROLE {outside.name} SET lock_timeout = 0",
    )
    asset = await world.asset(500)
    delivery = (await world.ask(asset, through, table="made")).json()["id"]
    lock = await asyncpg.connect(cluster.url(outside.name))
    try:
        await lock.execute("BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE")
        async with worker(world) as first:
            await until(lambda: has_waiting_session(outside))
            first.kill()
            await first.wait()
    finally:
        await lock.close()
    assert "public.made" not in await tables_in(outside)
    assert await is_in(world, delivery, "delivering")
    async with worker(world):
        await until(lambda: is_in(world, delivery, "done", "failed"))
    assert await is_in(world, delivery, "done"), await state_of(world, delivery)
    assert await rows_of(cluster, outside, "made") == rows(500)
    assert (await state_of(world, delivery))["attempt"] == 2


async def test_killed_between_the_commit_there_and_ours(
    world: World, cluster: Cluster, outside: Outside, through: str
) -> None:
    """The table lies there, and the end of the delivery is held back: the next worker finds it, and writes nothing."""
    asset = await world.asset(50)
    delivery = (await world.ask(asset, through, table="made")).json()["id"]
    lock = await asyncpg.connect(world.url)
    try:
        await lock.execute("BEGIN; LOCK TABLE outbox IN SHARE MODE")
        async with worker(world) as first:
            await until(lambda: is_there(outside, "public.made"))
            first.kill()
            await first.wait()
    finally:
        await lock.close()
    oid = await outside.value("SELECT 'made'::regclass::oid")
    assert await is_in(world, delivery, "delivering")
    world.policy.refuse("asset-withdrawn")
    async with worker(world):
        await until(lambda: is_in(world, delivery, "done", "failed", "refused"))
    assert await is_in(world, delivery, "done"), "it was delivered while it might be, and the record says so"
    assert await outside.value("SELECT 'made'::regclass::oid") == oid
    assert (await state_of(world, delivery))["attempt"] == 1
    told = await world.sql("SELECT count(*) AS n FROM outbox WHERE payload->>'action' = 'asset.deliver'")
    assert told[0]["n"] == 1
    assert world.policy.copies == {delivery}


async def is_there(outside: Outside, name: str) -> bool:
    return name in await tables_in(outside)


async def test_killed_between_what_stands_beside_and_the_table(world: World, s3: S3, bucket: Any) -> None:
    """The place is claimed and the table is not there yet: who takes it up clears that away and begins anew."""
    (world.folder / "secrets" / "bucket").write_text(SECRET)
    store = await world.connect(target(s3.endpoint), "file:bucket")
    asset = await world.asset()
    delivery = (await world.ask(asset, store, path="kill/made.csv")).json()["id"]
    claim = json.dumps({"delivery": delivery, "schema": {"sha256": "0" * 64}})
    obstore.put(bucket, "kill/made.csv.moneyer.json", claim.encode())
    await world.sql("UPDATE deliveries SET state = 'delivering', opened = true, attempt = 1, begun_at = now()")
    ended = await world.carry(delivery)
    assert ended["state"] == "done", ended
    found = {entry["path"] for page in obstore.list(bucket, "kill/") for entry in page}
    assert found == {"kill/made.csv", "kill/made.csv.moneyer.json", "kill/made.csv.odcs.json"}
    assert json.loads(obstore.get(bucket, "kill/made.csv.moneyer.json").bytes().to_bytes())["asset"] == asset


async def test_a_wish_to_end_is_heard_while_the_table_is_written(
    world: World, cluster: Cluster, outside: Outside, through: str
) -> None:
    lock = await asyncpg.connect(cluster.url(outside.name))
    delivery = (await world.ask(await world.asset(), through, table="made")).json()["id"]
    try:
        # Two transactions that make one table: the second waits for what the first makes of it.
        await lock.execute("BEGIN; CREATE TABLE made (a int)")
        carried = asyncio.create_task(world.carry(delivery))
        await until(lambda: has_waiting_session(outside))
        assert (await world.ask_for("POST", f"/v1/deliveries/{delivery}:cancel")).json()["state"] == "delivering"
        ended = await carried
    finally:
        await lock.close()
    assert (ended["state"], ended["problem"]) == ("cancelled", None)
    assert await tables_in(outside) == {"public.people"}
    assert world.policy.copies == set()
