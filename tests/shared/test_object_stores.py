"""Custody over a real server of the S3 protocol: create-only, in parts, read by ranges, signed; and a child that uses it."""

from base64 import b64encode
from typing import Any

import httpx
import numpy as np
import obstore
import pyarrow as pa
import pytest
from generation.test_child import DECLARATION
from seaweed import S3, s3

from moneyer_generation.execution.children import Children
from moneyer_shared import custody
from moneyer_shared.exact import arrow_schema

__all__ = ["s3"]
KEY = bytes(range(32))


@pytest.fixture
def store(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Custody's store, named by the environment as an operator does."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return custody.open_store("s3://sealed/house")


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
