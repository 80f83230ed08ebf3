"""Reads hold off the stop: somebody who may only read keeps a suspension waiting for as long as their questions take.

Advice is asked for in bulk and with costly rules, and readers and deciders come without a pause; a stop gets through.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest
from policy.conftest import World
from policy.examples import charter_document
from policy.test_models import paid
from policy.test_release_api import release

from moneyer_policy.gate.store.rulebook import GOVERNANCE
from moneyer_policy.gate.use_cases.worker_threads import WorkerThreads

Answer = TypeVar("Answer")
WHY = {"reason": "now"}
LIST = "[" + ",".join("1" for _ in range(850)) + "]"
COSTLY = f"{LIST}.all(x, (requester + requester).matches('(q+q+)+y') || true)"
ALL_LOCKS = f"""
    SELECT pg_advisory_xact_lock{GOVERNANCE};
    SELECT 1 FROM governance FOR UPDATE; SELECT 1 FROM charters FOR UPDATE; SELECT 1 FROM accounts FOR UPDATE;
    SELECT 1 FROM permits FOR UPDATE; SELECT 1 FROM keys FOR UPDATE; SELECT 1 FROM reviews FOR UPDATE
"""


def rules(count: int, expression: str = COSTLY) -> list[dict[str, str]]:
    return [{"name": f"r{number}", "expression": expression, "remedy": "none"} for number in range(count)]


class Halted(WorkerThreads):
    """Advice that stands still in the middle of its work, at its last part, until a test lets it go on."""

    def __init__(self, *, parts: int = 1, **limits: int) -> None:
        super().__init__(**limits)
        self._before = parts - 1
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    @property
    def under_way(self) -> int:
        return self._asked

    async def do(self, work: Callable[[], Answer]) -> Answer:
        if self._before > 0:
            self._before -= 1
            return await super().do(work)

        def halted() -> Answer:
            self.begun.release()
            self.go_on.wait()
            return work()

        return await super().do(halted)


@asynccontextmanager
async def halted(policy: World, **limits: int) -> AsyncIterator[Halted]:
    threads = Halted(**limits)
    policy.app.state.dependencies = replace(policy.dependencies, threads=threads)
    try:
        yield threads
    finally:
        threads.go_on.set()


def dry_run(policy: World, **body: Any) -> asyncio.Task[Any]:
    path = f"/v1/charters/{policy.charter_id}:dry-run"
    return asyncio.create_task(policy.call("auditor", "POST", path, json=body))


def question(policy: World) -> dict[str, Any]:
    request = policy.request()
    return {
        "subject": {"type": "user", "id": "scientist"}, "action": {"name": "generate"},
        "resource": {"type": "source", "id": policy.source_id},
        "context": {"plan": request["plan"], "offer": request["offer"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("advice", "parts"), [("dry-run", 1), ("dry-run", 2), ("explanation", 1), ("question", 1), ("questions", 1)]
)
async def test_a_stop_commits_while_advice_is_worked_out(policy: World, advice: str, parts: int) -> None:
    """A dry run reads its draft and tries it, each beside the loop that serves everybody."""
    await policy.set_up()
    denied = (await policy.decide(rows=60_000)).json()
    async with halted(policy, parts=parts) as threads:
        asked = {
            "dry-run": lambda: policy.call("auditor", "POST", f"/v1/charters/{policy.charter_id}:dry-run", json={}),
            "explanation": lambda: policy.call("auditor", "POST", f"/v1/decisions/{denied['id']}:explain"),
            "question": lambda: policy.call("platform", "POST", "/access/v1/evaluation", json=question(policy)),
            "questions": lambda: policy.call(
                "platform", "POST", "/access/v1/evaluations", json={"evaluations": [question(policy)] * 3}
            ),
        }[advice]
        under_way = asyncio.create_task(asked())
        assert await asyncio.to_thread(threads.begun.acquire, timeout=60), "it was not worked out aside"
        await policy.post("steward", f"/v1/charters/{policy.charter_id}:suspend", 200, WHY)
        assert (await policy.get(f"/v1/charters/{policy.charter_id}"))["state"] == "suspended"
        assert (await policy.decide()).json()["verdict"] == "deny"
        assert not under_way.done(), "the stop, a read and a decision went through in the meantime"
    assert (await under_way).status_code == 200


async def test_a_stop_overtakes_a_large_dry_run(policy: World) -> None:
    """No seam: as many plans and as costly rules as are taken. It ends with a part of the answer, and says so."""
    await policy.set_up()
    ended: list[str] = []
    document = charter_document(sources=[policy.source_id], extra_rules=rules(50))
    asked = [policy.request() for _ in range(400)]
    large = dry_run(policy, document=document, requests=asked)
    large.add_done_callback(lambda _: ended.append("dry run"))
    await asyncio.sleep(0)
    await policy.post("steward", f"/v1/charters/{policy.charter_id}:suspend", 200, WHY)
    ended.append("stop")
    answer = await large
    assert answer.status_code == 200, answer.text
    assert ended == ["stop", "dry run"]
    assert (answer.json()["complete"], answer.json()["judged"] < 400) == (False, True)


async def test_no_read_waits_for_a_stop_nor_holds_it_off(policy: World) -> None:
    """While somebody else holds every lock there is, all that only reads answers: it asks for none."""
    await policy.set_up()
    denied = (await policy.decide(rows=60_000)).json()
    first, _ = await paid(policy)
    await release(policy, first["run_id"])
    review = await policy.post("privacy-officer", f"/v1/assets/{first['run_id']}:suspend", 204, WHY)
    assert review is None
    ids = {
        "charter_id": policy.charter_id, "population_id": policy.population_id, "decision_id": denied["id"],
        "run_id": first["run_id"], "asset_id": first["run_id"], "version": "1",
    }  # fmt: skip
    paths = policy.app.openapi()["paths"]
    reads = [path.format_map(_Else(ids)) for path, methods in paths.items() if "get" in methods]
    held = await asyncpg.connect(policy.url)
    try:
        async with held.transaction(), asyncio.timeout(120):
            await held.execute(ALL_LOCKS)
            for path in reads:
                assert (await policy.call("auditor", "GET", path)).status_code < 500, path
            assert (await dry_run(policy)).status_code == 200
            explained = await policy.call("auditor", "POST", f"/v1/decisions/{denied['id']}:explain")
            assert explained.status_code == 200
            reading = {"action": {"name": "read"}, "resource": {"type": "asset", "id": first["run_id"]}}
            asked = {"evaluations": [question(policy), question(policy) | reading]}
            answered = await policy.call("platform", "POST", "/access/v1/evaluations", json=asked)
            assert answered.status_code == 200
    finally:
        await held.close()


class _Else(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return str(uuid4())


async def test_who_stops_something_waits_only_for_those_before(policy: World) -> None:
    """Decisions and openings that come while a stop waits queue behind it: no stream of them holds it off."""
    await policy.set_up()
    permit = (await policy.decide()).json()
    before = await asyncpg.connect(policy.url)
    try:
        async with before.transaction():
            await before.execute(f"SELECT pg_advisory_xact_lock_shared{GOVERNANCE}; SELECT 1 FROM governance FOR SHARE")
            stop = asyncio.create_task(policy.post("steward", f"/v1/charters/{policy.charter_id}:suspend", 200, WHY))
            await waiting(policy, 1)
            decision, opening = asyncio.create_task(policy.decide()), asyncio.create_task(policy.redeem(permit))
            await waiting(policy, 3, unless=(decision, opening))
            assert not (decision.done() or opening.done()), "it overtook the stop"
        await stop
        assert (await decision).json()["verdict"] == "deny"
        assert (await opening).json()["code"] == "suspended"
    finally:
        await before.close()


async def waiting(policy: World, count: int, unless: tuple[asyncio.Task[Any], ...] = ()) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while (await policy.sql(query))[0]["count"] < count and not any(task.done() for task in unless):
        await asyncio.sleep(0.01)


# --- the work has limits ---------------------------------------------------------------------------------------------


async def test_more_rules_times_plans_than_may_be_are_refused_with_the_limit(policy: World) -> None:
    await policy.set_up()
    document = charter_document(sources=[policy.source_id], extra_rules=rules(50, "rows > 0"))
    asked = [policy.request() for _ in range(401)]
    refused = (await dry_run(policy, document=document, requests=asked)).json()
    assert (refused["code"], "20000" in refused["detail"], "400 plans" in refused["detail"]) == (
        "too-much-work", True, True,
    )  # fmt: skip


async def test_only_so_much_advice_is_worked_out_at_once_whoever_goes_away(policy: World) -> None:
    await policy.set_up()
    async with halted(policy, at_once=1, waiting=1) as threads:
        running = dry_run(policy)
        await asyncio.to_thread(threads.begun.acquire)
        queued = dry_run(policy)
        while threads.under_way < 2:
            await asyncio.sleep(0.01)
        busy = await policy.call("auditor", "POST", f"/v1/charters/{policy.charter_id}:dry-run", json={})
        assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (429, "advice-busy", "2")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        still = await policy.call("auditor", "POST", f"/v1/charters/{policy.charter_id}:dry-run", json={})
        assert still.status_code == 429, "a thread is taken until its work ends, though nobody waits for it"
    assert (await queued).status_code == 200


NESTED = "[1, 2].all(a, [1, 2].all(b, a + b > 0))"


async def test_what_every_plan_waits_for_under_the_lock_is_bounded_when_it_is_written(policy: World) -> None:
    many = await policy.call("scientist", "POST", "/v1/charters", json=charter_document(extra_rules=rules(51)))
    assert many.json()["code"] == "charter-invalid"
    deep = await policy.call("scientist", "POST", "/v1/charters", json=charter_document(extra_rules=rules(1, NESTED)))
    assert (deep.status_code, deep.json()["reasons"][0]["code"]) == (422, "rule-too-costly")
    criterion = {"name": "c", "expression": NESTED, "reason": "r"}
    assert (await policy.post("steward", "/v1/rejection-criteria", 422, criterion))["code"] == "rule-too-costly"
    access = {"name": "p", "resource_type": "db", "expression": NESTED}
    assert (await policy.post("steward", "/v1/access-policies", 422, access))["code"] == "rule-too-costly"
    await policy.sql(
        "INSERT INTO rejections (name, expression, reason, made_by, made_at)"
        " SELECT 'n' || n, 'rows > ' || n + 10000000, 'r', 'steward', now() FROM generate_series(1, 200) AS n"
    )
    criterion["expression"] = "rows > 10"
    assert (await policy.post("steward", "/v1/rejection-criteria", 409, criterion))["code"] == "too-many-criteria"
    audited = {"generator": "ctgan", "audit_id": str(uuid4()), "claimed": "1", "measured": "2"}
    headers = {"Idempotency-Key": "audit"}
    await policy.post("evaluation", "/v1/condemnations", 201, audited, headers=headers)
