"""What strangers and odd documents cost each service: memory of bodies without a token, and how long others wait.

The services are the real processes. Memory is the largest resident memory while a body of 200 MiB is sent, above what
the process took before; waiting is the longest that a second caller of ``/livez`` waited while a document was read.
"""

import asyncio
import gzip
import io
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import SERVICES, forget_cluster, free_ports
from lineage.conftest import event
from memory import Watched
from policy.examples import charter_document
from system.conftest import Machine

from mintmark_local import identity
from mintmark_local.stack import Stack

MEBIBYTE = 2**20
BODY = 200
ROUTES = {
    "policy": "/v1/charters",
    "generation": "/v1/sources",
    "evaluation": "/v1/assays",
    "lineage": "/api/v1/lineage",
}
JSON = {"Content-Type": "application/json"}


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "data"
        async with Stack(root, ports=free_ports(), say=lambda _: None) as stack:
            machine = Machine(stack)
            for service in SERVICES:
                for how in ("with a length", "in chunks"):
                    await strangers(machine, service, how)
            await waits(machine)
            await machine.close()
        forget_cluster(root)


async def strangers(machine: Machine, service: str, how: str) -> None:
    watched = Watched(machine.stack.supervisor.pid(service))
    idle = watched.largest()
    headers = JSON | {"Idempotency-Key": "k"}
    content: Any = b" " * (BODY * MEBIBYTE) if how == "with a length" else chunks()
    url = machine.stack.ports.url(service) + ROUTES[service]
    async with httpx.AsyncClient(timeout=120) as http:
        try:
            status: Any = (await http.post(url, content=content, headers=headers)).status_code
        except httpx.TransportError as error:
            status = type(error).__name__
    above = watched.largest() - idle
    print(f"{service:10} {BODY} MiB {how:13} without a token: {status}, {above:4} MiB above idle", flush=True)


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(BODY):
        yield b" " * MEBIBYTE


def documents(source: str) -> dict[str, tuple[str, str, str, dict[str, str], bytes]]:
    """What a valid caller sends: service, person, path, headers, body."""
    wrong = charter_document(use_cases=[{"name": "!", "description": ""}] * 5_000)
    case = {"name": "a", "description": "d", "acceptance": [{"metric": "m", "at_most": "0.5"}] * 90}
    long = charter_document(use_cases=[case | {"name": f"a{n}"} for n in range(190)])
    facet = json.dumps(event(str(uuid4()), odd={"x": 0})).replace('{"x": 0}', '{"a":' * 900 + "1" + "}" * 900)
    many = b"[" + b"{}," * 2_700_000 + b"{}]"
    upload = f"/v1/sources/{source}/versions"
    charters, yaml_type = "/v1/charters", {"Content-Type": "application/yaml"}
    parquet_type, blocks = {"Content-Type": "application/vnd.apache.parquet"}, "title:\n" + "- a\n" * 60_000
    zipped = JSON | {"Content-Encoding": "gzip"}
    wide = ",".join(f"c{n}" for n in range(20_000)).encode() + b"\n" + b",".join([b"1"] * 20_000) + b"\n"
    return {
        "250 kB of YAML": ("policy", "scientist", charters, yaml_type, ("title: [" + "a, " * 82_000 + "a]").encode()),
        "250 kB of YAML in blocks": ("policy", "scientist", charters, yaml_type, blocks.encode()),
        "a charter, 5,000 faults": ("policy", "scientist", charters, JSON, json.dumps(wrong).encode()),
        "a charter, 17,100 criteria": ("policy", "scientist", charters, JSON, json.dumps(long).encode()),
        "gzip of 8 MB of nothings": ("lineage", "producer", "/api/v1/lineage/batch", zipped, gzip.compress(many, 9)),
        "an event 900 deep": ("lineage", "producer", "/api/v1/lineage", JSON, facet.encode()),
        "a header of 20,000": ("generation", "steward", upload, {"Content-Type": "text/csv"}, wide),
        "Parquet, one value": ("generation", "steward", upload, parquet_type, bomb()),
    }  # fmt: skip


def bomb() -> bytes:
    table = pa.table({"person": ["x" * (256 * MEBIBYTE - 64)], "wealth": [1], "age": [1], "ill": ["no"]})
    sink = io.BytesIO()
    pq.write_table(table, sink, store_schema=False, compression="brotli", write_statistics=False)
    return sink.getvalue()


async def waits(machine: Machine) -> None:
    source = (await machine.ready()).source_id
    for name, (service, person, path, headers, body) in documents(source).items():
        watched = Watched(machine.stack.supervisor.pid(service))
        idle = watched.largest()
        waiting = asyncio.ensure_future(others(machine, service))
        began = time.perf_counter()
        answer = await sent(machine, service, person, path, headers, body)
        took = time.perf_counter() - began
        waiting.cancel()
        longest = await waiting
        told = f"{answer.status_code}, {len(answer.content) / 1000:.1f} kB" if answer is not None else "no answer"
        print(
            f"{name:26} {len(body) / 1000:7.1f} kB: {told:16} in {took:6.2f} s; others waited {longest:6.3f} s; "
            f"{watched.largest() - idle} MiB",
            flush=True,
        )


async def sent(machine: Machine, service: str, person: str, path: str, headers: dict[str, str], body: bytes) -> Any:
    registry, issuer = machine.stack.secrets.registry, machine.stack.ports.url("identity")
    token = identity.sign_token(registry, issuer=issuer, client=person, audience=f"mintmark-{service}")
    sent = headers | {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    async with httpx.AsyncClient(base_url=machine.stack.ports.url(service), timeout=300) as http:
        return await http.post(path, content=body, headers=sent)


async def others(machine: Machine, service: str) -> float:
    longest = 0.0
    async with httpx.AsyncClient(base_url=machine.stack.ports.url(service), timeout=300) as http:
        try:
            while True:
                began = time.perf_counter()
                try:
                    await http.get("/livez")
                finally:
                    longest = max(longest, time.perf_counter() - began)
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            return longest


if __name__ == "__main__":
    asyncio.run(main())
