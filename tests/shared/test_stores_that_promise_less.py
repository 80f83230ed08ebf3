"""A store said to be S3 that ignores, or does not know, the condition "only if it is not there" is never sealed into."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from moneyer_generation import __main__ as generation
from moneyer_generation.app import WrittenOnce
from moneyer_shared import custody
from moneyer_shared.errors import Unavailable

ETAG = '"0123456789abcdef0123456789abcdef"'


class Store(BaseHTTPRequestHandler):
    """As much of S3 as a probe asks for; ``kind`` is what becomes of the condition."""

    kind = "knows"
    objects: ClassVar[dict[str, bytes]] = {}

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        conditional = self.headers.get("if-none-match") == "*"
        refusals = {"unknown": 501, "bad": 400, "not allowed": 405}
        if self.kind in {"down", "forbidden"}:
            return self._answer(503 if self.kind == "down" else 403)
        if conditional and self.kind in refusals:
            return self._answer(refusals[self.kind])
        if conditional and self.kind in {"knows", "keeps all"} and self.path in self.objects:
            return self._answer(412)
        if conditional and self.kind == "conflicts" and self.path in self.objects:
            return self._answer(409)
        self.objects[self.path] = body
        return self._answer(200)

    def do_POST(self) -> None:
        """DeleteObjects: many names in one XML."""
        asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        if self.kind == "keeps all":
            return self._answer(403)
        bucket = self.path.partition("?")[0].rstrip("/")
        for name in re.findall("<Key>(.*?)</Key>", asked):
            self.objects.pop(f"{bucket}/{name}", None)
        return self._answer(200, b"<DeleteResult></DeleteResult>")

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("etag", ETAG)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Store]]:
    kind = type("Kind", (Store,), {"objects": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    environment = {
        "AWS_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield kind
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("kind", ["knows", "conflicts", "keeps all"])
async def test_a_store_that_writes_a_name_once_is_used(store: Any, kind: str) -> None:
    store.kind = kind
    ask = WrittenOnce("s3://sealed/house")
    await ask()
    left = len(store.objects)
    assert left == (1 if kind == "keeps all" else 0), "a probe leaves nothing where it may"
    store.kind = "down"
    await ask()


@pytest.mark.parametrize("kind", ["ignores", "unknown", "bad", "not allowed"])
async def test_a_store_that_does_not_is_refused(store: Any, kind: str) -> None:
    store.kind = kind
    with pytest.raises(custody.StoreUnfit, match="If-None-Match"):
        custody.check_writes_once("s3://sealed/house")
    ask = WrittenOnce("s3://sealed/house")
    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot be used"):
            await ask()


@pytest.mark.parametrize("kind", ["down", "forbidden"])
async def test_a_store_that_is_away_is_asked_again(store: Any, kind: str) -> None:
    store.kind = kind
    ask = WrittenOnce("s3://sealed/house")
    with pytest.raises(Unavailable, match="cannot be written to"):
        await ask()
    store.kind = "knows"
    await ask()


def test_no_process_starts_on_a_store_that_overwrites(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "DATABASE_URL": "postgresql://x", "ISSUER": "http://x", "TOKEN_URL": "http://x", "CLIENT_ID": "a",
        "CLIENT_SECRET": "b", "LINEAGE_URL": "", "POLICY_URL": "http://x", "EVALUATION_URL": "http://x",
        "OBJECTS_URL": "s3://sealed/house",
    }  # fmt: skip
    for name, value in said.items():
        monkeypatch.setenv(f"MONEYER_GENERATION_{name}", value)
    store.kind = "ignores"
    for role in ("api", "worker"):
        with pytest.raises(SystemExit, match="object store cannot be used"):
            generation.main(role)
    store.kind = "knows"
    assert generation.settings_of_house().objects_url == "s3://sealed/house"


def test_a_folder_writes_a_name_once(tmp_path: Path) -> None:
    custody.check_writes_once(tmp_path.as_uri())
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
