"""Uploads: what is wrong is told by column and row, never by value, and nothing is stored."""

import errno
import gzip
import io
import os
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from conftest import Caller, Cluster, settings_of

from mintmark_generation.app import create_app, create_workshop
from mintmark_generation.settings import Settings
from mintmark_shared import custody, spool
from mintmark_shared.contracts.policy import DataKey, KeyRequest
from mintmark_shared.service import Surroundings

CSV = {"Content-Type": "text/csv"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
ARROW_FILE = {"Content-Type": "application/vnd.apache.arrow.file"}
NAMES = ("person", "sex", "age", "income")
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = "Xyzzy-4711"


class PolicyThatGivesKeys:
    """The one thing of policy that an upload needs."""

    def __init__(self) -> None:
        self.asked: list[KeyRequest] = []

    async def population_exists(self, population_id: UUID) -> None:
        pass

    async def new_source_key(self, request: KeyRequest) -> DataKey:
        assert request.resource.startswith("source:")
        self.asked.append(request)
        return DataKey(id=uuid4(), key=KEY)


class World:
    def __init__(self, call: Caller, objects: Path, url: str, policy: PolicyThatGivesKeys) -> None:
        self.call = call
        self.policy = policy
        self.objects = objects
        self.url = url.replace("+asyncpg", "")
        self.source_id = ""

    async def declare(self, **changes: Any) -> Any:
        columns = [
            {"name": "person", "domain": {"kind": "text", "maximum_length": 20}, "role": "identifier"},
            {"name": "sex", "domain": {"kind": "categorical", "categories": ["f", "m"]}},
            {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 120}},
            {"name": "income", "domain": {"kind": "number", "minimum": 0, "maximum": 1000}, "nullable": True},
        ]
        body = {
            "name": f"s-{uuid4().hex[:8]}", "description": "d", "population_id": str(uuid4()), "columns": columns,
            "privacy_unit": {"column": "person", "maximum_rows": 2}, "row_limit": 1000,
        } | changes  # fmt: skip
        answer = await self.call("steward", "POST", "/v1/sources", json=body)
        self.source_id = answer.json().get("id", "")
        return answer

    async def upload(self, content: bytes, headers: dict[str, str] | None = None) -> Any:
        path = f"/v1/sources/{self.source_id}/versions"
        return await self.call("steward", "POST", path, content=content, headers=headers or CSV)

    async def nothing_was_stored(self) -> bool:
        connection = await asyncpg.connect(self.url)
        try:
            versions = await connection.fetchval("SELECT count(*) FROM source_versions")
        finally:
            await connection.close()
        return versions == 0 and not [entry for entry in self.objects.rglob("*") if entry.is_file()]


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[World]:
    url, objects = await cluster.fresh("generation"), tmp_path / "objects"
    peers = {"policy_url": "http://x", "evaluation_url": "http://x", "objects_url": objects.as_uri()}
    limits = {"maximum_upload_bytes": 200_000, "maximum_table_bytes": 400_000}
    settings = Settings.model_validate(settings_of(url) | peers | limits)
    surroundings = around("generation", settings)
    policy = PolicyThatGivesKeys()
    workshop = create_workshop(settings, surroundings, policy=policy)
    app = create_app(settings, surroundings=surroundings, workshop=workshop)
    made = World(caller(app, "generation"), objects, url, policy)
    assert (await made.declare()).status_code == 201
    yield made
    await surroundings.database.close()
    await surroundings.http.aclose()


def rows(count: int = 60) -> list[list[str]]:
    return [[f"{SECRET}-{i}", "fm"[i % 2], str(20 + i % 50), "" if i % 7 == 0 else f"{i}.5"] for i in range(count)]


def csv(lines: list[list[str]], header: str = "person,sex,age,income") -> bytes:
    return "\n".join([header, *(",".join(line) for line in lines)]).encode() + b"\n"


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def arrow(count: int = 60, **columns: Any) -> pa.Table:
    lines = rows(count)
    made = {
        "person": [line[0] for line in lines],
        "sex": [line[1] for line in lines],
        "age": [int(line[2]) for line in lines],
        "income": [float(line[3]) if line[3] else None for line in lines],
    }
    return pa.table(made | columns)


def ipc(table: pa.Table, *, file: bool = False, compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa_ipc.IpcWriteOptions(compression=compression)
    with (pa_ipc.new_file if file else pa_ipc.new_stream)(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def ipc_bomb() -> bytes:
    """Twenty thousand letters that every row says again."""
    said = pa.DictionaryArray.from_arrays(pa.array([0] * 900, pa.int32()), pa.array(["f" * 20_000]))
    return ipc(pa.table(dict.fromkeys(("person", "sex", "age", "income"), said)))


def changed(row: int, column: int, value: str) -> list[list[str]]:
    lines = rows()
    lines[row][column] = value
    return lines


BAD = {
    "wrong header": (csv(rows(), "person,gender,age,income"), CSV, 422, "column-missing", "sex", 0),
    "extra column": (
        csv([[*r, "1"] for r in rows()], "person,sex,age,income,more"),
        CSV,
        422,
        "column-undeclared",
        "number 5",
        0,
    ),
    "duplicate column": (
        csv([[*r, "1"] for r in rows()], "person,sex,age,income,age"),
        CSV,
        422,
        "column-duplicate",
        "age",
        0,
    ),
    "no header": (csv(rows()[1:], ",".join(rows()[0])), CSV, 422, "column-missing", "person", 0),
    "category outside": (csv(changed(4, 1, "x")), CSV, 422, "value-outside-domain", "sex", 5),
    "integer outside": (csv(changed(7, 2, "121")), CSV, 422, "value-outside-domain", "age", 8),
    "integer enormous": (csv(changed(7, 2, "1e300")), CSV, 422, "value-outside-domain", "age", 8),
    "number outside": (csv(changed(9, 3, "-0.001")), CSV, 422, "value-outside-domain", "income", 10),
    "not a number": (csv(changed(3, 2, "forty")), CSV, 422, "value-unreadable", "age", 4),
    "a fraction": (csv(changed(3, 2, "40.5")), CSV, 422, "value-unreadable", "age", 4),
    "null not allowed": (csv(changed(2, 2, "")), CSV, 422, "value-missing", "age", 3),
    "NaN not allowed": (csv(changed(2, 2, "NaN")), CSV, 422, "value-missing", "age", 3),
    "text too long": (csv(changed(1, 0, "y" * 21)), CSV, 422, "value-outside-domain", "person", 2),
    "ragged row": (csv([*rows()[:5], ["only", "two"], *rows()[6:]]), CSV, 422, "row-ragged", "", 6),
    "too many rows of one unit": (csv([["same", *r[1:]] for r in rows()]), CSV, 422, "unit-too-large", "person", 3),
    "parquet column missing": (parquet(arrow().drop(["age"])), PARQUET, 422, "column-missing", "age", 0),
    "parquet wrong type": (parquet(arrow(age=["x"] * 60)), PARQUET, 422, "value-unreadable", "age", 1),
    "parquet NaN": (parquet(arrow(age=[float("nan")] * 60)), PARQUET, 422, "value-missing", "age", 1),
    "arrow wrong type": (ipc(arrow(age=["x"] * 60)), ARROW, 422, "value-unreadable", "age", 1),
    "parquet nested": (parquet(arrow(age=[[1]] * 60)), PARQUET, 422, "value-unreadable", "age", 1),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_table_is_refused_by_column_and_row(world: World, case: str) -> None:
    content, headers, status, code, column, row = BAD[case]
    answer = await world.upload(content, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    reasons = {(reason["code"], reason["column"], reason["row"]) for reason in answer.json()["reasons"]}
    assert (code, column, row) in reasons, reasons
    assert SECRET not in answer.text, "a refusal never quotes the file"
    assert await world.nothing_was_stored()


def dictionary_bomb() -> bytes:
    """A few kilobytes of Parquet that say they are two hundred million rows' worth."""
    text = pa.array(["f" * 2000]).take(pa.array([0] * 50_000))
    return parquet(pa.table({"person": text, "sex": text, "age": text, "income": text}))


UNREADABLE = {
    "not UTF-8": (csv(rows()).replace(b"f", b"\xff"), CSV, 422),
    "UTF-16": (csv(rows()).decode().encode("utf-16"), CSV, 422),
    "empty": (b"", CSV, 422),
    "header only": (csv([]), CSV, 422),
    "parquet of no rows": (parquet(arrow().slice(0, 0)), PARQUET, 422),
    "truncated parquet": (parquet(arrow())[:-100], PARQUET, 422),
    "half a parquet": (parquet(arrow())[: len(parquet(arrow())) // 2], PARQUET, 422),
    "not parquet": (b"PAR1 nonsense PAR1", PARQUET, 422),
    "csv called parquet": (csv(rows()), PARQUET, 422),
    "gzip bomb": (gzip.compress(b"a" * 50_000_000), CSV | {"Content-Encoding": "gzip"}, 413),
    "broken gzip": (b"\x1f\x8b" + b"x" * 100, CSV | {"Content-Encoding": "gzip"}, 422),
    "cut gzip": (gzip.compress(csv(rows()))[:-20], CSV | {"Content-Encoding": "gzip"}, 422),
    "parquet bomb": (dictionary_bomb(), PARQUET, 413),
    "truncated arrow": (ipc(arrow())[:-400], ARROW, 422),
    "not arrow": (csv(rows()), ARROW, 422),
    "not an arrow file": (ipc(arrow()), ARROW_FILE, 422),
    "compressed arrow": (ipc(arrow(), compression="zstd"), ARROW, 422),
    "compressed arrow file": (ipc(arrow(), file=True, compression="lz4"), ARROW_FILE, 422),
    "compressed dictionary": (
        ipc(arrow(sex=pa.array(["f", "m"] * 30).dictionary_encode()), compression="zstd"),
        ARROW,
        422,
    ),
    "arrow bomb": (ipc_bomb(), ARROW, 413),
    "arrow of countless nulls": (ipc(pa.table(dict.fromkeys(NAMES, pa.nulls(10**9)))), ARROW, 413),
    "too many bytes": (csv(rows()) * 200, CSV, 413),
    "too many rows": (csv(rows(901) + rows(100)), CSV, 413),
    "zip archive": (b"PK\x03\x04rest", {"Content-Type": "application/zip"}, 415),
    "unnamed type": (csv(rows()), {"Content-Type": ""}, 415),
    "unknown encoding": (csv(rows()), CSV | {"Content-Encoding": "br"}, 415),
    "too small to split": (csv(rows(1)), CSV, 422),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_an_unreadable_upload_is_refused(world: World, case: str) -> None:
    content, headers, status = UNREADABLE[case]
    answer = await world.upload(content, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert await world.nothing_was_stored()


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (csv(rows()), CSV),
        (gzip.compress(csv(rows())), CSV | {"Content-Encoding": "gzip"}),
        (parquet(arrow()), PARQUET),
        (parquet(arrow().select(["age", "income", "sex", "person"])), PARQUET),
        (ipc(arrow()), ARROW),
        (ipc(arrow(sex=pa.array(["f", "m"] * 30).dictionary_encode())), ARROW),
        (ipc(arrow(), file=True), ARROW_FILE),
        (csv([[f'"{r[0]}"', *r[1:]] for r in rows()]), CSV),
    ],
)
async def test_a_good_table_is_split_by_unit_and_sealed(world: World, content: bytes, headers: dict[str, str]) -> None:
    answer = await world.upload(content, headers)
    assert answer.status_code == 201, answer.text
    version = answer.json()
    assert version["train_rows"] + version["holdout_rows"] == 60
    assert version["holdout_rows"] > 0
    files = [entry for entry in world.objects.rglob("*") if entry.is_file()]
    assert len(files) == 2
    assert all(SECRET.encode() not in file.read_bytes() for file in files)
    name = f"sources/{world.source_id}/{version['id']}/train.parquet"
    opened = custody.read_table(custody.open_store(world.objects.as_uri()), name, b64decode(KEY))
    assert opened.num_rows == version["train_rows"]
    assert opened["person"][0].as_py().startswith(SECRET)


async def test_a_dictionary_that_says_much_many_times_is_refused_before_it_is_spelt_out(world: World) -> None:
    answer = await world.upload(ipc_bomb(), ARROW)
    assert answer.status_code == 413
    assert "dictionaries" in answer.json()["detail"]


EXACT = [
    {"name": "born", "domain": {"kind": "date", "minimum": "1900-01-01", "maximum": "2030-01-01"}, "nullable": True},
    {"name": "seen", "domain": {"kind": "timestamp", "minimum": "2000-01-01", "maximum": "2030-01-01"}},
    {"name": "at", "domain": {"kind": "time"}},
    {"name": "paid", "domain": {"kind": "decimal", "minimum": "-10", "maximum": "1000"}},
]
LINE = ["1980-02-29", "2024-05-06T07:08:09", "23:59:59", "12.34"]
HELD = {
    "born": date(1980, 2, 29),
    "seen": datetime.fromisoformat("2024-05-06T07:08:09"),
    "at": time(23, 59, 59),
    "paid": Decimal("12.34"),
}


async def exact(world: World) -> None:
    assert (await world.declare(columns=EXACT, privacy_unit={})).status_code == 201


def exact_csv(count: int = 60, **changes: str) -> bytes:
    line = [changes.get(str(column["name"]), said) for column, said in zip(EXACT, LINE, strict=True)]
    return csv([*[LINE] * (count - 1), line], "born,seen,at,paid")


@pytest.mark.parametrize("sent", ["text", "typed", "other units"])
async def test_dates_times_and_decimals_are_kept_as_what_they_are(world: World, sent: str) -> None:
    await exact(world)
    typed = pa.table({name: [value] * 60 for name, value in HELD.items()})
    if sent == "other units":
        floats = pa.array([12.34 + 1e-12] * 60)
        nanoseconds = typed["seen"].cast(pa.timestamp("ns", "UTC"))
        typed = typed.set_column(1, "seen", nanoseconds).set_column(3, "paid", floats)
        typed = typed.set_column(0, "born", typed["born"].cast(pa.timestamp("us")))
    answer = await world.upload(*((exact_csv(), CSV) if sent == "text" else (parquet(typed), PARQUET)))
    assert answer.status_code == 201, answer.text
    name = f"sources/{world.source_id}/{answer.json()['id']}/train.parquet"
    opened = custody.read_table(custody.open_store(world.objects.as_uri()), name, b64decode(KEY))
    assert opened.slice(0, 1).to_pylist() == [HELD]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"born": "1980-02-30"}, "value-unreadable"),
        ({"born": "1899-12-31"}, "value-outside-domain"),
        ({"born": "yesterday"}, "value-unreadable"),
        ({"seen": "2024-05-06T07:08:09Z"}, "value-unreadable"),
        ({"seen": ""}, "value-missing"),
        ({"at": "24:00:00"}, "value-unreadable"),
        ({"paid": "12.345"}, "value-unreadable"),
        ({"paid": "1000.01"}, "value-outside-domain"),
        ({"paid": "1e30"}, "value-unreadable"),
    ],
)
async def test_what_is_no_such_date_time_or_decimal_is_refused(world: World, change: dict[str, str], code: str) -> None:
    await exact(world)
    answer = await world.upload(exact_csv(**change), CSV)
    assert answer.status_code == 422, answer.text
    (reason,) = answer.json()["reasons"]
    assert (reason["code"], reason["column"], reason["row"]) == (code, next(iter(change)), 60)
    assert await world.nothing_was_stored()


async def test_an_upload_with_a_key_happens_once(world: World) -> None:
    keyed = CSV | {"Idempotency-Key": "k1"}
    first, again = [await world.upload(csv(rows()), keyed) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len([entry for entry in world.objects.rglob("*") if entry.is_file()]) == 2
    other = await world.upload(csv(rows(59)), keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_full_disk_refuses_and_keeps_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(spool, "FRAME_BYTES", 1000)
    monkeypatch.setattr(os, "pwrite", full)
    answer = await world.upload(csv(rows()))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await world.nothing_was_stored()


async def test_the_rows_of_one_person_stay_on_one_side(world: World) -> None:
    doubled = [line for line in rows() for _ in range(2)]
    version = (await world.upload(csv(doubled))).json()
    store = custody.open_store(world.objects.as_uri())
    sides = [
        set(
            custody.read_table(store, f"sources/{world.source_id}/{version['id']}/{part}.parquet", b64decode(KEY))[
                "person"
            ].to_pylist()
        )
        for part in ("train", "holdout")
    ]
    assert not sides[0] & sides[1]


async def test_a_person_in_two_partitions_is_refused_and_the_key_names_the_partitions(world: World) -> None:
    """Partitions' budgets compose in parallel only while nobody is in two of them."""
    assert (await world.declare(partition_column="sex")).status_code == 201
    twice = [*rows(), [f"{SECRET}-0", "m", "20", "1.5"]]
    refused = await world.upload(csv(twice))
    assert refused.status_code == 422
    (reason,) = refused.json()["reasons"]
    assert (reason["code"], reason["column"], reason["row"]) == ("unit-in-two-partitions", "sex", 61)
    assert await world.nothing_was_stored()
    assert (await world.upload(csv(rows()))).status_code == 201
    asked = world.policy.asked[-1]
    assert (asked.partitions, asked.owner) == (["f", "m"], "steward")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": [{"name": "a", "domain": {"kind": "text"}, "role": "identifier"}]},
        {"columns": [{"name": "a", "domain": {"kind": "text"}}]},
        {"columns": [{"name": "a", "domain": {"kind": "integer", "minimum": 2, "maximum": 1}}]},
        {"columns": [{"name": "a", "domain": {"kind": "categorical", "categories": ["x", "x"]}}]},
        {"privacy_unit": {"column": "nobody"}},
        {"privacy_unit": {"maximum_rows": 3}},
        {"partition_column": "age"},
        {"partition_column": "income"},
        {"partition_column": "nobody"},
        {
            "partition_column": "sex",
            "columns": [{"name": "sex", "domain": {"kind": "categorical", "categories": ["not a name!"]}}],
            "privacy_unit": {},
        },
        {"target": "person"},
        {"target": "nothing"},
        {"surprise": 1},
    ],
)
async def test_a_declaration_must_be_consistent(world: World, change: dict[str, Any]) -> None:
    answer = await world.declare(**change)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


async def test_who_may_not_upload_is_told_before_a_byte_is_read(world: World) -> None:
    path = f"/v1/sources/{world.source_id}/versions"
    answer = await world.call("scientist", "POST", path, content=csv(rows()), headers=CSV)
    assert answer.status_code == 403
