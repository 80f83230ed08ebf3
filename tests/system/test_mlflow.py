"""An asset used by two models, one of a real MLflow registry, is withdrawn: both owners hear of it, signed."""

import asyncio
import base64
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook
from system.conftest import Machine, until

from moneyer import calls

pytestmark = pytest.mark.system
HERE = Path(__file__).parent
PLATFORM = HERE.parents[1] / ".platforms" / "mlflow" / "bin"


class Receiver(ThreadingHTTPServer):
    """Somebody who is called; what it is sent it keeps."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.sent.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


@asynccontextmanager
async def mlflow_server(folder: Path) -> AsyncIterator[str]:
    """A real tracking server and registry of MLflow that may call this machine."""
    assert (PLATFORM / "mlflow").exists(), "make test makes MLflow's own environment first"
    url = f"http://127.0.0.1:{free_port()}"
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http", "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    with (folder / "mlflow.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            PLATFORM / "mlflow", "server", "--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
            stdout=log, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        async with httpx.AsyncClient() as http:

            async def answers() -> bool:
                assert process.returncode is None, (folder / "mlflow.log").read_text()[-2000:]
                try:
                    return (await http.get(f"{url}/health")).is_success
                except httpx.TransportError:
                    return False

            await until(answers)
        yield url
    finally:
        os.killpg(process.pid, 9)
        await process.wait()


async def train_in_mlflow(machine: Machine, registry: str, asset: str) -> tuple[int | None, dict[str, Any] | str]:
    process = await asyncio.create_subprocess_exec(
        PLATFORM / "python", HERE / "mlflow_story.py", asset, "churn", "scientist",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {
            "MLFLOW_TRACKING_URI": registry, "MONEYER_DATA": str(machine.stack.directory.root), "MONEYER_AS": "scientist",
            "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet",
        },
    )  # fmt: skip
    out, errors = await process.communicate()
    return process.returncode, json.loads(out.splitlines()[-1]) if process.returncode == 0 else errors.decode()


async def let_mlflow_call(machine: Machine, registry: str) -> None:
    """What an administrator of MLflow does once."""
    events = [("MODEL_VERSION", "CREATED"), ("MODEL_VERSION_TAG", "SET"), ("REGISTERED_MODEL", "CREATED")]
    body = {
        "name": "moneyer", "url": f"{machine.stack.ports.url('lineage')}/v1/registries/plant/mlflow", "secret": "hush",
        "events": [{"entity": entity, "action": action} for entity, action in events],
    }  # fmt: skip
    async with httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(f"{registry}/api/2.0/mlflow/webhooks", json=body)
    assert answer.is_success, answer.text


async def withdraw(machine: Machine, asset: str, substitute: str) -> None:
    asked = await machine.send("steward", calls.withdraw_asset(asset, reason="a fault in it", substitute=substitute))
    review = await machine.send("auditor", calls.get_review(asked["review_id"]))
    await machine.approve(review, reason="yes")


async def test_both_owners_hear_of_a_withdrawal_and_mlflow_knows_which_models_used_it(
    machine: Machine, tmp_path: Path
) -> None:
    ready = await machine.ready()
    async with machine.worker():
        asset, better = [await ready.ended(await ready.request()) for _ in range(2)]
    assert (asset["state"], better["state"]) == ("released", "released")
    asset, better = asset["id"], better["id"]
    with receiving() as one, receiving() as two:
        hooks = {
            person: await machine.send(person, calls.add_webhook(receiver.url, key=uuid4().hex))
            for person, receiver in (("scientist", one), ("lead-scientist", two))
        }
        async with mlflow_server(tmp_path) as registry:
            await let_mlflow_call(machine, registry)
            status, told = await train_in_mlflow(machine, registry, asset)
            assert status == 0, told
            assert told == {
                "rows": 300, "loaded_again": 300, "source": {"uri": f"moneyer:{asset}"}, "version": "1",
                "models": [["churn", "1"]],
            }, "MLflow's own answer to: which models used this asset?"  # fmt: skip
            await machine.send("lead-scientist", calls.register_model("credit"))
            now = datetime.now(UTC).isoformat()
            await machine.send("lead-scientist", calls.train_model("credit", "7", assets=[asset], trained_at=now))

            async def both_known() -> bool:
                found = await machine.send("auditor", calls.get_impact(asset))
                return [(m["model"], m["version"], m["owner"], m["webhooks"]) for m in found["models"]] == [
                    ("credit", "7", "lead-scientist", 1),
                    ("plant:churn", "1", "scientist", 1),
                ]

            await until(both_known)
            await withdraw(machine, asset, better)

            async def both_told() -> bool:
                return bool(one.sent and two.sent)

            await until(both_told)
            status, told = await train_in_mlflow(machine, registry, asset)
            assert status != 0
            assert "asset-withdrawn" in told, "its table is read no more"
            assert better in told, "and says what to use"
    for person, receiver, model in (("scientist", one, "plant:churn"), ("lead-scientist", two, "credit")):
        (headers, body) = receiver.sent[0]
        event = Webhook(hooks[person]["secret"]).verify(body, headers)
        assert (event["type"], event["subject"]) == ("dev.moneyer.asset.withdrawn", asset)
        assert (event["data"]["models"][0]["name"], event["data"]["substitute"]) == (model, better)
        (delivery,) = await machine.send(person, calls.list_deliveries(hooks[person]["id"]))
        assert delivery["delivered_at"]
    assert (await machine.send("auditor", calls.get_impact(asset)))["state"] == "withdrawn"
    assert (await machine.send("auditor", calls.get_impact(asset, as_of=now)))["state"] == "released"
    assert (await machine.send("scientist", calls.get_asset(asset)))["substitute"] == better
