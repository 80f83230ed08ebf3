"""How much memory a long table takes of the generation service on its way in and on its way out.

Five million rows are uploaded as CSV and as Parquet and downloaded in every form, over HTTP, from the real service. The
figure is the process' largest resident memory meanwhile, above what it took before. For the downloads a released
table is exchanged in the store for a long one under the same seal: making it is another matter than sending it.
"""

import asyncio
import sys
import tempfile
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import obstore
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import forget_cluster, free_ports
from system.conftest import Machine, Ready

from moneyer_generation.use_cases.runs import asset_object
from moneyer_local import identity
from moneyer_local.stack import Stack
from moneyer_shared import custody

ROWS, BATCH = 5_000_000, 100_000
CHUNK = 2**20
LIMIT_MEBIBYTES = 500


def batch(number: int) -> pa.Table:
    """Rows of the tests' own declaration."""
    random = np.random.default_rng(number)
    return pa.table(
        {
            "person": [f"p{number}-{i}" for i in range(BATCH)],
            "wealth": random.integers(0, 2**45, BATCH),
            "age": random.integers(0, 100, BATCH),
            "ill": np.array(["no", "yes"])[random.integers(0, 2, BATCH)],
        }
    )


def write(path: Path, media_type: str) -> None:
    schema = batch(0).schema
    writer: Any = pa_csv.CSVWriter(path, schema) if media_type == "text/csv" else pq.ParquetWriter(path, schema)
    with writer:
        for number in range(ROWS // BATCH):
            writer.write_table(batch(number))


class Watched:
    """A process whose largest resident memory is read and forgotten."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._forget = Path(f"/proc/{pid}/clear_refs")

    def largest(self) -> int:
        """MiB since the last time."""
        (line,) = [line for line in self._status.read_text().splitlines() if line.startswith("VmHWM")]
        self._forget.write_text("5")
        return int(line.split()[1]) // 1024


async def sent(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        async with Stack(root / "data", ports=free_ports(), say=lambda _: None) as stack:
            machine = Machine(stack)
            ready = await machine.ready()
            await measure(machine, ready, root, Watched(stack.supervisor.pid("generation")))
            await machine.close()
        forget_cluster(root / "data")


async def measure(machine: Machine, ready: Ready, root: Path, watched: Watched) -> None:
    watched.largest()
    await asyncio.sleep(1)
    idle, worst = watched.largest(), 0
    print(f"idle: {idle} MiB")
    url = machine.stack.ports.url("generation")
    async with httpx.AsyncClient(base_url=url, timeout=1200) as http:
        for name, media_type in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            await asyncio.to_thread(write, root / name, media_type)
            headers = bearer(machine, "steward", "generation") | {"Content-Type": media_type}
            path = f"/v1/sources/{ready.source_id}/versions"
            answer = await http.post(path, content=sent(root / name), headers=headers)
            assert answer.status_code == 201, answer.text
            told = answer.json()
            assert told["train_rows"] + told["holdout_rows"] == ROWS
            worst = max(worst, report(f"upload, {name}, {(root / name).stat().st_size >> 20} MiB", watched, idle))
        run_id = await long_asset(machine)
        for form in ("parquet", "arrow", "csv"):
            watched.largest()
            size = 0
            headers = bearer(machine, "scientist", "generation")
            async with http.stream("GET", f"/v1/assets/{run_id}/table?format={form}", headers=headers) as answer:
                assert answer.status_code == 200
                async for piece in answer.aiter_bytes():
                    size += len(piece)
            worst = max(worst, report(f"download, {form}, {size >> 20} MiB", watched, idle))
    print(f"most above idle: {worst} MiB of {LIMIT_MEBIBYTES}")
    assert worst < LIMIT_MEBIBYTES


def bearer(machine: Machine, client: str, service: str) -> dict[str, str]:
    registry, issuer = machine.stack.secrets.registry, machine.stack.ports.url("identity")
    token = identity.sign_token(registry, issuer=issuer, client=client, audience=f"moneyer-{service}")
    return {"Authorization": f"Bearer {token}"}


def report(what: str, watched: Watched, idle: int) -> int:
    above = watched.largest() - idle
    print(f"{what:32} {above:5} MiB above idle", flush=True)
    return above


async def long_asset(machine: Machine) -> str:
    """A released run whose table is exchanged for one of five million rows, sealed with the asset's own key."""
    short = await machine.ready()
    run_id = await short.request(parameters={"epsilon": "1", "delta": "0.000001", "iterations": 100})
    run = await short.ended(run_id)
    assert run["state"] == "released", run
    async with httpx.AsyncClient(base_url=machine.stack.ports.url("policy")) as http:
        headers = bearer(machine, "generation", "policy")
        answer = await http.post(f"/v1/assets/{run_id}:unlock", json={"subject": "scientist"}, headers=headers)
        key = b64decode(answer.json()["key"])
    store, name = custody.open_store(machine.stack.directory.objects.as_uri()), asset_object(UUID(run_id))
    obstore.delete(store, name)
    made = ["wealth", "age", "ill"]
    seal = custody.TableSeal(store, name, batch(0).select(made).schema, key)
    for number in range(ROWS // BATCH):
        seal.write(batch(number).select(made))
    seal.finish()
    return run_id


if __name__ == "__main__":
    asyncio.run(main())
