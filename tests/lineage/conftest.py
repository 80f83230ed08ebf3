"""A lineage service on a database of its own."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from conftest import KEY, Caller, Cluster, settings_of

from mintmark_lineage.app import create_app
from mintmark_lineage.settings import Settings
from mintmark_shared.service import Surroundings


class World:
    def __init__(self, app: Any, call: Caller, url: str) -> None:
        self.app = app
        self.call = call
        self.url = url.replace("+asyncpg", "")

    async def tell(self, event: dict[str, Any]) -> Any:
        return await self.call("producer", "POST", "/api/v1/lineage", json=event)

    async def log(self, event: dict[str, Any]) -> Any:
        return await self.call("producer", "POST", "/v1/audit-events", json=event)

    async def count(self, table: str) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(f"SELECT count(*) FROM {table}")
        finally:
            await connection.close()


@pytest.fixture
async def world(
    cluster: Cluster, around: Callable[..., Surroundings], caller: Callable[..., Caller]
) -> AsyncIterator[World]:
    url = await cluster.fresh("lineage")
    settings = Settings.model_validate(
        settings_of(url) | {"checkpoint_key": KEY, "policy_url": "http://x", "evaluation_url": "http://x"}
    )
    surroundings = around("lineage", settings)
    app = create_app(settings, surroundings=surroundings)
    yield World(app, caller(app, "lineage"), url)
    await surroundings.database.close()
    await surroundings.http.aclose()


def event(run: str, inputs: list[str] = (), outputs: list[str] = (), **facets: Any) -> dict[str, Any]:
    def dataset(name: str) -> dict[str, str]:
        namespace, _, title = name.partition("/")
        return {"namespace": namespace, "name": title}

    return {
        "eventTime": datetime.now(UTC).isoformat(),
        "eventType": "COMPLETE",
        "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
        "run": {"runId": run, "facets": facets},
        "job": {"namespace": "jobs", "name": "job"},
        "inputs": [dataset(name) for name in inputs],
        "outputs": [dataset(name) for name in outputs],
    }


def leaf(**changes: Any) -> dict[str, Any]:
    made = {
        "id": str(uuid4()), "at": datetime.now(UTC).isoformat(), "service": "policy", "actor": "0" * 64,
        "action": "plan.decide", "subject": "run:1", "outcome": "permit", "details": {"n": 1},
    }  # fmt: skip
    return made | changes
