"""Versions pulled from a real server of the S3 protocol, and what a store may not do to its caller."""

import asyncio
import gzip
import json
from typing import Any, Self

import deltalake
import obstore
import pyarrow as pa
import pytest
from generation.connectors.conftest import ROWS, World
from generation.connectors.test_files import csv, table
from obstore.store import S3Store
from seaweed import S3, SECRET, s3

from moneyer_generation.connectors import door
from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.reach import Reach

__all__ = ["s3"]


def target(endpoint: str, **changes: Any) -> dict[str, Any]:
    return {"kind": "s3", "bucket": "sealed", "endpoint": endpoint, "access_key": "moneyer"} | changes


@pytest.fixture
def bucket(s3: S3) -> Any:
    return S3Store(
        "sealed", endpoint=s3.endpoint, region="us-east-1", access_key_id="moneyer", secret_access_key=SECRET,
        client_options={"allow_http": True},
    )  # fmt: skip


@pytest.fixture
async def connection(world: World, s3: S3) -> str:
    (world.folder / "secrets" / "bucket").write_text(SECRET)
    return await world.connect(target(s3.endpoint), "file:bucket")


async def test_objects_are_pulled(world: World, connection: str, bucket: Any) -> None:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table(), sink)
    obstore.put(bucket, "raw/people.parquet", sink.getvalue().to_pybytes())
    obstore.put(bucket, "raw/people.csv", csv())
    obstore.put(bucket, "raw/people.csv.gz", gzip.compress(csv()))
    for path in ("raw/people.parquet", "raw/people.csv", "raw/people.csv.gz"):
        pull = await world.pull(connection, path=path)
        assert (pull["state"], pull["rows"]) == ("done", len(ROWS)), pull
    assert (await world.pull(connection, path="raw/none.csv"))["problem"]["code"] == "not-found"
    assert (await world.test(connection))["problem"] is None


async def test_a_delta_table_in_a_bucket_is_pulled(world: World, connection: str, s3: S3) -> None:
    options = {name.lower(): value for name, value in s3.environment.items()}
    deltalake.write_deltalake("s3://sealed/lake/people", table(), storage_options=options)
    pull = await world.pull(connection, delta="lake/people")
    assert (pull["state"], pull["rows"]) == ("done", len(ROWS)), pull


async def test_a_wrong_secret_is_told(world: World, s3: S3) -> None:
    (world.folder / "secrets" / "wrong").write_text("a-guess")
    connection = await world.connect(target(s3.endpoint), "file:wrong")
    pull = await world.pull(connection, path="raw/people.csv")
    assert pull["problem"]["code"] == "credentials-refused"
    assert "a-guess" not in json.dumps(pull)
    unsigned = await world.connect(target(s3.endpoint, access_key=None))
    assert (await world.pull(unsigned, path="raw/people.csv"))["problem"]["code"] == "credentials-refused"
    assert (await world.test(connection))["problem"]["code"] == "credentials-refused"
    assert await world.nothing_is_left()


async def test_the_workers_own_credentials_are_not_used(
    world: World, s3: S3, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection without a secret is anonymous, whatever the worker's own store is opened with."""
    obstore.put(bucket, "raw/own.csv", csv())
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    unsigned = await world.connect(target(s3.endpoint, access_key=None))
    assert (await world.pull(unsigned, path="raw/own.csv"))["problem"]["code"] == "credentials-refused"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://169.254.169.254", "https://169.254.169.254", "https://[::1]", "http://10.0.0.1", "https://192.168.1.1",
        "https://metadata.google.internal", "http://localhost.localdomain:1", "https://0.0.0.0", "https://2130706433",
    ],
)  # fmt: skip
async def test_no_endpoint_leads_inside(world: World, endpoint: str) -> None:
    body = {"name": "inside", "target": target(endpoint, access_key=None)}
    answer = await world.call("POST", "/v1/connections", json=body)
    if answer.status_code == 422:
        return
    pull = await world.pull(answer.json()["id"], path="latest/meta-data/iam/security-credentials", form="csv")
    assert pull["problem"]["code"] == "not-allowed"


def test_every_address_of_a_name_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked up only: nothing is called."""
    inner = ["10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fd00::1"]
    never = ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:169.254.169.254"]
    for address in [*inner, *never]:
        monkeypatch.setattr(
            "moneyer_generation.connectors.reach._look_up", lambda host, port, a=address: ["8.8.8.8", a]
        )
        with pytest.raises(Fault) as fault:
            Reach(frozenset()).addresses("db.test", 443)
        assert fault.value.code == "not-allowed"
        named = Reach(frozenset({"db.test"}))
        if address in inner:
            assert named.addresses("DB.test.", 443) == ["8.8.8.8", address]
        else:
            with pytest.raises(Fault):
                named.addresses("db.test", 443)


async def test_metadata_addresses_are_not_reached_even_where_they_are_named(world: World) -> None:
    world.with_settings(connector_hosts=("169.254.169.254",))
    connection = await world.connect(target("http://169.254.169.254", access_key=None))
    assert (await world.pull(connection, path="latest", form="csv"))["problem"]["code"] == "not-allowed"


class Server:
    """Answers every request with one text, and writes down what it was asked."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.read(65536))
        writer.write(self.answer.encode())
        await writer.drain()
        writer.close()


async def test_a_redirect_to_another_host_is_not_followed(world: World) -> None:
    async with Server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as inner:
        there = f"http://localhost:{inner.port}/latest/meta-data"
        moved = (
            f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {there}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        async with Server(moved) as outer:
            connection = await world.connect(target(f"http://127.0.0.1:{outer.port}", access_key=None))
            pull = await world.pull(connection, path="people.csv")
            assert outer.asked, "it was asked"
    assert pull["state"] == "failed"
    assert inner.asked == []


async def test_the_address_checked_is_the_one_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means another address the second time is called at the first."""
    async with Server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        meant = [["127.0.0.1"], ["169.254.169.254"]]
        monkeypatch.setattr("moneyer_generation.connectors.reach._look_up", lambda host, port: meant.pop(0))
        reach = Reach(frozenset({"twice.test"}))
        reach.addresses("twice.test", server.port)
        opened = door.Door(reach, ["twice.test"])
        import httpx

        async with httpx.AsyncClient(proxy=opened.url) as http:
            answer = await http.get(f"http://twice.test:{server.port}/")
            assert answer.status_code == 200
            assert (await http.get("http://other.test/")).status_code == 403
    assert len(meant) == 1


async def test_a_store_that_stops_half_way_leaves_nothing(world: World) -> None:
    cut = (
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nETag: x\r\nLast-Modified: Mon, 02 Jan 2023 10:00:00 GMT\r\n\r\n"
        + csv().decode()
    )
    async with Server(cut) as server:
        connection = await world.connect(target(f"http://127.0.0.1:{server.port}", access_key=None))
        pull = await world.pull(connection, path="people.csv")
    assert pull["problem"]["code"] == "unreachable"
    assert await world.nothing_is_left()
