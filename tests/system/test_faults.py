"""Faults around a run: the database dies under everything; lineage is away."""

import asyncio
import os
import signal

import pytest
from system.conftest import Machine, until

from moneyer import Refused, calls

pytestmark = pytest.mark.system


async def test_the_database_is_killed_while_a_run_is_under_way(machine: Machine) -> None:
    """Every connection is lost at once; the services come back by themselves and the run ends true, charged once."""
    ready = await machine.ready()
    run_id = await ready.request(parameters={"epsilon": "1", "delta": "0.000001", "iterations": 10_000})
    async with machine.worker():
        await ready.fitting(run_id)
        killed = machine.stack.supervisor.pid("postgres")
        os.kill(killed, signal.SIGKILL)

        async def answers() -> bool:
            # Until they notice, the dead server's own children still answer.
            if machine.stack.supervisor.pid("postgres") == killed:
                return False
            try:
                await ready.run(run_id)
            except Refused as refused:
                assert refused.status == 503, refused
                return False
            return True

        await until(answers)
    # A supervisor starts a worker that ended; here the test does.
    async with machine.worker():
        run = await ready.ended(run_id)
        following = await ready.ended(await ready.request())
    assert run["state"] in {"released", "failed"}
    assert await ready.charges(run_id) == ["reserve", "spend"]
    assert following["state"] == "released", "workers and services do their work again"


async def test_lineage_is_away_and_hears_everything_later(machine: Machine) -> None:
    ready = await machine.ready()
    os.kill(machine.stack.supervisor.pid("lineage"), signal.SIGSTOP)
    try:
        run_id = await ready.request()
        await machine.send("scientist", calls.cancel_generation(run_id))
        await asyncio.sleep(1)
    finally:
        os.kill(machine.stack.supervisor.pid("lineage"), signal.SIGCONT)

    async def told() -> bool:
        try:
            record = await machine.send("auditor", calls.get_record(run_id))
        except Refused:
            return False
        return bool(record["plan"] and record["decision"])

    await until(told, 90)
    async with machine.worker():
        await ready.ended(run_id)
