"""The outbox and lineage's verdicts: one bad event never blocks the rest, and no outage loses one."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from conftest import Cluster
from sqlalchemy import func, insert, select, text, update

from moneyer_policy.tables import feedback, journal
from moneyer_shared.backlog import Backlog
from moneyer_shared.database import Database
from moneyer_shared.errors import TooLarge, Unavailable
from moneyer_shared.outbox import OutboxDelivery
from moneyer_shared.telemetry import Metrics

Answer = Callable[[list[dict[str, Any]]], Any]


class Lineage:
    """What the outbox sees of lineage; ``answer`` judges a batch's items."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.taken: list[str] = []

    async def post(self, path: str, body: bytes, *, idempotency_key: str) -> Any:
        assert path == "/v1/deliveries"
        assert idempotency_key
        items = json.loads(body)["items"]
        receipt = self.answer(items)
        self.taken += [item["payload"]["name"] for item in items]
        return receipt


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    made = Database(await cluster.fresh("policy"))
    async with made.transaction() as connection:
        rows = [{"at": func.now(), "kind": "audit", "payload": {"name": name}} for name in "abcde"]
        for row in rows:
            await connection.execute(insert(journal.outbox).values(**row))
    yield made
    await made.close()


async def deliver(database: Database, answer: Answer) -> tuple[list[str], dict[str, Any]]:
    """What lineage took, and the refusals kept beside rows that are done with."""
    lineage: Any = Lineage(answer)
    await OutboxDelivery(database, journal, lineage).deliver_batch()
    table = journal.outbox
    async with database.transaction() as connection:
        rows = (await connection.execute(select(table).where(table.c.delivered_at.is_not(None)))).all()
    return lineage.taken, {row.payload["name"]: row.refusal for row in rows}


async def test_a_refusal_stands_beside_its_row_and_the_rest_goes_on(database: Database) -> None:
    def refuse_c(items: list[dict[str, Any]]) -> Any:
        bad = [item["id"] for item in items if item["payload"]["name"] == "c"]
        return {"refused": [{"id": key, "problem": {"code": "invalid"}} for key in bad]}

    taken, marked = await deliver(database, refuse_c)
    assert "".join(taken) == "abcde"
    assert marked == {"a": None, "b": None, "c": {"code": "invalid"}, "d": None, "e": None}


async def test_a_batch_refused_whole_goes_in_halves(database: Database) -> None:
    def refuse_two(items: list[dict[str, Any]]) -> Any:
        if len(items) > 1 or items[0]["payload"]["name"] == "d":
            message = "too large"
            raise TooLarge(message)
        return {"refused": []}

    taken, marked = await deliver(database, refuse_two)
    assert "".join(taken) == "abce"
    assert [name for name, refusal in marked.items() if refusal] == ["d"]


async def test_an_outage_leaves_every_row_to_be_sent(database: Database) -> None:
    def away(_: Any) -> Any:
        message = "away"
        raise Unavailable(message)

    with pytest.raises(Unavailable):
        await deliver(database, away)
    taken, marked = await deliver(database, lambda _: {"refused": []})
    assert "".join(taken) == "abcde"
    assert set(marked.values()) == {None}


async def test_what_waits_is_shown_and_what_is_delivered_is_not(database: Database) -> None:
    metrics = Metrics()
    backlog = Backlog(database, metrics, journal, [feedback])
    async with database.transaction() as connection:
        an_hour_ago = func.now() - text("interval '1 hour'")
        await connection.execute(update(journal.outbox).values(at=an_hour_ago))
        row = {"about_kind": "asset", "about": "x", "message": "m", "sent_by": "s", "sent_at": func.now()}
        for state in ("open", "open", "triaged"):
            await connection.execute(insert(feedback).values(state=state, **row))
    value = metrics.registry.get_sample_value
    await backlog.show()
    assert value("moneyer_outbox_waiting") == 5
    assert 3600 <= (value("moneyer_outbox_oldest_seconds") or 0) < 7200
    assert value("moneyer_policy_feedback", {"state": "open"}) == 2
    await deliver(database, lambda _: {"refused": []})
    await backlog.show()
    assert (value("moneyer_outbox_waiting"), value("moneyer_outbox_oldest_seconds")) == (0, 0)
