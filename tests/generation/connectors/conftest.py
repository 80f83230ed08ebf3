"""A generation service that pulls: its worker's steps in this process, the fetching process as it is."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from conftest import Caller, Cluster, settings_of
from generation.connectors.policy_with_keys import PolicyWithKeys

from moneyer_generation.app import create_app, create_dependencies
from moneyer_generation.dependencies import ITSELF, Dependencies
from moneyer_generation.settings import Settings
from moneyer_generation.use_cases.connections import carry_test
from moneyer_generation.use_cases.pulling import carry_pull
from moneyer_shared.service import Surroundings
from moneyer_shared.work import Workflow

PERSON = "Xyzzy-4711"
SCOPES = "generation:read generation:sources:write generation:connections:write"
COLUMNS = [
    {"name": "person", "domain": {"kind": "text", "maximum_length": 40}, "role": "identifier"},
    {"name": "sex", "domain": {"kind": "categorical", "categories": ["f", "m"]}},
    {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 120}},
    {"name": "income", "domain": {"kind": "number", "minimum": 0, "maximum": 100000}, "nullable": True},
]
ROWS = [(f"{PERSON}-{i}", "fm"[i % 2], 20 + i % 50, None if i % 7 == 0 else i + 0.5) for i in range(200)]


class World:
    def __init__(
        self, call: Caller, dependencies: Dependencies, url: str, folder: Path, policy: PolicyWithKeys
    ) -> None:
        self._call = call
        self.dependencies = dependencies
        self.url = url.replace("+asyncpg", "")
        self.folder = folder
        self.policy = policy
        self.source_id = ""

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def settings(self) -> Settings:
        return self.dependencies.settings

    def with_settings(self, **changes: Any) -> None:
        import dataclasses

        changed = self.settings.model_copy(update=changes)
        self.dependencies = dataclasses.replace(self.dependencies, settings=changed)

    async def call(self, method: str, path: str, person: str = "steward", **options: Any) -> Any:
        return await self._call(person, method, path, **{"scope": SCOPES} | options)

    async def declare(self, columns: list[dict[str, Any]] | None = None, **changes: Any) -> str:
        body = {
            "name": f"s-{uuid4().hex[:8]}", "description": "d", "population_id": str(uuid4()),
            "columns": columns or COLUMNS, "row_limit": 100_000,
        } | changes  # fmt: skip
        answer = await self.call("POST", "/v1/sources", json=body)
        assert answer.status_code == 201, answer.text
        self.source_id = answer.json()["id"]
        return self.source_id

    async def connect(self, target: dict[str, Any], secret_ref: str | None = None, **changes: Any) -> str:
        body = {"name": f"c-{uuid4().hex[:8]}", "target": target, "secret_ref": secret_ref} | changes
        answer = await self.call("POST", "/v1/connections", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def ask(self, connection_id: str, person: str = "steward", **asked: Any) -> Any:
        headers = {"Idempotency-Key": uuid4().hex}
        path, body = f"/v1/sources/{self.source_id}/pulls", {"connection_id": connection_id} | asked
        return await self.call("POST", path, person, json=body, headers=headers)

    async def pull(self, connection_id: str, **asked: Any) -> dict[str, Any]:
        """Asked for, carried to its end, and as it stands then."""
        answer = await self.ask(connection_id, **asked)
        assert answer.status_code == 202, answer.text
        return await self.carry(answer.json()["id"])

    async def carry(self, pull_id: str) -> dict[str, Any]:
        await carry_pull(Workflow(self.dependencies, ITSELF), UUID(pull_id))
        return await self.look(pull_id)

    async def look(self, pull_id: str, person: str = "steward") -> dict[str, Any]:
        return dict((await self.call("GET", f"/v1/pulls/{pull_id}", person)).json())

    async def test(self, connection_id: str) -> dict[str, Any]:
        assert (await self.call("POST", f"/v1/connections/{connection_id}:test")).status_code == 202
        await carry_test(Workflow(self.dependencies, ITSELF), UUID(connection_id))
        return dict((await self.call("GET", f"/v1/connections/{connection_id}")).json())

    async def versions(self, person: str = "steward") -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/v1/sources/{self.source_id}/versions", person)).json())

    async def rows_of(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def nothing_is_left(self) -> bool:
        stored = [entry for entry in self.objects.rglob("*") if entry.is_file()]
        return await self.versions() == [] and stored == [] and self.policy.open_keys == set()

    async def all_that_was_written(self) -> str:
        """Every row of the service's own tables but where a pull and its version say what was asked."""
        told = await self.rows_of(
            "SELECT leaf::text AS text FROM audit_events UNION ALL SELECT payload::text FROM outbox"
        )
        return "\n".join(row["text"] for row in told)


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller], tmp_path: Path
) -> AsyncIterator[World]:
    url = await cluster.fresh("generation")
    for name in ("objects", "files", "secrets"):
        (tmp_path / name).mkdir()
    peers = {"policy_url": "http://x", "evaluation_url": "http://x", "objects_url": (tmp_path / "objects").as_uri()}
    own = {
        "connector_files": tmp_path / "files", "connector_secrets": tmp_path / "secrets",
        "connector_hosts": ["127.0.0.1", "localhost"], "pull_seconds": 60,
    }  # fmt: skip
    settings = Settings.model_validate(settings_of(url) | peers | own)
    surroundings, policy = around("generation", settings), PolicyWithKeys(tmp_path / "policy.jsonl")
    dependencies = create_dependencies(settings, surroundings, policy=policy)
    app = create_app(settings, surroundings=surroundings, dependencies=dependencies)
    made = World(caller(app, "generation"), dependencies, url, tmp_path, policy)
    await made.declare()
    yield made
    await surroundings.database.close()
    await surroundings.http.aclose()


class Outside:
    """A database of somebody else's on the tests' Postgres, with a user who may only read."""

    def __init__(self, cluster: Cluster, name: str, password: str) -> None:
        self._cluster = cluster
        self.name = name
        self.password = password

    @property
    def target(self) -> dict[str, Any]:
        return {
            "kind": "postgres", "host": "127.0.0.1", "port": self._cluster.port, "database": self.name,
            "user": self.name, "tls": "none",
        }  # fmt: skip

    async def run(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._cluster.url(self.name))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, query: str) -> Any:
        connection = await asyncpg.connect(self._cluster.url(self.name))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()


@pytest.fixture
async def outside(cluster: Cluster) -> Outside:
    name, password = f"outside_{uuid4().hex[:8]}", secrets.token_hex(12)
    await cluster.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    await cluster.execute(f"CREATE DATABASE {name}")
    made = Outside(cluster, name, password)
    values = ", ".join(f"('{p}', '{s}', {a}, {'NULL' if i is None else i})" for p, s, a, i in ROWS)
    await made.run(
        "CREATE TABLE people (person text, sex text, age int, income float8)",
        f"INSERT INTO people VALUES {values}",
        f"GRANT SELECT ON people TO {name}",
    )
    return made


@pytest.fixture
async def through(world: World, outside: Outside) -> str:
    """A connection to the database outside."""
    (world.folder / "secrets" / "outside").write_text(outside.password + "\n")
    return await world.connect(outside.target, "file:outside")
