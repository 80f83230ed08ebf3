"""Released tables delivered into the operator's folder, and the order of what is put there, without a process."""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest
from generation.deliveries.conftest import World, rows, table

from moneyer_generation.connectors import places, writing_files
from moneyer_generation.connectors.faults import Fault, credentials_refused, unreachable
from moneyer_generation.connectors.writing import Committing, Unsure, unsure


@pytest.fixture
async def folder(world: World) -> str:
    (world.files / "out").mkdir()
    return await world.connect({"kind": "files", "path": "out"})


def there(world: World) -> set[str]:
    return {str(path.relative_to(world.files)) for path in world.files.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("form", ["parquet", "csv", "arrow"])
async def test_the_bytes_are_those_of_the_record(world: World, folder: str, form: str) -> None:
    asset = await world.asset()
    delivery = await world.deliver(asset, folder, path=f"made.{form}")
    assert (delivery["state"], delivery["form"]) == ("done", form)
    content = (world.files / "out" / f"made.{form}").read_bytes()
    downloaded = await world.ask_for("GET", f"/v1/assets/{asset}/table?format={form}")
    assert content == downloaded.content
    assert delivery["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert delivery["bytes"] == len(content)
    assert there(world) == {f"out/made.{form}", f"out/made.{form}.moneyer.json", f"out/made.{form}.odcs.json"}
    if form == "parquet":
        assert pq.read_table(world.files / "out" / "made.parquet").to_pylist() == table(rows(5)).to_pylist()


async def test_whoever_finds_the_file_knows_what_it_is(world: World, folder: str) -> None:
    asset = await world.asset()
    delivery = await world.deliver(asset, folder, path="made", form="csv")
    said = json.loads((world.files / "out" / "made.moneyer.json").read_text())
    assert (said["asset"], said["delivery"], said["form"]) == (asset, delivery["id"], "csv")
    assert f"sha256:{said['sha256']}" == delivery["digest"]
    assert list(said["conditions"]["grantedUntil"]) == ["research"]
    assert said["conditions"]["prohibitedUses"] == ["underwriting", "marketing"]
    assert f"/v1/records/{asset}" in said["says"]
    schema = (world.files / "out" / "made.odcs.json").read_bytes()
    assert said["schema"]["sha256"] == hashlib.sha256(schema).hexdigest()
    from importlib.resources import files

    standard = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.Draft201909Validator(standard).validate(json.loads(schema))


async def test_what_is_there_with_the_same_digest_is_done(world: World, folder: str) -> None:
    asset = await world.asset()
    await world.deliver(asset, folder, path="made.csv")
    before = {path: path.stat().st_ino for path in (world.files / "out").iterdir()}
    again = await world.deliver(asset, folder, path="made.csv")
    assert again["state"] == "done"
    assert {path: path.stat().st_ino for path in (world.files / "out").iterdir()} == before
    other = await world.deliver(await world.asset(6), folder, path="made.csv")
    assert (other["state"], other["problem"]["code"]) == ("failed", "place-taken")
    assert other["problem"]["reasons"] == [{"code": "place-taken", "path": "made.csv"}]
    assert {path: path.stat().st_ino for path in (world.files / "out").iterdir()} == before


@pytest.mark.parametrize("ending", ["", ".moneyer.json", ".odcs.json"])
async def test_nothing_is_written_over(world: World, folder: str, ending: str) -> None:
    taken = world.files / "out" / f"made.csv{ending}"
    taken.write_text("somebody's own")
    delivery = await world.deliver(await world.asset(), folder, path="made.csv")
    assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "place-taken")
    assert taken.read_text() == "somebody's own"
    assert there(world) == {f"out/made.csv{ending}"}, "nor is anything left beside it"


async def test_no_link_leads_out_of_the_folder(world: World, folder: str) -> None:
    outside = world.folder / "elsewhere"
    outside.mkdir()
    (world.files / "out" / "away").symlink_to(outside)
    (world.files / "out" / "made.csv").symlink_to(outside / "made.csv")
    asset = await world.asset()
    for path in ("away/made.csv", "made.csv"):
        delivery = await world.deliver(asset, folder, path=path)
        assert (delivery["state"], delivery["problem"]["code"]) == ("failed", "not-allowed"), path
    assert list(outside.iterdir()) == []
    for path in ("../made.csv", "/made.csv", "a/../made.csv", "a//made.csv", "made\x00.csv"):
        assert (await world.ask(asset, folder, path=path)).status_code == 422


async def test_a_folder_that_is_not_there_or_takes_nothing(world: World, folder: str) -> None:
    asset = await world.asset()
    for path in ("nowhere/made.csv", "made/x.csv"):
        assert (await world.deliver(asset, folder, path=path))["problem"]["code"] == "not-found"
    (world.files / "out" / "made.csv").mkdir()
    assert (await world.deliver(asset, folder, path="made.csv"))["problem"]["code"] == "not-allowed"
    world.with_settings(connector_files=None)
    assert (await world.deliver(asset, folder, path="other.csv"))["problem"]["code"] == "not-allowed"
    assert there(world) == set()
    assert world.policy.copies == set()


async def test_a_half_written_file_of_a_lost_worker_is_cleared(world: World, folder: str) -> None:
    asset = await world.asset()
    delivery = (await world.ask(asset, folder, path="made.csv")).json()
    (world.files / "out" / f".{delivery['id']}.part").write_bytes(b"half")
    await world.sql("UPDATE deliveries SET state = 'delivering', attempt = 1, begun_at = now()")
    assert (await world.carry(delivery["id"]))["state"] == "done"
    assert there(world) == {"out/made.csv", "out/made.csv.moneyer.json", "out/made.csv.odcs.json"}


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "no-room"), (errno.EDQUOT, "no-room"), (errno.EROFS, "not-permitted")]
)
def test_a_full_disk_leaves_nothing(tmp_path: Path, number: int, code: str) -> None:
    at = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    place = places._Folder(at, ".part")  # pyright: ignore[reportPrivateUsage]

    def full() -> Iterator[bytes]:
        yield b"begin"
        raise OSError(number, "no")

    with pytest.raises(Fault) as fault:
        place.create("made.csv", full(), lambda: None)
    os.close(at)
    assert fault.value.code == code
    assert list(tmp_path.iterdir()) == []


# --- in which order things are put, and what is taken away again --------------------------------------------------


class Shelf:
    """A place in memory, that breaks off or refuses when a test wants it to."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.put: list[str] = []
        self.failing: dict[str, Fault] = {}
        self.keeps_everything = False

    def pieces(self, path: str, most: int) -> Iterator[bytes] | None:
        if path not in self.held:
            return None
        return iter([self.held[path]] if len(self.held[path]) <= most else [])

    def create(self, path: str, pieces: Iterable[bytes], committing: Committing) -> bool:
        content = b"".join(pieces)
        committing()
        if path in self.failing:
            raise self.failing[path]
        if path in self.held:
            return False
        self.held[path] = content
        self.put.append(path)
        return True

    def remove(self, path: str) -> bool:
        if self.keeps_everything:
            return False
        del self.held[path]
        return True

    def clear(self) -> None:
        pass


CONTENT = b"a table"
SCHEMA = "{}"


def asked(**changes: Any) -> dict[str, Any]:
    about = {"delivery": "d1", "schema": {"sha256": hashlib.sha256(SCHEMA.encode()).hexdigest()}}
    return {
        "path": "t.csv", "delivery": "d1", "sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT),
        "about": json.dumps(about), "schema": SCHEMA,
    } | changes  # fmt: skip


def bring(shelf: Shelf, content: bytes = CONTENT, **changes: Any) -> list[str]:
    told: list[str] = []
    writing_files.put(shelf, asked(**changes), [content], lambda: told.append("committing"))
    return told


def test_the_table_is_put_last_and_told_before() -> None:
    shelf = Shelf()
    assert bring(shelf) == ["committing"]
    assert shelf.put == ["t.csv.moneyer.json", "t.csv.odcs.json", "t.csv"]


def test_other_bytes_than_recorded_never_come_to_lie_there() -> None:
    shelf = Shelf()
    for content in (b"another table", CONTENT[:-1], b""):
        with pytest.raises(Fault, match="not what the record states") as fault:
            bring(shelf, content)
        assert fault.value.code == "not-as-recorded"
        assert shelf.held == {}


@pytest.mark.parametrize("failing", ["t.csv.moneyer.json", "t.csv.odcs.json", "t.csv"])
def test_what_was_refused_leaves_nothing_and_what_broke_off_is_looked_for(failing: str) -> None:
    shelf = Shelf()
    shelf.failing = {failing: credentials_refused()}
    with pytest.raises(Fault) as refused:
        bring(shelf)
    assert not isinstance(refused.value, Unsure)
    assert shelf.held == {}
    shelf.failing = {failing: unsure(unreachable())}
    with pytest.raises(Unsure):
        bring(shelf)
    assert writing_files.lies(shelf, asked()) is None
    assert writing_files.tidy(shelf, asked()) == []
    assert shelf.held == {}


def test_what_may_not_be_taken_away_is_told() -> None:
    shelf = Shelf()
    shelf.keeps_everything, shelf.failing = True, {"t.csv": credentials_refused()}
    with pytest.raises(Unsure):
        bring(shelf)
    assert writing_files.tidy(shelf, asked()) == ["t.csv.odcs.json", "t.csv.moneyer.json"]
    shelf.failing = {}
    bring(shelf)
    assert shelf.held["t.csv"] == CONTENT, "the claim is this delivery's own"


def test_two_deliveries_to_one_place_do_not_mix() -> None:
    shelf = Shelf()
    other = json.dumps({"delivery": "d2"})
    shelf.held["t.csv.moneyer.json"] = other.encode()
    with pytest.raises(Fault) as fault:
        bring(shelf)
    assert fault.value.code == "place-taken"
    assert shelf.held == {"t.csv.moneyer.json": other.encode()}, "nothing of the other's was taken away"
