"""Custody over a real server of the S3 protocol: create-only, in parts, read by ranges, signed; and a child that uses it."""

import asyncio
import json
import shutil
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import obstore
import pyarrow as pa
import pytest
from generation.test_child import DECLARATION

from moneyer_generation.execution.children import Children
from moneyer_local.processes import dies_with_parent
from moneyer_shared import custody
from moneyer_shared.exact import arrow_schema

SECRET = "a-secret-of-this-test"
KEY = bytes(range(32))


def free_port() -> int:
    """One whose gRPC sister, ten thousand above, exists too."""
    while True:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = int(door.getsockname()[1])
        if port < 55_000:
            return port


@dataclass(frozen=True)
class S3:
    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT": self.endpoint, "AWS_ACCESS_KEY_ID": "moneyer", "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
        }  # fmt: skip


@pytest.fixture
def store(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Custody's store, named by the environment as an operator does."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return custody.open_store("s3://sealed/house")


@pytest.fixture(scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3]:
    folder = tmp_path_factory.mktemp("s3")
    known = {"name": "moneyer", "credentials": [{"accessKey": "moneyer", "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [known]}))
    doors = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    program = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [
        program, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3",
        # Its other services would all stand behind one fixed door each.
        "-s3.port.lance=0", "-s3.port.iceberg=0", f"-s3.config={folder / 'identities.json'}", *(f"-{name}.port={port}" for name, port in doors.items()),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            *command, cwd=folder, stdout=log, stderr=log, preexec_fn=dies_with_parent(9)
        )
    made = S3(f"http://127.0.0.1:{doors['s3']}")
    try:
        await bucket_is_made(made, server, folder / "log")
        yield made
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def bucket_is_made(made: S3, server: asyncio.subprocess.Process, log: Path) -> None:
    """The server answers signed requests; a bucket is made by a signed PUT, which no object store's client offers."""
    for _ in range(240):
        assert server.returncode is None, log.read_text()[-2000:]
        try:
            if await put_bucket(made.endpoint):
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.25)
    raise AssertionError(log.read_text()[-2000:])


async def put_bucket(endpoint: str) -> bool:
    """A PUT of the bucket under AWS Signature Version 4."""
    import datetime as dt
    import hashlib
    import hmac

    now = dt.datetime.now(dt.UTC)
    day, stamp, host = f"{now:%Y%m%d}", f"{now:%Y%m%dT%H%M%SZ}", endpoint.removeprefix("http://")
    empty = hashlib.sha256(b"").hexdigest()
    signed = "host;x-amz-content-sha256;x-amz-date"
    asked = f"PUT\n/sealed\n\nhost:{host}\nx-amz-content-sha256:{empty}\nx-amz-date:{stamp}\n\n{signed}\n{empty}"
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    headers = {
        "x-amz-date": stamp, "x-amz-content-sha256": empty,
        "Authorization": f"AWS4-HMAC-SHA256 Credential=moneyer/{scope}, SignedHeaders={signed}, Signature={signature}",
    }  # fmt: skip
    async with httpx.AsyncClient() as http:
        return (await http.put(f"{endpoint}/sealed", headers=headers)).status_code in {200, 409}


def rows(count: int) -> pa.Table:
    random = np.random.default_rng(0)
    return pa.table({"a": random.integers(0, 2**60, count), "b": random.random(count)})


async def test_an_object_is_written_once(store: Any) -> None:
    custody.put_new(store, "once", custody.seal_blob(b"first", KEY, "once"))
    with pytest.raises(FileExistsError):
        custody.put_new(store, "once", b"second")
    assert custody.unseal_blob(bytes(custody.get(store, "once")), KEY, "once") == b"first"
    assert custody.exists(store, "once")
    assert not custody.exists(store, "never")
    with pytest.raises(FileNotFoundError):
        custody.get(store, "never")


async def test_a_long_table_goes_up_in_parts_and_is_read_by_ranges(store: Any) -> None:
    table = rows(1_200_000)
    seal = custody.TableSeal(store, "long", table.schema, KEY)
    for start in range(0, table.num_rows, custody.GROUP_ROWS):
        seal.write(table.slice(start, custody.GROUP_ROWS))
    assert seal.finish() > 2 * custody.PART_BYTES
    opened = custody.open_table(store, "long", KEY)
    assert opened.num_row_groups > 10
    assert opened.read_row_group(7).equals(table.slice(7 * custody.GROUP_ROWS, custody.GROUP_ROWS))
    assert custody.read_table(store, "long", KEY).equals(table)
    with pytest.raises(custody.SealBroken):
        custody.open_table(store, "long", bytes(32))


async def test_nobody_without_the_secret_reads_or_writes(s3: S3, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    custody.put_new(store, "private", b"sealed")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-guess")
    with pytest.raises(obstore.exceptions.PermissionDeniedError):
        custody.get(custody.open_store("s3://sealed/house"), "private")
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{s3.endpoint}/sealed/house/private")).status_code == 403
        assert (await http.put(f"{s3.endpoint}/sealed/house/other", content=b"x")).status_code == 403


async def test_a_child_that_is_told_the_store_through_its_pipe_uses_it(s3: S3, store: Any) -> None:
    table = pa.table({"c": np.random.default_rng(0).choice(["a", "b"], 200)}, schema=arrow_schema(DECLARATION.learned))
    custody.put_new(store, "train", custody.seal_table(table.to_batches(), table.schema, KEY, "train"))
    text = b64encode(KEY).decode()
    job = {
        "objects_url": "s3://sealed/house", "store_environment": custody.store_environment(), "generator": "dpmm-fixed", "rows": 20, "seed": 1,
        "declaration": DECLARATION.model_dump(mode="json"), "train_object": "train", "model_object": "model",
        "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 100}, "asset_object": "asset",
        **dict.fromkeys(("source_key", "asset_key", "model_key"), text),
    }  # fmt: skip
    children = Children()
    told = [message async for message in children.messages(job)]
    await children.aclose()
    assert told[-1]["done"]["rows"] == 20
    assert custody.read_table(store, "asset", KEY).num_rows == 20
    assert custody.store_environment().items() >= s3.environment.items()
