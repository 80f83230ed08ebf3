"""Released tables delivered into a real server of the S3 protocol."""

import asyncio
import hashlib
import json
from typing import Any

import obstore
import pytest
from generation.connectors.test_stores import Server, bucket, target
from generation.deliveries.conftest import World
from seaweed import S3, SECRET, s3

from moneyer_generation.connectors import places
from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.reach import Reach

__all__ = ["bucket", "s3"]


@pytest.fixture
async def store(world: World, s3: S3) -> str:
    (world.folder / "secrets" / "bucket").write_text(SECRET)
    return await world.connect(target(s3.endpoint), "file:bucket")


def names(bucket: Any, prefix: str) -> set[str]:
    return {entry["path"] for page in obstore.list(bucket, prefix) for entry in page}


def content(bucket: Any, path: str) -> bytes:
    return obstore.get(bucket, path).bytes().to_bytes()


async def test_an_object_is_put_once_with_what_it_is(world: World, store: str, bucket: Any) -> None:
    asset = await world.asset(3_000)
    delivery = await world.deliver(asset, store, path="one/made.parquet")
    assert (delivery["state"], delivery["problem"]) == ("done", None)
    found = content(bucket, "one/made.parquet")
    assert delivery["digest"] == f"sha256:{hashlib.sha256(found).hexdigest()}"
    assert found == (await world.ask_for("GET", f"/v1/assets/{asset}/table?format=parquet")).content
    said = json.loads(content(bucket, "one/made.parquet.moneyer.json"))
    assert (said["asset"], said["delivery"]) == (asset, delivery["id"])
    assert json.loads(content(bucket, "one/made.parquet.odcs.json"))["id"] == asset
    assert (await world.deliver(asset, store, path="one/made.parquet"))["state"] == "done", "it is there already"
    other = await world.deliver(await world.asset(4), store, path="one/made.parquet")
    assert (other["state"], other["problem"]["code"]) == ("failed", "place-taken")
    assert content(bucket, "one/made.parquet") == found
    assert len(names(bucket, "one/")) == 3


@pytest.mark.parametrize("ending", ["", ".moneyer.json", ".odcs.json"])
async def test_nothing_is_written_over(world: World, store: str, bucket: Any, ending: str) -> None:
    prefix = f"taken{ending.replace('.', '')}/"
    obstore.put(bucket, f"{prefix}made.csv{ending}", b"somebody's own")
    delivery = await world.deliver(await world.asset(), store, path=f"{prefix}made.csv")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "place-taken")
    assert content(bucket, f"{prefix}made.csv{ending}") == b"somebody's own"
    assert names(bucket, prefix) == {f"{prefix}made.csv{ending}"}
    assert world.policy.copies == set()


async def test_two_workers_at_once_leave_one_object(world: World, store: str, bucket: Any) -> None:
    one, other = await world.asset(5), await world.asset(6)
    asked = [(await world.ask(asset, store, path="race/made.csv")).json()["id"] for asset in (one, other)]
    ended = await asyncio.gather(*(world.carry(delivery) for delivery in asked))
    assert sorted(one["state"] for one in ended) == ["done", "failed"]
    [done] = [one for one in ended if one["state"] == "done"]
    assert done["digest"].endswith(hashlib.sha256(content(bucket, "race/made.csv")).hexdigest())
    assert json.loads(content(bucket, "race/made.csv.moneyer.json"))["delivery"] == done["id"]


async def test_what_stands_in_the_way(world: World, s3: S3, bucket: Any) -> None:
    asset = await world.asset()
    (world.folder / "secrets" / "wrong").write_text("a-guess")
    wrong = await world.connect(target(s3.endpoint), "file:wrong")
    delivery = await world.deliver(asset, wrong, path="wrong/made.csv")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "credentials-refused")
    assert "a-guess" not in json.dumps(delivery)
    unsigned = await world.connect(target(s3.endpoint, access_key=None))
    assert (await world.deliver(asset, unsigned, path="wrong/made.csv"))["problem"]["code"] == "credentials-refused"
    reading = await world.connect(target(s3.endpoint), "file:bucket", uses=["pull"])
    assert (await world.ask(asset, reading, path="made.csv")).json()["code"] == "connection-not-for-this"
    assert names(bucket, "wrong/") == set()
    assert world.policy.copies == set()


def test_a_bucket_takes_a_quarter_of_the_memory_there_is() -> None:
    job: Any = {"mebibytes": 8, "asked": {"bytes": 2 * 2**20 + 1}}
    with pytest.raises(Fault) as refused, places.bucket(job, Reach(frozenset())):
        pass
    assert refused.value.code == "too-large"


@pytest.mark.parametrize(
    "endpoint", ["https://169.254.169.254", "https://10.0.0.1", "https://metadata.google.internal"]
)
async def test_nothing_is_delivered_inside(world: World, endpoint: str) -> None:
    connection = await world.connect(target(endpoint, access_key=None))
    delivery = await world.deliver(await world.asset(), connection, path="made.csv")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "not-allowed")


async def test_a_store_that_sends_its_callers_elsewhere(world: World) -> None:
    async with Server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as inner:
        moved = (
            "HTTP/1.1 307 Temporary Redirect\r\n"
            f"Location: http://localhost:{inner.port}/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        async with Server(moved) as outer:
            connection = await world.connect(target(f"http://127.0.0.1:{outer.port}", access_key=None))
            delivery = await world.deliver(await world.asset(), connection, path="made.csv")
    assert delivery["state"] == "failed"
    assert inner.asked == []
