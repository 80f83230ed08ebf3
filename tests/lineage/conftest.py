"""A lineage service on a database of its own."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from conftest import KEY, Caller, Cluster, settings_of

from moneyer_lineage.app import create_app
from moneyer_lineage.settings import Settings
from moneyer_lineage.webhooks.messenger import Messenger
from moneyer_shared.service import Surroundings


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


class Outside:
    """The world that webhooks lead into: what it was sent, and how it answers by host; 204 unless said."""

    def __init__(self) -> None:
        self.sent: list[httpx.Request] = []
        self.says: dict[str, int | BaseException] = {}
        self.names: dict[str, list[str]] = {}

    async def resolve(self, host: str, port: int) -> list[str]:
        host.encode("idna")  # as the real one does, which raises for what is no name
        return self.names.get(host, ["93.184.216.34"])

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        says = self.says.get(request.headers["host"], 204)
        if isinstance(says, BaseException):
            raise says
        return httpx.Response(says)

    def to(self, host: str) -> list[httpx.Request]:
        return [one for one in self.sent if one.headers["host"] == host]

    def messenger(self, *networks: str) -> Messenger:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.handle))
        return Messenger(http, [ip_network(one) for one in networks], self.resolve)


class World:
    def __init__(
        self, app: Any, call: Caller, url: str, clock: Clock, outside: "Outside", token: Callable[..., str]
    ) -> None:
        self.app = app
        self.token = token
        self.call = call
        self.clock = clock
        self.outside = outside
        self.url = url.replace("+asyncpg", "")

    async def tell(self, event: dict[str, Any]) -> Any:
        return await self.call("producer", "POST", "/api/v1/lineage", json=event)

    async def tell_as(self, subject: str, event: Any, path: str = "/api/v1/lineage") -> Any:
        """The same as another producer."""
        token = self.token("lineage", subject, scope="lineage:events:write")
        return await self.call.bare("POST", path, json=event, headers={"Authorization": f"Bearer {token}"})

    async def log(self, event: dict[str, Any]) -> Any:
        return await self.call("policy", "POST", "/v1/audit-events", json=event)

    async def deliver(self, *events: dict[str, Any]) -> None:
        """What a service of the house tells, as its outbox does."""
        items = [{"id": str(uuid4()), "kind": "openlineage", "payload": event} for event in events]
        answer = await self.call("policy", "POST", "/v1/deliveries", json={"items": items})
        assert answer.json() == {"refused": []}, answer.text

    async def count(self, table: str) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(f"SELECT count(*) FROM {table}")
        finally:
            await connection.close()


@pytest.fixture
async def world(
    cluster: Cluster,
    around: Callable[..., Surroundings],
    caller: Callable[..., Caller],
    token: Callable[..., str],
) -> AsyncIterator[World]:
    url = await cluster.fresh("lineage")
    settings = Settings.model_validate(
        settings_of(url)
        | {
            "checkpoint_key": KEY,
            "webhook_key": KEY,
            "registries": {"plant": "hush"},
            "policy_url": "http://x",
            "evaluation_url": "http://x",
        }
    )
    surroundings = around("lineage", settings)
    clock, outside = Clock(), Outside()
    app = create_app(settings, surroundings=surroundings, clock=clock, messenger=outside.messenger("10.0.0.0/8"))
    yield World(app, caller(app, "lineage"), url, clock, outside, token)
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
