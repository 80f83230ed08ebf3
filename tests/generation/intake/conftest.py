"""A generation service that takes uploads, and tables to send it."""

import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from conftest import Caller, Cluster, settings_of

from moneyer_generation.app import create_app, create_dependencies
from moneyer_generation.settings import Settings
from moneyer_shared.contracts.policy import DataKey, KeyRequest, KeyReturn, PopulationUnit
from moneyer_shared.errors import Unavailable
from moneyer_shared.service import Surroundings

CSV = {"Content-Type": "text/csv"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}
ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
ARROW_FILE = {"Content-Type": "application/vnd.apache.arrow.file"}
NAMES = ("person", "sex", "age", "income")
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET = "Xyzzy-4711"


class PolicyThatGivesKeys:
    """What an upload needs of policy; ``away`` it answers nothing."""

    def __init__(self) -> None:
        self.asked: list[KeyRequest] = []
        self.given_back: list[str] = []
        self.away = False
        self.unit: PopulationUnit | None = PopulationUnit(kind="row")

    async def population_unit(self, population_id: UUID) -> PopulationUnit | None:
        return self.unit

    async def new_source_key(self, request: KeyRequest) -> DataKey:
        assert request.resource.startswith("source:")
        self.asked.append(request)
        return DataKey(id=uuid4(), key=KEY)

    async def give_back_source_key(self, request: KeyReturn) -> None:
        if self.away:
            raise Unavailable("Policy is away.")
        self.given_back.append(request.resource)

    @property
    def open_keys(self) -> set[str]:
        """The resources whose key was made and never given back."""
        return {one.resource for one in self.asked} - set(self.given_back)


class World:
    def __init__(self, call: Caller, objects: Path, url: str, policy: Any, app: Any) -> None:
        self.app = app
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
        [(kept, begun)] = await self.sql(
            "SELECT (SELECT count(*) FROM source_versions), (SELECT count(*) FROM begun_versions)"
        )
        return kept == begun == 0 and not self.sealed and getattr(self.policy, "open_keys", set()) == set()

    @property
    def sealed(self) -> list[Path]:
        return [entry for entry in self.objects.rglob("*") if entry.is_file()]

    async def sql(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()


@asynccontextmanager
async def make_world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], folder: Path, policy: Any
) -> AsyncGenerator[World]:
    """Generation over HTTP, with a source that is declared; ``policy`` answers as policy would."""
    url, objects = await cluster.fresh("generation"), folder / "objects"
    peers = {"policy_url": "http://x", "evaluation_url": "http://x", "objects_url": objects.as_uri()}
    limits = {"maximum_upload_bytes": 200_000, "maximum_table_bytes": 400_000}
    settings = Settings.model_validate(settings_of(url) | peers | limits)
    surroundings = around("generation", settings)
    dependencies = create_dependencies(settings, surroundings, policy=policy)
    app = create_app(settings, surroundings=surroundings, dependencies=dependencies)
    made = World(caller(app, "generation"), objects, url, policy, app)
    assert (await made.declare()).status_code == 201
    yield made
    await surroundings.database.close()
    await surroundings.http.aclose()


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[World]:
    async with make_world(cluster, around, caller, tmp_path, PolicyThatGivesKeys()) as made:
        yield made


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
