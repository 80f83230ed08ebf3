"""Permits per second over HTTP at 32 clients, beside pgbench's three-statement reservation.

Both on one machine, one Postgres, one run; the ratio is the figure. pgbench does the bare minimum of a
reservation (lock the account, update it, append to a ledger). Policy does the whole of a decision:
authentication, the gate, idempotency, the permit, two accounts, two ledger rows, audit and outbox.
Once on one hot budget, once on a hundred; and a decision beside a long ledger and a short one.

Group commit pays where a commit waits for a disk. Where the machine's flush is nearly free, the same is measured
again with every flush made to take FLUSH_MICROSECONDS by Postgres itself (commit_delay), for both sides alike.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import forget_cluster, free_ports
from system.conftest import Machine, Ready

from moneyer_local import identity, postgres
from moneyer_local.stack import Stack
from moneyer_policy.budgets.rules.accounting import Mechanism, cost_of, epsilon_of

CLIENTS = 32
LOOKS = 1_000_000
"""Nobody looks here: what is measured must not end because looks do."""
SECONDS = 10
BUDGETS = 100
SHORT, LONG = 100, 100_000
FLUSH_MICROSECONDS = 5_000
PGBENCH = """
\\set id random(1, {budgets})
BEGIN;
SELECT held FROM bench_account WHERE id = :id FOR UPDATE;
UPDATE bench_account SET held = held + 1 WHERE id = :id;
INSERT INTO bench_ledger (account, amount) VALUES (:id, 1);
COMMIT;
"""


@dataclass(frozen=True)
class Figure:
    per_second: float
    p99_milliseconds: float


class Client:
    """One keep-alive connection that sends prepared requests: the clients must not be what is measured."""

    def __init__(self, url: str, token: str) -> None:
        self._place = urlsplit(url)
        self._token = token

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._place.hostname, self._place.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def post(self, path: str, body: bytes, key: str) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._place.netloc}\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return await self._reader.readexactly(int(length.split(b":")[1]))


async def prepared(machine: Machine, ready: Ready) -> str:
    """A decision request with a place for its run id."""
    plan = ready.plan().model_dump(mode="json")
    (row,) = await machine.sql("policy", "SELECT id FROM keys WHERE resource LIKE $1", f"source:{ready.source_id}:%")
    rho, delta = "0.000000000001", "0.000001"
    charged = epsilon_of(cost_of(Mechanism("zcdp", rho=Decimal(rho))).renyi, Decimal(delta))
    label = {"level": "proven", "unit": "one row", "statement": "s", "epsilon": f"{charged:f}", "delta": delta}
    offer = {
        "engine_version": "1",
        "guarantee": label,
        "mechanism": {"kind": "zcdp", "rho": rho},
        "privacy_unit": {"maximum_rows": 1},
        "source_key_id": str(row["id"]),
        "population_id": ready.population_id,
    }
    return json.dumps({"run_id": "RUN", "requester": "scientist", "plan": plan, "offer": offer})


async def permits_per_second(machine: Machine, bodies: list[str], seconds: float = SECONDS) -> Figure:
    registry, issuer = machine.stack.secrets.registry, machine.stack.ports.url("identity")
    token = identity.sign_token(registry, issuer=issuer, client="generation", audience="moneyer-policy")
    until = time.monotonic() + seconds
    times: list[float] = []

    async def work(number: int) -> None:
        async with Client(machine.stack.ports.url("policy"), token) as client:
            while time.monotonic() < until:
                run_id = str(uuid4())
                body = bodies[(number + len(times)) % len(bodies)].replace("RUN", run_id).encode()
                started = time.monotonic()
                answer = await client.post("/v1/decisions", body, run_id)
                times.append(time.monotonic() - started)
                assert b'"permit":{' in answer, answer

    await asyncio.gather(*(work(number) for number in range(CLIENTS)))
    times.sort()
    return Figure(len(times) / seconds, times[int(len(times) * 0.99)] * 1000)


async def pgbench_per_second(stack: Stack, budgets: int) -> float:
    connection = await asyncpg.connect(stack.superuser_url())
    await connection.execute("DROP TABLE IF EXISTS bench_account, bench_ledger")
    await connection.execute("CREATE TABLE bench_account (id int PRIMARY KEY, held bigint)")
    await connection.execute("CREATE TABLE bench_ledger (id bigserial PRIMARY KEY, account int, amount bigint)")
    await connection.execute("INSERT INTO bench_account SELECT n, 0 FROM generate_series(1, $1::int) n", budgets)
    await connection.close()
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH.format(budgets=budgets))
        script.flush()
        program = str(postgres.packaged_binaries() / "bin" / "pgbench")
        command = [program, "-n", "-f", script.name, "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS)]
        told = await asyncio.to_thread(
            subprocess.run, [*command, stack.superuser_url()], capture_output=True, text=True, check=True
        )
    line = next(line for line in told.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


async def one_after_another(machine: Machine, body: str, decisions: int = 300) -> float:
    """The median milliseconds of a decision asked for alone."""
    registry, issuer = machine.stack.secrets.registry, machine.stack.ports.url("identity")
    token = identity.sign_token(registry, issuer=issuer, client="generation", audience="moneyer-policy")
    times: list[float] = []
    async with Client(machine.stack.ports.url("policy"), token) as client:
        for _ in range(decisions):
            run_id = str(uuid4())
            started = time.monotonic()
            await client.post("/v1/decisions", body.replace("RUN", run_id).encode(), run_id)
            times.append((time.monotonic() - started) * 1000)
    return sorted(times)[len(times) // 2]


async def lengthen(machine: Machine, ready: Ready, entries: int) -> None:
    """Add ledger entries to a population's account, as so many runs would have."""
    await machine.sql(
        "policy",
        """
        INSERT INTO ledger_entries (account_id, permit_id, kind, mechanism, at)
        SELECT a.id, p.id, 'spend', p.mechanism, now() FROM accounts a, permits p, generate_series(1, $2::int)
        WHERE a.population_id = $1 AND a.charter_id IS NULL AND p.id = (SELECT id FROM permits LIMIT 1)
        """,
        ready.population_id,
        entries,
    )


async def flush_takes(stack: Stack, microseconds: int) -> None:
    """Have every flush of the log wait this long, whoever asks for it; 0 is the machine's own."""
    connection = await asyncpg.connect(stack.superuser_url())
    await connection.execute(f"ALTER SYSTEM SET commit_delay = {microseconds}")
    await connection.execute("ALTER SYSTEM SET commit_siblings = 0")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()


def tell(what: str, figure: Figure, baseline: float) -> None:
    print(f"{what:38} {figure.per_second:8.0f} /s   p99 {figure.p99_milliseconds:4.0f} ms")
    print(f"{'  pgbench, three statements':38} {baseline:8.0f} /s   ratio {figure.per_second / baseline:.2f}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stack: Any = Stack(Path(folder), ports=free_ports(), say=lambda _: None, workers=())
        async with stack:
            machine = Machine(stack)
            ready = await machine.ready(looks=LOOKS)
            hot = await prepared(machine, ready)
            many = [await prepared(machine, await machine.ready(looks=LOOKS)) for _ in range(BUDGETS)]
            for flush in (0, FLUSH_MICROSECONDS):
                await flush_takes(stack, flush)
                print(f"flush: {flush / 1000:.0f} ms" if flush else "flush: the machine's own")
                for what, bodies in (("permits, one hot budget", [hot]), (f"permits, {BUDGETS} budgets", many)):
                    await permits_per_second(machine, bodies, 2)
                    tell(what, await permits_per_second(machine, bodies), await pgbench_per_second(stack, len(bodies)))
            await flush_takes(stack, 0)
            fresh = await machine.ready(looks=LOOKS)
            body = await prepared(machine, fresh)
            await lengthen(machine, fresh, SHORT)
            short = await one_after_another(machine, body)
            await lengthen(machine, fresh, LONG)
            long = await one_after_another(machine, body)
            print(f"a decision beside {LONG + SHORT} ledger entries ÷ beside {SHORT}: {long / short:.2f}")
            await machine.close()
        forget_cluster(Path(folder))


asyncio.run(main())
