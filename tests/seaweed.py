"""A real server of the S3 protocol, started from a package, with one bucket and one pair of credentials."""

import asyncio
import json
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from moneyer_local.processes import dies_with_parent

SECRET = "a-secret-of-this-test"


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
