"""SIGKILL at every point of a run: it ends in a true state, and the charge is exactly once."""

import asyncio
import os
import signal

import pytest
from system.conftest import Machine, until

from moneyer import calls

pytestmark = pytest.mark.system
# A mechanism that was interrupted is not run twice; everywhere else the run is carried on.
POINTS = {
    "before-redeem": "released",
    "after-redeem": "released",
    "while-fitting": "failed",
    "model-sealed": "released",
    "while-writing": "released",
    "before-settling": "released",
}


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_worker_leaves_a_true_state_and_one_charge(machine: Machine, point: str) -> None:
    ready = await machine.ready()
    run_id = await ready.request()
    async with machine.worker(halt_at=point) as doomed:
        async with asyncio.timeout(120):
            assert (await doomed.stdout.readline()).strip() == b"halted"
        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == POINTS[point], run
    assert await ready.charges(run_id) == ["reserve", "spend"]
    assert run["charged"]
    if run["state"] == "released":
        assert await machine.send("scientist", calls.download(run_id))
    else:
        assert "not run again" in run["failure"]


async def test_the_child_dies_with_its_worker(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request(parameters={"epsilon": "1", "delta": "0.000001", "iterations": 10_000})
    async with machine.worker(halt_at="while-fitting") as doomed:
        await doomed.stdout.readline()
        children = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == doomed.pid]
        assert children
        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()

        async def gone() -> bool:
            return not any(_alive(pid) for pid in children)

        await until(gone, 10)
    async with machine.worker():
        assert (await ready.ended(run_id))["state"] == "failed"


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
