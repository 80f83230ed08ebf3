"""A worker is killed in the middle of a pull: nothing is left of it, and another worker takes it up."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from conftest import settings_of
from generation.connectors.conftest import ROWS, Outside, World

HERE = Path(__file__).parent


@asynccontextmanager
async def worker(world: World) -> AsyncIterator[asyncio.subprocess.Process]:
    kept = world.settings
    told = settings_of(kept.database_url.get_secret_value()) | {
        "policy_url": "http://x", "evaluation_url": "http://x", "objects_url": kept.objects_url, "heartbeat_seconds": 2.0,
        "connector_secrets": str(kept.connector_secrets), "connector_hosts": list(kept.connector_hosts), "keep_spare": False,
        "connector_certificates": kept.connector_certificates and str(kept.connector_certificates),
    }  # fmt: skip
    tests = str(HERE.parents[1])
    environment = os.environ | {"PYTHONPATH": f"{tests}:{os.environ.get('PYTHONPATH', ':'.join(sys.path))}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "killed_worker.py"),
        json.dumps(told),
        str(world.folder / "policy.jsonl"),
        env=environment,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until(seen: Callable[[], Awaitable[Any]], seconds: float = 90) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await seen()):
            await asyncio.sleep(0.1)
        return found


async def state_of(world: World, pull_id: str) -> Any:
    [row] = await world.rows_of(f"SELECT * FROM pulls WHERE id = '{pull_id}'")
    return row


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_a_worker_killed_while_it_fetches(world: World, outside: Outside, through: str) -> None:
    query = "SELECT * FROM people UNION ALL SELECT p.* FROM people p, pg_sleep(600)"
    pull_id = (await world.ask(through, query=query)).json()["id"]
    async with worker(world) as first:
        await until(lambda: is_in(world, pull_id, "fetching"))
        await until(lambda: runs_outside(outside))
        [child] = children_of(first.pid)
        first.kill()
        await first.wait()
        await until(lambda: has_gone(child))
    await until(lambda: does_not_run_outside(outside))
    assert await world.nothing_is_left()
    assert world.policy.made == 0
    async with worker(world):
        await until(lambda: attempts(world, pull_id, 2))
        assert (await world.call("POST", f"/v1/pulls/{pull_id}:cancel")).status_code == 202
        await until(lambda: is_in(world, pull_id, "cancelled"))
    await until(lambda: does_not_run_outside(outside))
    assert await world.nothing_is_left()


async def test_a_worker_killed_between_sealing_and_keeping(world: World, through: str) -> None:
    """Both parts lie sealed and a key was made, and the version is not kept: the next worker clears that and goes on."""
    pull_id = (await world.ask(through, table="people")).json()["id"]
    lock = await asyncpg.connect(world.url)
    try:
        await lock.execute("BEGIN; LOCK TABLE source_versions IN SHARE MODE")
        async with worker(world) as first:
            await until(lambda: is_in(world, pull_id, "sealing"))
            await until(lambda: has_sealed(world, 2))
            first.kill()
            await first.wait()
    finally:
        await lock.close()
    begun = (await state_of(world, pull_id))["planned_version"]
    assert len(world.policy.open_keys) == 1
    async with worker(world):
        await until(lambda: is_in(world, pull_id, "done"))
    [version] = await world.versions()
    assert version["id"] != str(begun)
    assert version["train_rows"] + version["holdout_rows"] == len(ROWS)
    assert {path.parent.name for path in world.objects.rglob("*.parquet")} == {version["id"]}
    assert world.policy.made == 2
    assert world.policy.open_keys == {f"source:{world.source_id}:{version['id']}"}


async def test_a_pull_that_takes_its_worker_with_it_is_given_up(world: World, through: str) -> None:
    pull_id = (await world.ask(through, table="people")).json()["id"]
    await world.rows_of(f"UPDATE pulls SET attempt = 4, state = 'fetching' WHERE id = '{pull_id}'")
    ended = await world.carry(pull_id)
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "interrupted")
    assert await world.nothing_is_left()


async def is_in(world: World, pull_id: str, state: str) -> bool:
    return bool((await state_of(world, pull_id))["state"] == state)


async def attempts(world: World, pull_id: str, count: int) -> bool:
    row = await state_of(world, pull_id)
    return bool(row["attempt"] >= count and row["state"] == "fetching")


async def has_sealed(world: World, count: int) -> bool:
    return len([path for path in world.objects.rglob("*.parquet") if path.is_file()]) >= count


async def has_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()


async def runs_outside(outside: Outside) -> bool:
    query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{outside.name}' AND state = 'active'"
    return bool(await outside.value(query))


async def does_not_run_outside(outside: Outside) -> bool:
    """A server hears of a caller's death when it next sends; the tests do not wait for its sleep to end."""
    await outside.value(
        f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{outside.name}'"
    )
    return not await runs_outside(outside)
