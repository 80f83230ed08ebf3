"""The real stack: every process as ``moneyer up`` starts it, except that tests start the generation worker."""

import asyncio
import csv
import io
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import numpy as np
import pytest
from conftest import KEY, PLAIN, forget_cluster, free_ports
from policy.conftest import MEMBERS
from policy.examples import charter_document

from moneyer import AsyncMoneyer, calls
from moneyer.runs import ENDS
from moneyer_local import identity
from moneyer_local.stack import Stack
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Plan

CANARY_TEXT = "canary-Qx7Zt9"
CANARY_NUMBER = 7_131_719_232_931
HERE = Path(__file__).parent


class Machine:
    """A running stack and the people who speak to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._speakers: dict[str, AsyncMoneyer] = {}

    def speak(self, person: str) -> AsyncMoneyer:
        if person not in self._speakers:
            self._speakers[person] = AsyncMoneyer.from_directory(self.stack.directory.root, person=person)
        return self._speakers[person]

    async def send(self, person: str, call: calls.Call[Any]) -> Any:
        return await self.speak(person).send(call)

    async def raw(self, person: str, service: str, path: str, headers: dict[str, str]) -> httpx.Response:
        """What a GET answers as it is, for what no call of the client shows."""
        registry, issuer = self.stack.secrets.registry, self.stack.ports.url("identity")
        token = identity.sign_token(registry, issuer=issuer, client=person, audience=f"moneyer-{service}")
        async with httpx.AsyncClient(base_url=self.stack.ports.url(service), verify=PLAIN) as http:
            return await http.get(path, headers=headers | {"Authorization": f"Bearer {token}"})

    async def close(self) -> None:
        for speaker in self._speakers.values():
            await speaker.close()

    async def sql(self, service: str, query: str, *values: Any) -> list[Any]:
        connection = await asyncpg.connect(self.stack.superuser_url(f"moneyer_{service}"))
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    # --- what a story needs ---------------------------------------------------------------

    async def population(self, epsilon: str = "50") -> str:
        call = calls.create_population(f"p-{uuid4().hex[:8]}", privacy_unit="one row", epsilon=epsilon, delta="0.00001")
        return (await self.send("steward", call))["id"]

    async def source(self, population_id: str, content: bytes | None = None) -> str:
        declared = SourceDeclaration.model_validate(declaration(population_id))
        made = await self.send("steward", calls.register_source(declared))
        await self.send("steward", calls.upload(made["id"], content or table(), media_type="text/csv"))
        return made["id"]

    async def charter(self, source_id: str, **changes: Any) -> str:
        # Small tables have wide intervals: what these stories accept is judged elsewhere.
        lenient = {"acceptance": [{"metric": "marginal-tvd-mean", "at_most": "0.95"}]}
        document = charter_document(**({"sources": [source_id]} | lenient | changes))
        made = await self.send("scientist", calls.draft_charter(document))
        await self.send("scientist", calls.submit_charter(made["id"]))
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assessment = calls.assess_charter(
            made["id"], digest=made["digest"], acceptable=True, summary="ok", valid_until=until
        )
        await self.send("assessor", assessment)
        for person, function in MEMBERS.items():
            await self.send("admin", calls.appoint(person, function))
            ballot = calls.vote(made["id"], function=function, verdict="approve", digest=made["digest"], reason="ok")
            shown = await self.send(person, ballot)
        assert shown["state"] == "in_force"
        return made["id"]

    async def approve(self, review: Any, *, reason: str) -> Any:
        """The review once as many of the committee have approved it as it takes."""
        for person, function in MEMBERS.items():
            ballot = calls.vote_on_review(
                review["id"], function=function, verdict="approve", digest=review["digest"], reason=reason
            )
            shown = await self.send(person, ballot)
            if shown["state"] != "open":
                break
        assert shown["state"] == "approved", shown
        return shown

    async def ready(
        self,
        *,
        epsilon: str = "50",
        allocated: str = "50",
        releases: int | None = None,
        content: bytes | None = None,
        **charter: Any,
    ) -> "Ready":
        population_id = await self.population(epsilon)
        source_id = await self.source(population_id, content)
        charter_id = await self.charter(source_id, **charter)
        call = calls.allocate(
            population_id, charter_id=charter_id, epsilon=allocated, delta="0.00001", releases=releases
        )
        await self.send("steward", call)
        return Ready(self, population_id, source_id, charter_id)

    # --- workers --------------------------------------------------------------------------

    @asynccontextmanager
    async def worker(self, *, halt_at: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
        """A generation worker, in front of its own process group; ``halt_at`` makes it stand still there."""
        spec = self.stack.worker("generation")
        command = [sys.executable, str(HERE / "halting_worker.py"), halt_at] if halt_at else list(spec.command)
        with (self.stack.directory.logs / "tested-worker.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(spec.environment),
                stdout=asyncio.subprocess.PIPE if halt_at else log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    async with asyncio.timeout(10):
                        await process.wait()
                except TimeoutError:
                    process.kill()
                    await process.wait()


class Ready:
    """A population, a source with rows, a charter in force and an allocation."""

    def __init__(self, machine: Machine, population_id: str, source_id: str, charter_id: str) -> None:
        self.machine = machine
        self.population_id = population_id
        self.source_id = source_id
        self.charter_id = charter_id

    def plan(self, **changes: Any) -> Plan:
        made = {
            "charter_id": self.charter_id,
            "source_id": self.source_id,
            "use_case": "research",
            "audience": "analysts",
            "generator": "dpmm-mst",
            "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 100},
            "rows": 300,
            "rationale": "study",
        }
        return Plan.model_validate(made | changes)

    async def request(self, **changes: Any) -> str:
        call = calls.request_generation(self.plan(**changes), key=uuid4().hex)
        return (await self.machine.send("scientist", call))["id"]

    async def run(self, run_id: str) -> dict[str, Any]:
        return await self.machine.send("scientist", calls.get_generation(run_id))

    async def fitting(self, run_id: str) -> None:
        """Wait until a worker fits."""

        async def seen() -> bool:
            return (await self.run(run_id))["state"] == "fitting"

        await until(seen)

    async def ended(self, run_id: str, timeout_seconds: float = 180) -> dict[str, Any]:
        """The run once it has come to an end and its permit is settled or returned."""
        async with asyncio.timeout(timeout_seconds):
            while True:
                run = await self.run(run_id)
                permit = await self.permit(run_id)
                if run["state"] in ENDS and permit["state"] in {"settled", "returned"}:
                    return run
                await asyncio.sleep(0.2)

    async def permit(self, run_id: str) -> Any:
        return (await self.machine.sql("policy", "SELECT * FROM permits WHERE run_id = $1", run_id))[0]

    async def charges(self, run_id: str) -> list[str]:
        """The run's ledger entries in the population's account, in order."""
        query = """
            SELECT l.kind FROM ledger_entries l JOIN permits p ON p.id = l.permit_id
            JOIN accounts a ON a.id = l.account_id WHERE p.run_id = $1 AND a.charter_id IS NULL ORDER BY l.id
        """
        return [row["kind"] for row in await self.machine.sql("policy", query, run_id)]


def declaration(population_id: str) -> dict[str, Any]:
    return {
        "name": f"s-{uuid4().hex[:8]}",
        "description": "A small table of people.",
        "population_id": population_id,
        "target": "ill",
        "columns": [
            {"name": "person", "domain": {"kind": "text"}, "role": "identifier"},
            {"name": "wealth", "domain": {"kind": "integer", "minimum": 0, "maximum": 2**45, "bins": 4}},
            {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 99, "bins": 5}},
            {"name": "ill", "domain": {"kind": "categorical", "categories": ["no", "yes"]}},
        ],
    }


def table(rows: int = 600) -> bytes:
    """A table whose ids and one number occur nowhere else."""
    random = np.random.default_rng(0)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["person", "wealth", "age", "ill"])
    for i in range(rows):
        age = int(random.integers(0, 100))
        ill = "yes" if random.random() < age / 120 else "no"
        writer.writerow([f"{CANARY_TEXT}-{i}", CANARY_NUMBER, age, ill])
    return text.getvalue().encode()


async def until(condition: Callable[[], Awaitable[bool]], timeout_seconds: float = 120) -> None:
    async with asyncio.timeout(timeout_seconds):
        while not await condition():
            await asyncio.sleep(0.1)


@pytest.fixture(scope="session")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    root = tmp_path_factory.mktemp("machine")
    overrides = {
        "MONEYER_GENERATION_HEARTBEAT_SECONDS": "3",
        "MONEYER_GENERATION_CONCURRENT_RUNS": "1",
        "MONEYER_EVALUATION_GLANCE_SECONDS": "1",
        "MONEYER_LINEAGE_REGISTRIES": '{"plant": "hush"}',
        # Known to the tests, who forge bundles as whoever holds the log's key could.
        "MONEYER_LINEAGE_CHECKPOINT_KEY": KEY,
    }
    stack = Stack(root, ports=free_ports(), log_level="DEBUG", overrides=overrides, workers=("evaluation",))
    async with stack:
        made = Machine(stack)
        yield made
        await made.close()
    forget_cluster(root)
