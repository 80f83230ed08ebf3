"""Permits per second over HTTP at 32 clients on one hot budget, beside pgbench's three-statement reservation.

Both on one machine, one Postgres, one run; the ratio is the figure. pgbench does the bare minimum of a
reservation (lock the account, update it, append to a ledger); policy does the whole of a decision:
authentication, the gate, idempotency, the permit, two accounts, two ledger rows, audit and outbox.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import forget_cluster, free_ports
from system.conftest import Machine, Ready

from mintmark_local import identity, postgres
from mintmark_local.stack import Stack

CLIENTS = 32
SECONDS = 10
PGBENCH = """
BEGIN;
SELECT held FROM bench_account WHERE id = 1 FOR UPDATE;
UPDATE bench_account SET held = held + 1 WHERE id = 1;
INSERT INTO bench_ledger (account, amount) VALUES (1, 1);
COMMIT;
"""


async def permits_per_second(machine: Machine, ready: Ready) -> tuple[float, float]:
    """(permits per second, 99th percentile of the answer time in milliseconds)."""
    registry = machine.stack.secrets.registry
    issuer = machine.stack.ports.url("identity")
    token = identity.sign_token(registry, issuer=issuer, client="generation", audience="mintmark-policy")
    plan = ready.plan().model_dump(mode="json")
    (row,) = await machine.sql("policy", "SELECT id FROM keys WHERE resource LIKE $1", f"source:{ready.source_id}:%")
    offer = {
        "engine_version": "1",
        "guarantee": {"level": "proven", "unit": "one row", "statement": "s", "delta": "0.000001"},
        "mechanism": {"kind": "zcdp", "rho": "0.000000000001"},
        "source_key_id": str(row["id"]),
        "population_id": ready.population_id,
    }
    until = time.monotonic() + SECONDS
    times: list[float] = []

    async def client(http: httpx.AsyncClient) -> None:
        while time.monotonic() < until:
            run_id = str(uuid4())
            body = {"run_id": run_id, "requester": "scientist", "plan": plan, "offer": offer}
            started = time.monotonic()
            answer = await http.post("/v1/decisions", json=body, headers={"Idempotency-Key": run_id})
            assert answer.json()["verdict"] == "permit", answer.text
            times.append(time.monotonic() - started)

    limits = httpx.Limits(max_connections=CLIENTS)
    url, headers = machine.stack.ports.url("policy"), {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as http:
        await asyncio.gather(*(client(http) for _ in range(CLIENTS)))
    times.sort()
    return len(times) / SECONDS, times[int(len(times) * 0.99)] * 1000


async def pgbench_per_second(stack: Stack) -> float:
    connection = await asyncpg.connect(stack.superuser_url())
    await connection.execute("CREATE TABLE bench_account (id int PRIMARY KEY, held bigint)")
    await connection.execute("CREATE TABLE bench_ledger (id bigserial PRIMARY KEY, account int, amount bigint)")
    await connection.execute("INSERT INTO bench_account VALUES (1, 0)")
    await connection.close()
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH)
        script.flush()
        program = str(postgres.packaged_binaries() / "bin" / "pgbench")
        command = [
            program,
            "-n",
            "-f",
            script.name,
            "-c",
            str(CLIENTS),
            "-j",
            "2",
            "-T",
            str(SECONDS),
            stack.superuser_url(),
        ]
        told = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    line = next(line for line in told.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack: Any = Stack(Path(folder), ports=free_ports(), say=lambda _: None, workers=())
        async with stack:
            machine = Machine(stack)
            ready = await machine.ready()
            permits, p99 = await permits_per_second(machine, ready)
            baseline = await pgbench_per_second(stack)
            await machine.close()
        forget_cluster(Path(folder))
    print(f"permits over HTTP, {CLIENTS} clients, one hot budget: {permits:8.1f} /s   p99 {p99:.0f} ms")
    print(f"pgbench, the same reservation in three statements:  {baseline:8.1f} /s")
    print(f"ratio: {permits / baseline:.2f}")


asyncio.run(main())
