"""SIGKILLs at random among queued runs: every run ends true, every charge is made once, nothing is orphaned.

Six among three runs every time; a hundred among thirty, many minutes long, by ``make soak``.
"""

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from system.conftest import ENDS, Machine, Ready

from moneyer import calls
from moneyer_local.processes import ChildSpec

pytestmark = [pytest.mark.system, pytest.mark.timeout(3600)]
CAMPAIGN = "MONEYER_SOAK" in os.environ
RUNS, KILLS, LONGEST_PAUSE = (30, 100, 12.0) if CAMPAIGN else (3, 6, 6.0)
WORKERS = 2


class Worker:
    """A generation worker that is started again whenever it was killed."""

    def __init__(self, spec: ChildSpec, log: Path) -> None:
        self._spec = spec
        self._log = log
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._spec.command, env=dict(self._spec.environment), stdout=log, stderr=log, start_new_session=True
            )

    async def ensure(self) -> None:
        if self.process is None or self.process.returncode is not None:
            await self.start()

    @property
    def family(self) -> list[int]:
        """The worker and the children it has now."""
        assert self.process is not None
        return [self.process.pid, *children_of(self.process.pid)]


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


async def strike(workers: list[Worker], dice: random.Random) -> bool:
    """Kill a worker or one of its children, whoever it hits; whether it was a child."""
    family = dice.choice(workers).family
    victim = dice.choice(family)
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    await asyncio.sleep(0.2)
    for worker in workers:
        await worker.ensure()
    return victim != family[0]


async def test_kills_at_random_among_queued_runs(machine: Machine) -> None:
    ready = await machine.ready(epsilon="100", allocated="100")
    seed = int(os.environ.get("MONEYER_SOAK_SEED", "1"))
    dice = random.Random(seed)
    spec, log = machine.stack.worker("generation"), machine.stack.directory.logs / "soaked-worker.log"
    workers = [Worker(spec, log) for _ in range(WORKERS)]
    run_ids = [await ready.request(rows=300 + number) for number in range(RUNS)]
    for worker in workers:
        await worker.start()
    hit = {True: 0, False: 0}
    try:
        for _ in range(KILLS):
            await asyncio.sleep(dice.uniform(0, LONGEST_PAUSE))
            hit[await strike(workers, dice)] += 1
        runs = [await ready.ended(run_id, 900) for run_id in run_ids]
    finally:
        for worker in workers:
            if worker.process is not None and worker.process.returncode is None:
                worker.process.terminate()
                await worker.process.wait()
    ends = [run["state"] for run in runs]
    print(f"seed {seed}: {hit[False]} workers and {hit[True]} children killed; {sorted(ends)}")
    assert set(ends) <= ENDS
    assert not CAMPAIGN or "released" in ends, "somebody got through"
    for run_id, run in zip(run_ids, runs, strict=True):
        await is_true(machine, ready, run_id, run)
    assert not left_behind(), "no child outlives its worker"


async def is_true(machine: Machine, ready: Ready, run_id: str, run: dict[str, object]) -> None:
    """What is said of a run is what happened to it."""
    charges = await ready.charges(run_id)
    assert charges == (["reserve", "spend"] if run["charged"] else ["reserve", "return"]), run
    if run["state"] == "released":
        assert await machine.send("scientist", calls.download(run_id))
    else:
        assert run["state"] == "failed", run
        assert run["failure"]


def left_behind() -> list[str]:
    """Children of generation whose parent is gone."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command, stat = (place / "cmdline").read_bytes(), (place / "stat").read_text()
            orphaned = stat.rsplit(")", 1)[1].split()[1] == "1"
            if b"moneyer_generation.generators.child" in command and orphaned:
                found.append(place.name)
    return found
