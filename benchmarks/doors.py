"""What strangers and odd documents cost: memory of bodies without a token, and how long the event loop stands still.

Memory is the largest resident memory of the real process while a body of 200 MiB is sent, above what it took before.
The loop's longest gap is taken in this process, where a second task wakes every millisecond while a document is read.
No database is needed: everything here is refused before one is asked.
"""

import asyncio
import gzip
import json
import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import ECKey, KeySet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from policy.examples import charter_document

from moneyer_lineage.app import create_app as create_lineage
from moneyer_lineage.settings import Settings as LineageSettings
from moneyer_local import identity
from moneyer_policy.app import create_app as create_policy
from moneyer_policy.settings import Settings as PolicySettings
from moneyer_shared.service import Surroundings

MEBIBYTE, BODY = 2**20, 200
NOWHERE = "http://127.0.0.1:1"
KEY = b64encode(bytes(32)).decode()
TOLD = {
    "database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing", "issuer": NOWHERE, "token_url": NOWHERE,
    "client_id": "x", "client_secret": "x", "policy_url": NOWHERE, "evaluation_url": NOWHERE, "generation_url": NOWHERE,
    "objects_url": "memory:///", "master_key": KEY, "signing_key": KEY, "checkpoint_key": KEY, "webhook_key": KEY,
    "vault": ".",
}  # fmt: skip
ROUTES = {
    "policy": "/v1/populations",
    "generation": "/v1/sources",
    "evaluation": "/v1/assays",
    "lineage": "/v1/deliveries",
}
JSON, YAML = {"Content-Type": "application/json"}, {"Content-Type": "application/yaml"}
GZIP = JSON | {"Content-Encoding": "gzip"}


async def strangers(service: str) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    told = {f"MONEYER_{service.upper()}_{name.upper()}": value for name, value in (TOLD | {"port": str(port)}).items()}
    command = [sys.executable, "-m", f"moneyer_{service}", "api"]
    process = subprocess.Popen(command, env=os.environ | told, stderr=subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as http:
            await alive(http)
            for how, content in (("with a length", b" " * (BODY * MEBIBYTE)), ("in chunks", chunks())):
                forget(process.pid)
                before = largest(process.pid)
                answer = await http.post(ROUTES[service], content=content, headers=JSON | {"Idempotency-Key": "k"})
                above = largest(process.pid) - before
                print(
                    f"{service:10} {BODY} MiB {how:13} without token: {answer.status_code}, {above:4} MiB", flush=True
                )
    finally:
        process.terminate()
        process.wait()


async def alive(http: httpx.AsyncClient) -> None:
    while True:
        try:
            await http.get("/livez")
        except httpx.TransportError:
            await asyncio.sleep(0.1)
        else:
            return


async def chunks() -> AsyncIterator[bytes]:
    for _ in range(BODY):
        yield b" " * MEBIBYTE


def largest(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def forget(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def documents() -> dict[str, tuple[str, str, str, dict[str, str], bytes]]:
    """What a valid caller sends: service, person, path, headers, body."""
    case = {"name": "a", "description": "d", "acceptance": [{"metric": "m", "at_most": "0.5"}] * 90}
    wrong = charter_document(use_cases=[{"name": "!", "description": ""}] * 5_000)
    long = charter_document(use_cases=[case | {"name": f"a{n}"} for n in range(190)], retention_days=0)
    charters, batch = ("policy", "scientist", "/v1/charters"), ("lineage", "producer", "/api/v1/lineage/batch")
    return {
        "nothing, to warm up": (*charters, JSON, b"{}"),
        "YAML in one line": (*charters, YAML, ("title: [" + "a, " * 82_000 + "a]").encode()),
        "YAML in blocks": (*charters, YAML, ("title:\n" + "- a\n" * 60_000).encode()),
        "YAML within the bounds": (*charters, YAML, ("title: [" + "a, " * 40_000 + "a]").encode()),
        "a charter, 5,000 faults": (*charters, JSON, json.dumps(wrong).encode()),
        "a charter, 17,100 criteria": (*charters, JSON, json.dumps(long).encode()),
        "gzip, 8 MB of objects": (*batch, GZIP, gzip.compress(b"[" + b"{}," * 2_700_000 + b"{}]", 9)),
        "gzip, 8 MB of numbers": (*batch, GZIP, gzip.compress(b"[" + b"1," * 4_000_000 + b"1]", 9)),
        "nested 900 deep": (*batch, JSON, b"[" + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]"),
    }


class Waiting:
    """A task that wakes every millisecond, and the longest it was late."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest, last = max(self.longest, now - last), now

    def stop(self) -> None:
        self._task.cancel()


def told_to(settings: Any) -> dict[str, str]:
    return {name: value for name, value in TOLD.items() if name in settings.model_fields}


async def odd_documents() -> None:
    registry = identity.new_registry()
    public = ECKey.import_key(registry["key"]).as_dict(private=False)

    async def keys() -> KeySet:
        return KeySet.import_key_set({"keys": [public]})

    policy, lineage = (kind.model_validate(told_to(kind)) for kind in (PolicySettings, LineageSettings))
    apps: dict[str, Any] = {
        "policy": create_policy(policy, surroundings=Surroundings("policy", policy, fetch_keys=keys)),
        "lineage": create_lineage(lineage, surroundings=Surroundings("lineage", lineage, fetch_keys=keys)),
    }
    for name, (service, person, path, headers, body) in documents().items():
        token = identity.sign_token(registry, issuer=NOWHERE, client=person, audience=f"moneyer-{service}")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(apps[service]), base_url="http://x") as http:
            waiting, began = Waiting(), time.perf_counter()
            answer = await http.post(path, content=body, headers=headers | {"Authorization": f"Bearer {token}"})
            took = time.perf_counter() - began
            await asyncio.sleep(0.005)
            waiting.stop()
        sizes = f"{len(body) / 1000:6.1f} kB: {answer.status_code}, {len(answer.content) / 1000:7.1f} kB"
        print(f"{name:27} {sizes} in {took:5.2f} s, the loop stood still for {waiting.longest:5.3f} s", flush=True)


async def main() -> None:
    for service in ROUTES:
        await strangers(service)
    await odd_documents()


if __name__ == "__main__":
    asyncio.run(main())
