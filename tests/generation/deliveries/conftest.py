"""A generation service that delivers: its worker's steps in this process, the delivering process as it is."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pyarrow as pa
import pytest
from conftest import Caller, Cluster, settings_of
from generation import conftest as generation
from generation.connectors.conftest import Outside, outside
from generation.deliveries.readers import PolicyOfReaders

from moneyer_generation.app import create_app, create_dependencies
from moneyer_generation.dependencies import ITSELF
from moneyer_generation.settings import Settings
from moneyer_generation.use_cases.delivering import carry_delivery
from moneyer_shared.contracts.generation import Column
from moneyer_shared.exact import arrow_schema
from moneyer_shared.service import Surroundings
from moneyer_shared.work import Workflow

__all__ = ["outside"]
SCOPES = "generation:read generation:deliveries:write generation:connections:write"
COLUMNS = [
    Column.model_validate(one)
    for one in (
        {"name": "sex", "domain": {"kind": "categorical", "categories": ["f", 'm "odd"; --', "Σ"]}},
        {"name": 'age, in "years"', "domain": {"kind": "integer", "minimum": -(2**50), "maximum": 2**50}, "nullable": True},
        {"name": "height", "domain": {"kind": "number", "minimum": -2.5, "maximum": 2.5}, "nullable": True},
        {"name": "born", "domain": {"kind": "date", "minimum": "0001-01-01", "maximum": "9999-12-31"}},
        {
            "name": "seen",
            "domain": {
                "kind": "timestamp", "minimum": "0001-01-01T00:00:00", "maximum": "9999-12-31T23:59:59.999",
                "resolution": "millisecond",
            },
        },
        {"name": "at", "domain": {"kind": "time"}, "nullable": True},
        {"name": "paid", "domain": {"kind": "decimal", "minimum": "-99999.99", "maximum": "99999.99", "scale": 2}},
        {"name": "who", "domain": {"kind": "text", "replacement": "number"}, "role": "identifier"},
    )
]  # fmt: skip
FIRST: tuple[Any, ...] = (
    "f", None, -0.0, date(1, 1, 1), datetime(1, 1, 1), None, Decimal("-99999.99"), "",  # noqa: DTZ001
)  # fmt: skip
LAST: tuple[Any, ...] = (
    'm "odd"; --', 2**50, None, date(9999, 12, 31), datetime(9999, 12, 31, 23, 59, 59, 999000), time(23, 59, 59),  # noqa: DTZ001
    Decimal("0.07"), "x\ty\n\\N",
)  # fmt: skip


def rows(count: int) -> list[tuple[Any, ...]]:
    """The ends of every kind, and what lies between."""
    between = [
        (
            "Σ", number, number / 7, date(2000, 1, 1) + timedelta(days=number % 9000),
            datetime(2000, 1, 1) + timedelta(milliseconds=number), time(number % 24), Decimal(number % 1000) / 100, str(number),  # noqa: DTZ001
        )
        for number in range(count - 2)
    ]  # fmt: skip
    return [FIRST, *between, LAST]


def table(found: list[tuple[Any, ...]]) -> pa.Table:
    schema = arrow_schema(COLUMNS)
    columns = [
        pa.array(list(column), kind) for column, kind in zip(zip(*found, strict=True), schema.types, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


class World(generation.World):
    folder: Path
    url: str
    policy: PolicyOfReaders

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def with_settings(self, **changes: Any) -> None:
        changed = self.dependencies.settings.model_copy(update=changes)
        self.dependencies = dataclasses.replace(self.dependencies, settings=changed)

    async def asset(self, count: int = 5, **more: Any) -> str:
        return str(await self.released(COLUMNS, table(rows(count)), **more))

    async def ask_for(self, method: str, path: str, person: str = "scientist", **options: Any) -> Any:
        return await self.call(person, method, path, **{"scope": SCOPES} | options)

    async def connect(self, target: dict[str, Any], secret_ref: str | None = None, **changes: Any) -> str:
        body = {
            "name": f"c-{uuid4().hex[:8]}", "target": target, "secret_ref": secret_ref, "users": ["scientist"],
            "uses": ["deliver"],
        } | changes  # fmt: skip
        answer = await self.ask_for("POST", "/v1/connections", "steward", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def ask(self, asset: str, connection: str, person: str = "scientist", **wanted: Any) -> Any:
        body, headers = {"connection_id": connection} | wanted, {"Idempotency-Key": uuid4().hex}
        return await self.ask_for("POST", f"/v1/assets/{asset}/deliveries", person, json=body, headers=headers)

    async def deliver(self, asset: str, connection: str, **wanted: Any) -> dict[str, Any]:
        """Asked for, carried to its end, and as it stands then."""
        answer = await self.ask(asset, connection, **wanted)
        assert answer.status_code == 202, answer.text
        return await self.carry(answer.json()["id"])

    async def carry(self, delivery: str) -> dict[str, Any]:
        await carry_delivery(Workflow(self.dependencies, ITSELF), UUID(delivery))
        return await self.look(delivery)

    async def look(self, delivery: str, person: str = "scientist") -> dict[str, Any]:
        return dict((await self.ask_for("GET", f"/v1/deliveries/{delivery}", person)).json())

    async def sql(self, statement: str) -> list[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def all_that_was_told(self) -> str:
        told = await self.sql("SELECT leaf::text AS t FROM audit_events UNION ALL SELECT payload::text FROM outbox")
        return "\n".join(row["t"] for row in told)


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
    surroundings, policy = around("generation", settings), PolicyOfReaders(tmp_path / "policy.jsonl")
    dependencies = create_dependencies(settings, surroundings, policy=policy)
    app = create_app(settings, surroundings=surroundings, dependencies=dependencies)
    made = World(dependencies, policy, [], caller(app, "generation"))
    made.folder, made.url = tmp_path, url.replace("+asyncpg", "")
    policy.grants = [
        {
            "subject": "scientist",
            "use_case": "research",
            "valid_until": (datetime.now(UTC) + timedelta(days=5)).isoformat(),
        }
    ]
    yield made
    await surroundings.database.close()
    await surroundings.http.aclose()


@pytest.fixture
async def through(world: World, outside: Outside, cluster: Cluster) -> str:
    """A connection to deliver through, to a database outside where its user may make tables."""
    await outside.run(f"GRANT CREATE ON SCHEMA public TO {outside.name}")
    (world.folder / "secrets" / "outside").write_text(outside.password + "\n")
    return await world.connect(outside.target, "file:outside")
