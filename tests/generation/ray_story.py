"""Run inside a network namespace by test_ray.py: the state machine and its jobs on a real Ray head with a node."""

import asyncio
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from generation.conftest import KEY, World
from generation.test_child import DECLARATION

from moneyer_generation.execution.children import ChildFailed, JobLimits
from moneyer_generation.execution.ray_children import RayChildren
from moneyer_generation.use_cases.runs import asset_object, carry_run
from moneyer_shared import custody
from moneyer_shared.errors import Unavailable
from moneyer_shared.exact import arrow_schema

ADDRESS = "127.0.0.1:6399"
QUICK = {"epsilon": "1", "delta": "0.000001", "iterations": 100}


def ray(*command: str) -> None:
    program = Path(sys.executable).with_name("ray")
    ended = subprocess.run([program, *command], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
async def head(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[None]:
    folder = Path(f"/tmp/ray-{os.getpid()}")  # its sockets' paths must stay short
    ray(
        "start", "--head", "--port=6399", "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats",
        "--node-ip-address=127.0.0.1", f"--temp-dir={folder}", "--object-store-memory=100000000",
    )  # fmt: skip
    yield
    ray("stop", "--force")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def executor(head: None) -> AsyncIterator[RayChildren]:
    async with aclosing(RayChildren(ADDRESS)) as made:
        yield made


def use(world: World, executor: RayChildren) -> None:
    object.__setattr__(world.dependencies, "make_table", executor.messages)
    object.__setattr__(world.dependencies, "ready", executor.ready)


async def begin(world: World, **changes: Any) -> Any:
    """A run whose source holds rows."""
    rows = pa.table({"c": np.array(["a"] * 200)}, schema=arrow_schema(DECLARATION.learned))
    sealed = custody.seal_table(rows.to_batches(), rows.schema, b64decode(KEY), "t")
    custody.put_new(world.dependencies.objects, "t", sealed)
    return await world.run(generator="dpmm-fixed", parameters=QUICK, **changes)


def children() -> list[str]:
    """Children of generation in this network, which others on the machine are not."""
    found, here = [], os.readlink("/proc/self/ns/net")
    for place in Path("/proc").glob("[0-9]*"):
        try:
            ours = b"moneyer_generation.generators.child" in (place / "cmdline").read_bytes()
            if ours and os.readlink(place / "ns" / "net") == here:
                found.append(place.name)
        except OSError:
            continue
    return found


async def gone() -> None:
    async with asyncio.timeout(30):
        while children():
            await asyncio.sleep(0.1)


async def test_the_same_run_through_the_same_states(world: World, executor: RayChildren) -> None:
    use(world, executor)
    run_id = await begin(world)
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)  # as far as evaluation, which is not there
    row = await world.row(run_id)
    assert (row.state, row.settled, row.asset.rows) == ("quarantined", True, 10)
    assert world.policy.said == ["redeem", "settle quarantined"]
    assert custody.read_table(world.dependencies.objects, asset_object(run_id), b64decode(KEY)).num_rows == 10
    await gone()


async def test_cancelling_ends_the_process_on_its_node(world: World, executor: RayChildren) -> None:
    use(world, executor)
    run_id = await begin(world)
    job: dict[str, Any] = {}
    messages = executor.messages

    async def kept(asked: dict[str, Any]) -> Any:
        job.update(asked)
        async with aclosing(messages(asked)) as told:
            async for message in told:
                yield message

    object.__setattr__(world.dependencies, "make_table", kept)
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)
    again = messages(job | {"model_object": "m2", "asset_object": "a2", "parameters": QUICK | {"iterations": 10_000}})
    await anext(again)
    assert children()
    await again.aclose()
    await gone()


async def test_limits_and_lost_processes_end_with_their_reason(world: World, executor: RayChildren) -> None:
    use(world, RayChildren(ADDRESS, JobLimits(mebibytes=30)))
    run_id = await begin(world)
    await carry_run(world.flow(), run_id)
    row = await world.row(run_id)
    assert row.state == "failed"
    assert "more than the 30 MiB" in row.failure
    await gone()
    job = {"generator": "dpmm-fixed", "objects_url": "file:///nowhere-at-all", "declaration": {}}
    with pytest.raises(ChildFailed):
        _ = [message async for message in executor.messages(job)]


async def test_a_courier_that_is_killed_is_noticed_and_takes_its_child_along(
    world: World, executor: RayChildren
) -> None:
    use(world, executor)
    run_id = await begin(world)

    async def kill() -> None:
        async with asyncio.timeout(60):
            while not (found := children()):
                await asyncio.sleep(0.02)
        parent = int(Path(f"/proc/{found[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(parent, 9)

    killing = asyncio.create_task(kill())
    await carry_run(world.flow(), run_id)
    await killing
    row = await world.row(run_id)
    assert (row.state, row.redeemed, row.settled) == ("failed", True, True)
    assert "lost the process" in row.failure
    await gone()


async def test_without_a_cluster_nothing_is_redeemed(world: World) -> None:
    nowhere = RayChildren("127.0.0.1:6398")
    use(world, nowhere)
    run_id = await begin(world)
    with pytest.raises(Unavailable):
        await carry_run(world.flow(), run_id)
    assert (await world.row(run_id)).state == "queued"
    assert world.policy.said == []
