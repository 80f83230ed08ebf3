"""Versions pulled from files below the operator's folder: DuckDB, SQLite, CSV, Parquet, Arrow and Delta tables."""

import gzip
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from generation.connectors.conftest import PERSON, ROWS, World

NAMES = ("person", "sex", "age", "income")


def table() -> pa.Table:
    return pa.table(dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True)))


def csv() -> bytes:
    lines = (f"{p},{s},{a},{'' if i is None else i}" for p, s, a, i in ROWS)
    return "\n".join([",".join(NAMES), *lines]).encode() + b"\n"


def make_duckdb(path: Path) -> None:
    people = table()  # noqa: F841 - the engine finds it by its name
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE TABLE people AS SELECT * FROM people")
        made.execute('CREATE SCHEMA s; CREATE VIEW s."odd name" AS SELECT * FROM people')


def make_sqlite(path: Path) -> None:
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE people (person TEXT, sex TEXT, age INTEGER, income REAL)")
        made.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", ROWS)
    made.close()


MAKE = {"duckdb": make_duckdb, "sqlite": make_sqlite}


async def engine(world: World, kind: str) -> str:
    (world.files / "in").mkdir(exist_ok=True)
    MAKE[kind](world.files / "in" / "db")
    return await world.connect({"kind": kind, "path": "in/db"})


@pytest.mark.parametrize("kind", list(MAKE))
async def test_an_engines_file_is_read(world: World, kind: str) -> None:
    connection = await engine(world, kind)
    before = {path: path.stat().st_mtime_ns for path in world.files.rglob("*")}
    assert (await world.pull(connection, table="people"))["rows"] == len(ROWS)
    pull = await world.pull(connection, query="SELECT * FROM people WHERE age < 60 -- those below sixty")
    assert pull["state"] == "done", pull
    assert pull["rows"] == sum(age < 60 for _, _, age, _ in ROWS)
    assert {path: path.stat().st_mtime_ns for path in world.files.rglob("*")} == before, "it was only read"
    assert (await world.test(connection))["problem"] is None
    if kind == "duckdb":
        assert (await world.pull(connection, table="s.odd name"))["rows"] == len(ROWS)


@pytest.mark.parametrize("kind", list(MAKE))
@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1; SELECT 2",
        "SELECT * FROM people; DROP TABLE people",
        "DROP TABLE people",
        "UPDATE people SET age = 1",
        "INSERT INTO people SELECT * FROM people RETURNING *",
        "ATTACH '{secret}' AS stolen",
        "COPY (SELECT 1) TO '{out}'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT load_extension('{secret}')",
        "SELECT readfile('{secret}')",
        "SELECT * FROM sqlite_scan('{secret}', 'people')",
        "SELECT * FROM read_parquet('http://169.254.169.254/latest')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA query_only = OFF",
        "PRAGMA enable_external_access = true",
        "VACUUM INTO '{out}'",
        "EXPORT DATABASE '{out}'",
        "CALL pragma_database_list()",
    ],
)
async def test_an_engine_reads_its_file_and_nothing_else(world: World, kind: str, query: str) -> None:
    (world.folder / "beside.csv").write_bytes(csv())
    places = {"secret": world.folder / "beside.csv", "out": world.folder / "out"}
    pull = await world.pull(await engine(world, kind), query=query.format(**places))
    assert pull["state"] == "failed"
    assert pull["problem"]["code"] in {"query-refused", "not-found", "schema-moved", "query-failed"}, pull["problem"]
    assert str(world.folder) not in json.dumps(pull["problem"])
    assert not (world.folder / "out").exists()
    assert await world.nothing_is_left()


async def test_what_sqlite_knows_of_itself_is_not_read(world: World) -> None:
    """Where the file lies stands in a table of the engine's own."""
    query = "SELECT file AS person, 'f' AS sex, 40 AS age, 1.0 AS income FROM pragma_database_list UNION ALL SELECT * FROM people"
    pull = await world.pull(await engine(world, "sqlite"), query=query)
    assert pull["problem"]["code"] == "query-refused"


async def test_a_column_of_several_types_is_refused_and_numbers_stay_exact(world: World) -> None:
    connection = await engine(world, "sqlite")
    with sqlite3.connect(world.files / "in" / "db") as file:
        file.execute("INSERT INTO people VALUES ('p', 'f', 'old', 1)")
    pull = await world.pull(connection, table="people")
    assert pull["problem"]["reasons"] == [
        {"code": "column-mixed", "column": "age", "row": 0, "expected": "values of one type", "actual": "several"}
    ]
    query = "SELECT person, sex, 40 AS age, CASE WHEN age = 21 THEN 9007199254740993 ELSE 0.5 END AS income FROM people"
    assert (await world.pull(connection, query=query))["problem"]["reasons"][0]["column"] == "income"
    file.close()


async def test_what_is_no_file_of_the_engine_is_told(world: World) -> None:
    (world.files / "text").write_bytes(csv())
    for kind in MAKE:
        pull = await world.pull(await world.connect({"kind": kind, "path": "text"}), table="people")
        assert pull["problem"]["code"] == "table-unreadable"


def write_forms(folder: Path) -> list[str]:
    (folder / "t.csv").write_bytes(csv())
    (folder / "t.csv.gz").write_bytes(gzip.compress(csv()))
    pq.write_table(table(), folder / "t.parquet")
    with pa_ipc.new_stream(folder / "t.arrows", table().schema) as stream:
        stream.write_table(table())
    with pa_ipc.new_file(folder / "t.arrow", table().schema) as file:
        file.write_table(table())
    return sorted(path.name for path in folder.iterdir())


async def test_files_are_read_as_uploads_are(world: World) -> None:
    (world.files / "day").mkdir()
    connection = await world.connect({"kind": "files", "path": "day"})
    names = write_forms(world.files / "day")
    assert len(names) == 5
    for name in names:
        pull = await world.pull(connection, path=name)
        assert (pull["state"], pull["rows"]) == ("done", len(ROWS)), (name, pull)
    (world.files / "day" / "odd").write_bytes(csv())
    assert (await world.pull(connection, path="odd"))["problem"]["code"] == "asked-wrongly"
    assert (await world.pull(connection, path="odd", form="csv"))["state"] == "done"
    assert (await world.pull(connection, path="t.csv", form="parquet"))["problem"]["code"] == "media-type-disagrees"
    assert (await world.pull(connection, path="none.csv"))["problem"]["code"] == "not-found"
    assert (await world.test(connection))["problem"] is None


async def test_a_delta_table_is_read_at_its_newest_version(world: World) -> None:
    place = world.files / "lake" / "people"
    deltalake.write_deltalake(str(place), table().slice(0, 50))
    deltalake.write_deltalake(str(place), table().slice(50, 100), mode="append")
    deltalake.DeltaTable(str(place)).delete("age = 20")
    connection = await world.connect({"kind": "files"})
    pull = await world.pull(connection, delta="lake/people")
    assert pull["state"] == "done", pull
    assert pull["rows"] == sum(age != 20 for _, _, age, _ in ROWS[:150])
    assert (await world.pull(connection, delta="lake/none"))["problem"]["code"] in {"not-found", "table-unreadable"}


async def test_a_delta_log_that_leads_outside_is_not_followed(world: World) -> None:
    place = world.files / "lake"
    deltalake.write_deltalake(str(place), table())
    [inside] = place.glob("*.parquet")
    elsewhere = world.folder / "elsewhere.parquet"
    elsewhere.write_bytes(inside.read_bytes())
    log = place / "_delta_log" / "00000000000000000000.json"
    connection = await world.connect({"kind": "files"})
    said = log.read_text()
    for lead in (elsewhere.as_uri(), "../../elsewhere.parquet", "%2e%2e/%2e%2e/elsewhere.parquet"):
        log.write_text(said.replace(inside.name, lead))
        assert (await world.pull(connection, delta="lake"))["state"] == "failed", lead
    log.write_text(said)
    inside.unlink()
    inside.symlink_to(elsewhere)
    assert (await world.pull(connection, delta="lake"))["problem"]["code"] == "not-allowed"
    assert await world.nothing_is_left()


@pytest.mark.parametrize("kind", ["files", "duckdb", "sqlite"])
async def test_no_link_leads_out_of_the_folder(world: World, kind: str) -> None:
    outside = world.folder / "outside"
    outside.mkdir()
    MAKE.get(kind, lambda path: path.write_bytes(csv()))(outside / "t.csv")
    (world.files / "link.csv").symlink_to(outside / "t.csv")
    (world.files / "folder").symlink_to(outside)
    (world.files / "inner").mkdir()
    for path in ("link.csv", "folder/t.csv", "inner"):
        asked: dict[str, Any] = {"path": path, "form": "csv"} if kind == "files" else {"table": "people"}
        target = {"kind": kind} | ({} if kind == "files" else {"path": path})
        pull = await world.pull(await world.connect(target), **asked)
        assert pull["problem"]["code"] == "not-allowed", path
    assert await world.nothing_is_left()


async def test_a_pipe_is_no_file(world: World) -> None:
    os.mkfifo(world.files / "pipe.csv")
    pull = await world.pull(await world.connect({"kind": "files"}), path="pipe.csv")
    assert pull["problem"]["code"] == "not-allowed"


@pytest.mark.parametrize(
    "path", ["../secrets/s", "/etc/passwd", "a/../../secrets/s", "file:///etc/passwd", "a//b", ".", "a\\..\\b", "a/./b"]
)
async def test_a_path_stays_below_its_root(world: World, path: str) -> None:
    connection = await world.connect({"kind": "files"})
    answer = await world.ask(connection, path=path, form="csv")
    if answer.status_code != 422:
        pull = await world.carry(answer.json()["id"])
        assert pull["problem"]["code"] in {"not-found", "not-allowed"}
    for kind in ("duckdb", "sqlite", "files"):
        body = {"name": f"{kind}-x", "target": {"kind": kind, "path": path}}
        if path != "file:///etc/passwd":
            assert (await world.call("POST", "/v1/connections", json=body)).status_code == 422
    assert await world.nothing_is_left()


async def test_without_a_folder_no_file_is_read(world: World) -> None:
    (world.files / "t.csv").write_bytes(csv())
    connection = await world.connect({"kind": "files"})
    world.with_settings(connector_files=None)
    pull = await world.pull(connection, path="t.csv")
    assert pull["problem"]["code"] == "not-allowed"
    assert PERSON not in json.dumps(pull)
