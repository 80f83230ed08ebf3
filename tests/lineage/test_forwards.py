"""Every event reaches every other sink: in order, past outages, and though it commits late."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
from lineage.conftest import World
from lineage.test_marquez import corpus

from moneyer_lineage.record.sinks import Sink
from moneyer_lineage.record.use_cases.forwards import forward


class Marquez:
    """A sink as it answers: ``says`` is what it answers next, else that it was taken."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.says: list[int | Exception] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        says = self.says.pop(0) if self.says else 201
        if isinstance(says, Exception):
            raise says
        if says == 201:
            assert request.headers["authorization"] == "Bearer secret"
            self.told.append(json.loads(request.content))
        return httpx.Response(says)

    def sink(self, url: str = "http://marquez.example") -> Sink:
        return Sink(url, "secret", httpx.AsyncClient(transport=httpx.MockTransport(self.handle)))


async def test_all_events_are_passed_on_in_order_and_once(world: World) -> None:
    dependencies, there = world.app.state.dependencies, Marquez()
    for event in corpus():
        await world.tell(event)
    assert await forward(dependencies, [there.sink()]) == len(corpus())
    assert there.told == corpus()
    assert await forward(dependencies, [there.sink()]) == 0
    (shown,) = (await world.call("auditor", "GET", "/v1/forwards")).json()
    assert (shown["sink"], shown["waiting"], shown["refused"]) == ("http://marquez.example", 0, 0)


async def test_a_sink_that_is_away_loses_nothing_and_holds_nobody_up(world: World) -> None:
    dependencies, away, there = world.app.state.dependencies, Marquez(), Marquez()
    for event in corpus():
        await world.tell(event)
    away.says = [201, 201, httpx.ConnectError("away"), 503, 429]
    sinks = [away.sink("http://away.example"), there.sink("http://there.example")]
    assert await forward(dependencies, sinks) == 2 + len(corpus())
    for _ in range(2):
        assert await forward(dependencies, sinks) == 0, "it says that it cannot now"
    await forward(dependencies, sinks)
    assert away.told == there.told == corpus()


async def test_what_a_sink_will_not_have_is_counted_and_passed_over(world: World) -> None:
    dependencies, there = world.app.state.dependencies, Marquez()
    for event in corpus():
        await world.tell(event)
    there.says = [201, 422]
    await forward(dependencies, [there.sink()])
    assert there.told == [corpus()[0], *corpus()[2:]]
    (shown,) = (await world.call("auditor", "GET", "/v1/forwards")).json()
    assert shown["refused"] == 1


async def test_an_event_that_commits_late_is_not_passed_over(world: World) -> None:
    """Its row is older than those already passed on, but nobody could see it then."""
    dependencies, there = world.app.state.dependencies, Marquez()
    slow = await asyncpg.connect(world.url)
    begun = slow.transaction()
    await begun.start()
    late = corpus()[0]
    await slow.execute(
        "INSERT INTO events (digest, event, run_id, event_time, received_at) VALUES ('late', $1, 'late', now(), now())",
        json.dumps(late),
    )
    for event in corpus()[1:3]:
        await world.tell(event)
    assert await forward(dependencies, [there.sink()]) == 0, "behind a running transaction nothing is settled"
    await begun.commit()
    await slow.close()
    async with asyncio.timeout(10):
        while len(there.told) < 3:
            await forward(dependencies, [there.sink()])
    assert there.told == corpus()[:3]
