"""Versions pulled from Iceberg tables that pyiceberg wrote: by a catalog, by their metadata, in a folder and a bucket."""

import datetime as dt
import json
import shutil
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import pyarrow as pa
import pytest
from generation.connectors.conftest import PERSON, ROWS, World
from generation.connectors.iceberg_tables import (
    catalog,
    metadata_of,
    with_equality_deleted,
    with_positions_deleted,
    written,
)
from generation.connectors.test_files import table
from generation.connectors.test_postgres import sealed
from obstore.store import S3Store
from pyiceberg.types import LongType
from seaweed import S3, SECRET, s3

from moneyer_generation.connectors import iceberg
from moneyer_generation.connectors.reach import Reach

__all__ = ["s3"]


def below(world: World, place: Path) -> str:
    return str(place.relative_to(world.files))


async def test_a_table_of_a_catalog_is_read_at_its_newest_snapshot(world: World) -> None:
    made = written(world.files / "lake", table().slice(0, 50), table().slice(50, 100))
    connection = await world.connect({"kind": "iceberg", "path": "lake/catalog.db", "catalog": "lake"})
    assert (await world.test(connection))["problem"] is None
    pull = await world.pull(connection, table="clinic.people")
    assert (pull["state"], pull["rows"]) == ("done", 150), pull
    rows = await sealed(world, pull["version_id"])
    assert [(row["person"], row["sex"], row["age"], row["income"]) for row in rows] == sorted(ROWS[:150])
    made.append(table().slice(150))
    made.delete("age = 20")
    pull = await world.pull(connection, table="clinic.people")
    assert pull["rows"] == sum(row[2] != 20 for row in ROWS)
    assert PERSON not in await world.all_that_was_written()
    for other, code in (("clinic.nobody", "not-found"), ("people", "not-found")):
        assert (await world.pull(connection, table=other))["problem"]["code"] == code
    assert (await world.ask(connection, query="SELECT 1")).status_code == 422
    assert (await world.ask(connection, path="t.csv")).status_code == 422


async def test_a_table_is_read_by_the_path_of_its_metadata(world: World) -> None:
    made = written(world.files / "lake", table())
    earlier = below(world, metadata_of(made))
    made.delete("age >= 40")
    connection = await world.connect({"kind": "files"})
    assert (await world.pull(connection, iceberg=earlier))["rows"] == len(ROWS)
    assert (await world.pull(connection, iceberg=below(world, metadata_of(made))))["rows"] == sum(
        row[2] < 40 for row in ROWS
    )
    inside = await world.connect({"kind": "files", "path": "lake"})
    assert (await world.pull(inside, iceberg=earlier.removeprefix("lake/")))["rows"] == len(ROWS)
    for path in ("lake", "lake/clinic/people", "lake/catalog.db", "lake/clinic/people/metadata/none.metadata.json"):
        assert (await world.pull(connection, iceberg=path))["problem"]["code"] == "not-found", path
    metadata_of(made).write_text("{}")
    code = (await world.pull(connection, iceberg=below(world, metadata_of(made))))["problem"]["code"]
    assert code == "table-unreadable"


async def test_rows_deleted_beside_the_data_are_left_out(world: World) -> None:
    made = written(world.files / "lake", table())
    connection = await world.connect({"kind": "files"})
    pull = await world.pull(connection, iceberg=below(world, with_positions_deleted(made, [0, 3, 199])))
    assert (pull["state"], pull["rows"]) == ("done", len(ROWS) - 3), pull
    rows = await sealed(world, pull["version_id"])
    assert {row["person"] for row in rows} == {row[0] for n, row in enumerate(ROWS) if n not in {0, 3, 199}}


async def test_deletes_by_value_are_refused_and_not_overlooked(world: World) -> None:
    made = written(world.files / "lake", table())
    connection = await world.connect({"kind": "files"})
    pull = await world.pull(connection, iceberg=below(world, with_equality_deleted(made, "person", ROWS[0][0])))
    assert pull["problem"]["code"] == "table-unreadable"
    assert "equality deletes" in pull["problem"]["detail"]
    assert await world.nothing_is_left()


async def test_columns_are_followed_through_the_changes_of_a_schema(world: World) -> None:
    """A renamed column keeps its values, a new one of an old name has none of them, a promoted one is as wide as now."""
    before = table().set_column(2, "years", table()["age"].cast(pa.int32())).append_column("age", pa.array(["x"] * 200))
    made = written(world.files / "lake", before)
    with made.update_schema() as change:
        change.delete_column("age")
    with made.update_schema() as change:
        change.rename_column("years", "age")
        change.update_column("years", LongType())
    made.append(table().slice(0, 10).select(["person", "sex", "age", "income"]))
    connection = await world.connect({"kind": "iceberg", "path": "lake/catalog.db", "catalog": "lake"})
    pull = await world.pull(connection, table="clinic.people")
    assert (pull["state"], pull["rows"]) == ("done", len(ROWS) + 10), pull
    rows = await sealed(world, pull["version_id"])
    assert sorted(row["age"] for row in rows) == sorted(row[2] for row in [*ROWS, *ROWS[:10]])


TYPES: dict[str, tuple[pa.DataType, Any]] = {
    "truth": (pa.bool_(), True),
    "whole": (pa.int32(), -(2**31)),
    "long": (pa.int64(), 2**63 - 1),
    "half": (pa.float32(), 1.100000023841858),
    "fraction": (pa.float64(), 0.1),
    "money": (pa.decimal128(38, 10), Decimal("1234567890123456789012345678.0000000001")),
    "day": (pa.date32(), dt.date(9999, 12, 31)),
    "clock": (pa.time64("us"), dt.time(23, 59, 59, 1)),
    "moment": (pa.timestamp("us"), dt.datetime(1, 1, 1, 0, 0, 0, 1)),  # noqa: DTZ001
    "zoned": (pa.timestamp("us", "UTC"), dt.datetime(2024, 2, 29, 23, 59, 59, 999999, dt.UTC)),
    "text": (pa.string(), "Ünï😀"),
    "bytes": (pa.binary(), b"\0\xff"),
    "four": (pa.binary(4), b"ab\0\0"),
    "key": (pa.uuid(), uuid.UUID(int=1)),
}


def test_a_value_of_iceberg_comes_as_what_it_is(tmp_path: Path) -> None:
    fields = {
        name: pa.array([value.bytes if isinstance(value, uuid.UUID) else value, None], kind)
        for name, (kind, value) in TYPES.items()
    }
    made = written(tmp_path / "lake", pa.table(fields))
    target = {"kind": "files", "path": None}
    asked = {"iceberg": str(metadata_of(made).relative_to(tmp_path))}
    with iceberg.reading(target, asked, None, Reach(frozenset()), str(tmp_path)) as (schema, batches):
        [first, second] = pa.Table.from_batches(batches, schema).to_pylist()
    assert first == {name: str(value) if isinstance(value, uuid.UUID) else value for name, (_, value) in TYPES.items()}
    assert set(second.values()) == {None}


async def test_an_iceberg_log_that_leads_outside_is_not_followed(world: World) -> None:
    made = written(world.files / "lake", table())
    place = metadata_of(made)
    folder = place.parents[1]
    elsewhere = world.folder / "elsewhere"
    shutil.copytree(folder, elsewhere)
    shutil.copytree(folder, world.files / "beside")
    connection = await world.connect({"kind": "files"})
    said = place.read_text()
    snapshot = json.loads(said)["snapshots"][-1]["manifest-list"]
    for lead in (elsewhere, folder / ".." / "beside", world.files / "beside", Path("/proc/self")):
        place.write_text(said.replace(snapshot, snapshot.replace(str(folder), str(lead))))
        assert (await world.pull(connection, iceberg=below(world, place)))["problem"]["code"] == "not-allowed", lead
    for lead in ("s3://bucket/list.avro", "http://127.0.0.1/list.avro", "list.avro"):
        place.write_text(said.replace(snapshot, lead))
        assert (await world.pull(connection, iceberg=below(world, place)))["problem"]["code"] == "not-allowed", lead
    place.write_text(said)
    [data] = folder.glob("data/*.parquet")
    data.unlink()
    data.symlink_to(next(elsewhere.glob("data/*.parquet")))
    assert (await world.pull(connection, iceberg=below(world, place)))["problem"]["code"] == "not-allowed"
    outside = written(elsewhere / "lake", table())
    shutil.copy(elsewhere / "lake" / "catalog.db", world.files / "catalog.db")
    through = await world.connect({"kind": "iceberg", "path": "catalog.db", "catalog": "lake"})
    assert outside.metadata_location.startswith("file://")
    assert (await world.pull(through, table="clinic.people"))["problem"]["code"] == "not-allowed"
    assert await world.nothing_is_left()


async def test_a_table_in_a_bucket_is_read_through_the_door(world: World, s3: S3) -> None:
    """Written where its paths are those of the bucket; its manifests name them in full."""
    made = catalog(world.files / "lake", **options(s3)).create_table(
        "clinic.people", table().schema, location="s3://sealed/lake/people"
    )
    made.append(table())
    (world.folder / "secrets" / "s3").write_text(SECRET)
    target = {"kind": "s3", "bucket": "sealed", "endpoint": s3.endpoint, "access_key": "moneyer"}
    connection = await world.connect(target, "file:s3")
    path = made.metadata_location.removeprefix("s3://sealed/")
    pull = await world.pull(connection, iceberg=path)
    assert (pull["state"], pull["rows"]) == ("done", len(ROWS)), pull["problem"]
    store = S3Store("sealed", region="us-east-1", endpoint=s3.endpoint, access_key_id="moneyer", secret_access_key=SECRET, client_options={"allow_http": True})  # fmt: skip
    for entry in [one["path"] for page in obstore.list(store, "lake/people/data") for one in page]:
        obstore.delete(store, entry)
    assert (await world.pull(connection, iceberg=path))["problem"]["code"] == "not-found"
    assert (await world.pull(connection, iceberg="lake/metadata/none.metadata.json"))["problem"]["code"] == "not-found"


def options(s3: S3) -> dict[str, str]:
    return {
        "s3.endpoint": s3.endpoint,
        "s3.access-key-id": "moneyer",
        "s3.secret-access-key": SECRET,
        "s3.region": "us-east-1",
    }


@pytest.mark.parametrize("kind", ["iceberg"])
async def test_a_catalog_takes_no_secret(world: World, kind: str) -> None:
    body = {"name": "c", "target": {"kind": kind, "path": "x", "catalog": "c"}, "secret_ref": "file:x"}
    assert (await world.call("POST", "/v1/connections", json=body)).status_code == 422
