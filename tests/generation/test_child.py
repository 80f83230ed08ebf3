"""Child processes: one per job, a warm spare for the next, limits with a clear end, nothing left behind."""

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from moneyer_generation.execution import children as module
from moneyer_generation.execution.children import ChildFailed, Children, JobLimits
from moneyer_shared import custody
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_schema

DECLARATION = SourceDeclaration(
    name="s",
    description="d",
    population_id="00000000-0000-0000-0000-000000000000",
    columns=[Column(name="c", domain=CategoricalDomain(kind="categorical", categories=["a", "b"]))],
)


@pytest.fixture
def job(tmp_path: Path) -> dict[str, Any]:
    url, key = tmp_path.as_uri() + "/objects", bytes(32)
    rows = pa.table({"c": np.random.default_rng(0).choice(["a", "b"], 200)}, schema=arrow_schema(DECLARATION.learned))
    custody.put_new(custody.open_store(url), "train", custody.seal_table(rows.to_batches(), rows.schema, key, "train"))
    return {
        "objects_url": url, "declaration": DECLARATION.model_dump(mode="json"), "generator": "dpmm-fixed",
        "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 100}, "rows": 20, "seed": 1, "shape": None,
        "train_object": "train", "model_object": "model", "asset_object": "asset",
        "source_key": b64encode(key).decode(), "asset_key": b64encode(key).decode(),
        "model_key": b64encode(key).decode(),
    }  # fmt: skip


@pytest.fixture
async def warm() -> AsyncIterator[Children]:
    async with aclosing(Children(keep_spare=True)) as children:
        yield children


async def run(children: Children, job: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    return [message async for message in children.messages(job | changes)]


def folders() -> set[str]:
    return {folder.name for folder in module._scratch_parent().glob(f"{module.PREFIX}{os.getpid()}-*")}


async def test_the_next_job_of_the_same_engine_is_carried_by_the_spare(warm: Children, job: dict[str, Any]) -> None:
    assert (await run(warm, job))[-1]["done"]["rows"] == 20
    spare = warm._spare
    assert spare is not None
    assert (await run(warm, job, asset_object="second"))[-1]["done"]["rows"] == 20
    assert spare.process.returncode is not None, "it took the job, and ended with it"
    assert warm._spare is not None
    assert warm._spare is not spare


async def test_another_engine_or_a_dead_spare_is_no_obstacle(warm: Children, job: dict[str, Any]) -> None:
    await run(warm, job)
    first = warm._spare
    assert first is not None
    await run(warm, job, generator="dpmm-mst", model_object="m2", asset_object="a2")
    assert first.process.returncode is not None, "a spare of another engine is thrown away"
    spare = warm._spare
    assert spare is not None
    spare.process.kill()
    await spare.process.wait()
    assert (await run(warm, job, generator="dpmm-mst", asset_object="a3"))[-1]["done"]


async def test_nothing_is_left_behind(job: dict[str, Any]) -> None:
    before = folders()
    children = Children(keep_spare=True)
    await run(children, job)
    spare = children._spare
    await children.aclose()
    assert spare is not None
    assert spare.process.returncode is not None
    assert folders() == before


async def test_a_job_that_takes_too_long_ends_with_that_reason(job: dict[str, Any]) -> None:
    with pytest.raises(ChildFailed, match=r"longer than the 0\.1 seconds"):
        await run(Children(JobLimits(seconds=0.1)), job)


async def test_a_job_that_takes_too_much_memory_ends_with_that_reason(job: dict[str, Any]) -> None:
    with pytest.raises(ChildFailed, match="more than the 30 MiB"):
        await run(Children(JobLimits(mebibytes=30)), job)


async def test_a_shape_the_model_cannot_fill_ends_with_that_reason(job: dict[str, Any]) -> None:
    strata = [{"name": "all", "where": [{"column": "c", "one_of": ["a", "b"]}], "times": "2"}]
    with pytest.raises(ChildFailed, match="more than the whole table"):
        await run(Children(), job, shape={"strata": strata})


async def test_a_child_that_is_killed_is_noticed(job: dict[str, Any]) -> None:
    children = Children()
    killed = await module._start(None)
    children._spare = killed
    killed.warm = job["generator"]
    os.killpg(killed.process.pid, 9)
    with pytest.raises(ChildFailed):
        await run(children, job)


def test_a_killed_workers_folder_is_wiped_by_the_next() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    abandoned = module._scratch_parent() / f"{module.PREFIX}{gone.pid}-x"
    mine = module._scratch_parent() / f"{module.PREFIX}{os.getpid()}-x"
    for folder in (abandoned, mine):
        folder.mkdir()
    try:
        module.wipe_abandoned()
        assert not abandoned.exists()
        assert mine.exists()
    finally:
        mine.rmdir()


async def test_closing_the_messages_kills_the_child(job: dict[str, Any]) -> None:
    children = Children()
    messages = children.messages(job | {"parameters": job["parameters"] | {"iterations": 10_000}})
    await anext(messages)
    assert running()
    await messages.aclose()
    assert not running()


def running() -> set[str]:
    """The child processes of this one that are ours."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    found = {pid for task in tasks for pid in task.read_text().split()}
    return {pid for pid in found if b"generators.child" in Path(f"/proc/{pid}/cmdline").read_bytes()}
