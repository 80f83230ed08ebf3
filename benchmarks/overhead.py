"""What a governed run costs over a bare script doing the same fit and sample, measured in one run.

The bare script is a fresh Python process with the same engine, rows and parameters and none of the
rest; the run is timed from the request until its table lies sealed in quarantine, and until its release: the first
run of a worker, and the second, which finds a warm child.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import forget_cluster, free_ports
from system.conftest import Machine, Ready

from moneyer import calls
from moneyer.cli import randhie
from moneyer_local.stack import Stack
from moneyer_shared.contracts.generation import SourceDeclaration

PARAMETERS = {"epsilon": "1", "delta": "0.000001", "iterations": 2500}
ROWS = 20_000
BARE = f"""
import uuid
from moneyer.cli import randhie
from moneyer_generation.generators.dpmm_engines import DpmmMst
declaration = randhie.declaration(uuid.uuid4(), "bare")
table = randhie.table()
fitted = DpmmMst().fit(table.slice(0, int(table.num_rows * 0.8)), declaration, {PARAMETERS!r}, None, lambda share: None)
assert fitted.sample({ROWS}, None).num_rows == {ROWS}
"""


async def governed(machine: Machine) -> tuple[float, float]:
    """Seconds until quarantined, and until released or rejected."""
    population = await machine.population()
    declared: SourceDeclaration = randhie.declaration(population, f"b-{uuid4().hex[:8]}")
    source = (await machine.send("steward", calls.register_source(declared)))["id"]
    content = randhie.parquet()
    await machine.send("steward", calls.upload(source, content, media_type="application/vnd.apache.parquet"))
    charter = await machine.charter(source)
    await machine.send("steward", calls.allocate(population, charter_id=charter, epsilon="50", delta="0.00001"))
    ready = Ready(machine, population, source, charter)
    started = time.monotonic()
    run_id = await ready.request(parameters=PARAMETERS, rows=ROWS)
    sealed = 0.0
    async for told in machine.speak("scientist").watch(run_id):
        if not sealed and told["progress"] >= 0.95:
            sealed = time.monotonic() - started
    return sealed, time.monotonic() - started


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Stack(Path(folder), ports=free_ports(), say=lambda _: None) as stack:
            machine = Machine(stack)
            started = time.monotonic()
            await asyncio.to_thread(subprocess.run, [sys.executable, "-W", "ignore", "-c", BARE], check=True)
            bare = time.monotonic() - started
            cold, _ = await governed(machine)
            sealed, decided = await governed(machine)
            await machine.close()
        forget_cluster(Path(folder))
    print(f"bare script, fit and sample:           {bare:6.1f} s")
    print(f"governed run, until sealed, cold:      {cold:6.1f} s   ratio {cold / bare:.2f}")
    print(f"governed run, until sealed:            {sealed:6.1f} s   ratio {sealed / bare:.2f}")
    print(f"governed run, assayed and decided on:  {decided:6.1f} s   ratio {decided / bare:.2f}")


asyncio.run(main())
