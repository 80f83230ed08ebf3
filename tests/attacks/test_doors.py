"""Bytes that nobody asked for: a body costs nothing before its sender is known, and never more than its route takes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from attacks.conftest import Route, Service, routes
from sqlalchemy import text
from starlette.types import Message

from moneyer_shared.errors import Unavailable
from moneyer_shared.server import server_of

MEBIBYTE = 2**20


class Flood:
    """A request whose body is as long as anybody reads it; what was read is counted."""

    def __init__(self, path: str, headers: dict[str, str], *, method: str = "POST", most: int = 200) -> None:
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        path, _, query = path.partition("?")
        self.scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "headers": sent, "http_version": "1.1", "scheme": "http", "server": ("service.test", 80),
            "client": ("1.2.3.4", 5), "root_path": "", "state": {},
        }  # fmt: skip
        self.most = most
        self.taken = 0
        self.status = 0
        self.sent: list[bytes] = []
        self.headers: dict[str, str] = {}
        self.drips = False

    async def receive(self) -> Message:
        if self.drips and self.taken:
            await asyncio.Event().wait()
        self.taken += 1
        return {"type": "http.request", "body": b" " * MEBIBYTE, "more_body": self.taken < self.most}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.sent.append(message.get("body", b""))

    async def at(self, service: Service) -> "Flood":
        await service.app(self.scope, self.receive, self.send)
        return self


def with_bodies() -> list[Route]:
    return [route for route in routes() if "requestBody" in route.operation]


async def test_nobody_without_a_token_is_listened_to(services: dict[str, Service]) -> None:
    for route in with_bodies():
        if route.public:
            continue
        for headers in ({}, {"Content-Length": str(200 * MEBIBYTE)}, {"Authorization": "Bearer no"}):
            sent = {"Content-Type": route.media[0], "Idempotency-Key": "k"} | headers
            flood = await Flood(route.path, sent, method=route.method).at(services[route.service])
            assert (flood.status, flood.taken) == (401, 0), (route.method, route.path)


async def test_nobody_without_the_scope_is_listened_to(services: dict[str, Service]) -> None:
    for route in with_bodies():
        if route.public:
            continue
        sent = {"Content-Type": route.media[0], "Idempotency-Key": "k"} | services[route.service].bearer(scope="none")
        flood = await Flood(route.path, sent, method=route.method).at(services[route.service])
        assert (flood.status, flood.taken) == (403, 0), (route.method, route.path)


async def test_every_route_stops_listening_at_its_limit(services: dict[str, Service]) -> None:
    for route in with_bodies():
        service = services[route.service]
        largest = route.operation.get("x-largest-body", MEBIBYTE)
        if largest is None or ("/versions" in route.path and route.service == "generation"):
            continue
        sent = {"Content-Type": route.media[0], "Idempotency-Key": "k"} | ({} if route.public else service.bearer())
        told = await Flood(route.path, sent | {"Content-Length": str(largest + 1)}, method=route.method).at(service)
        assert (told.status, told.taken) == (413, 0), (route.method, route.path)
        chunked = await Flood(route.path, sent, method=route.method).at(service)
        assert chunked.status == 413, (route.method, route.path)
        assert chunked.taken <= largest // MEBIBYTE + 1


async def test_routes_that_take_no_body_read_none(services: dict[str, Service]) -> None:
    for route in routes():
        if "requestBody" in route.operation or ("/events" in route.path and route.service == "generation"):
            continue
        service = services[route.service]
        flood = Flood(route.path, service.bearer() | {"Idempotency-Key": "k"}, method=route.method)
        await flood.at(service)
        assert flood.taken <= 1, (route.method, route.path, flood.taken)


async def test_a_length_that_is_none_is_refused(services: dict[str, Service]) -> None:
    for length in ("-1", "1e3", "１0", "+5", "0x10", "5, 6"):
        sent = {"Content-Type": "application/json", "Content-Length": length} | services["policy"].bearer()
        flood = Flood("/v1/populations", sent)
        flood.scope["headers"] = [(name, value) for name, value in flood.scope["headers"]]
        await flood.at(services["policy"])
        assert flood.status == 400, length


async def test_who_drips_is_not_waited_for(services: dict[str, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in (("policy", "/v1/populations"), ("lineage", "/api/v1/lineage"), ("policy", "/v1/decisions")):
        service = services[name]
        service.app.state.limits = type(service.app.state.limits)(body_seconds=0.05)
        sent = {"Content-Type": "application/json", "Idempotency-Key": "k"} | service.bearer()
        flood = Flood(path, sent, most=1000)
        flood.drips = True

        async def receive(inner: Any = flood.receive) -> Message:
            return (await inner()) | {"body": b"{"}

        await service.app(flood.scope, receive, flood.send)
        assert flood.status == 408, path


# --- streams --------------------------------------------------------------------------------


@pytest.fixture
async def run_id(services: dict[str, Service]) -> AsyncIterator[str]:
    connection = await asyncpg.connect(services["generation"].url)
    columns = await connection.fetch(
        "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_name = 'runs'"
    )
    made = str(uuid4())
    values: dict[str, Any] = {"id": f"'{made}'", "state": "'queued'"}
    fill = {"uuid": f"'{uuid4()}'", "text": "'x'", "jsonb": "'{}'", "integer": "0", "smallint": "0", "bigint": "0", "boolean": "false",
            "double precision": "0", "timestamp with time zone": "now()"}  # fmt: skip
    for row in columns:
        name = row["column_name"]
        if name not in values and row["is_nullable"] == "NO" and row["column_default"] is None:
            values[name] = fill[row["data_type"]]
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(f"INSERT INTO runs ({', '.join(values)}) VALUES ({', '.join(map(str, values.values()))})")
    await connection.close()
    yield made


class Watcher:
    """A watcher of a run that never ends, until told to hang up."""

    def __init__(self, service: Service, run: str, bearer: dict[str, str]) -> None:
        self.flood = Flood(f"/v1/generations/{run}/events", bearer, method="GET")
        self.gone = asyncio.Event()
        self.heard = asyncio.Event()
        self.task = asyncio.ensure_future(service.app(self.flood.scope, self.receive, self.send))

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.flood.send(message)
        if message["type"] == "http.response.body" or self.flood.status >= 400:
            self.heard.set()

    async def hang_up(self) -> None:
        self.gone.set()
        await self.task


async def test_nobody_holds_more_streams_than_their_share(services: dict[str, Service], run_id: str) -> None:
    service = services["generation"]
    service.app.state.streams = type(service.app.state.streams)(most=5, most_each=3)
    watching = [Watcher(service, run_id, service.bearer(person="greedy")) for _ in range(3)]
    for one in watching:
        await one.heard.wait()
        assert one.flood.status == 200
    for person, status in (("greedy", 429), ("other", 200), ("third", 200), ("fourth", 429)):
        one = Watcher(service, run_id, service.bearer(person=person))
        await one.heard.wait()
        assert one.flood.status == status, person
        if status == 200:
            watching.append(one)
        else:
            assert int(one.flood.headers["retry-after"]) > 0
    await watching.pop(0).hang_up()
    again = Watcher(service, run_id, service.bearer(person="greedy"))
    await again.heard.wait()
    assert again.flood.status == 200
    for one in (*watching, again):
        await one.hang_up()


async def test_a_stream_ends_with_its_token(services: dict[str, Service], run_id: str) -> None:
    """The token is over already, and let in for the seconds that clocks may differ by."""
    service = services["generation"]
    watcher = Watcher(service, run_id, service.bearer(lifetime=-2))
    async with asyncio.timeout(60):
        await watcher.task
    assert watcher.flood.status in {200, 401}
    assert len(watcher.flood.sent) <= 3


async def test_an_empty_pool_is_an_outage_and_streams_go_on(
    services: dict[str, Service], run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in (("policy", "/v1/charters"), ("generation", "/v1/sources"), ("lineage", "/v1/events")):
        service = services[name]
        engine = _database(service.app).engine
        held = []
        monkeypatch.setattr(engine.pool, "_timeout", 0.05)
        for _ in range(20):
            connection = engine.connect()
            await connection.start()
            held.append(connection)
        answer = await service.send("GET", path)
        assert answer.status_code == 503, (name, answer.status_code)
        assert int(answer.headers["retry-after"]) > 0
        for connection in held:
            await connection.close()
        assert (await service.send("GET", path)).status_code == 200


async def test_a_watcher_waits_out_an_outage(services: dict[str, Service], run_id: str) -> None:
    service = services["generation"]
    watcher = Watcher(service, run_id, service.bearer())
    await watcher.heard.wait()
    database = _database(service.app)
    whole, fell = database.transaction, asyncio.Event()

    def broken(**_: Any) -> Any:
        fell.set()
        database.transaction = whole
        raise Unavailable

    database.transaction = broken
    await fell.wait()
    async with whole() as connection:
        await connection.execute(text(f"UPDATE runs SET state = 'failed', failure = 'x' WHERE id = '{run_id}'"))
    async with asyncio.timeout(60):
        await watcher.task
    assert b"failed" in b"".join(watcher.flood.sent)


def _database(app: Any) -> Any:
    return app.state.dependencies.database


async def test_the_head_of_a_request_has_an_end() -> None:
    """Headers without end, and headers that never come, at the real server's protocol."""

    async def nothing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = server_of(nothing, host="127.0.0.1", port=0, head_seconds=0.2)
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def spoken(*parts: bytes, forever: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            async with asyncio.timeout(30):
                return await (reader.read() if forever else reader.readline())
        except ConnectionError:
            return b""
        finally:
            writer.close()

    assert (await spoken(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 204")
    assert await spoken(b"GET / HTTP/1.1\r\nHost: x\r\nA: ", forever=True) == b""
    assert await spoken(forever=True) == b""
    one = [b"GET / HTTP/1.1\r\nHost: x\r\nX-One: ", *[b"a" * 8000] * 200]
    assert b" 200 " not in await spoken(*one, forever=True)
    endless = [b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"X-%d: " % n + b"a" * 8000 + b"\r\n" for n in range(200)]]
    answer = await spoken(*endless)
    assert not answer or b" 431 " in answer
    server.should_exit = True
    await running
