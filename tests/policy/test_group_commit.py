"""Group commit: plans that wait together commit together, each is judged by itself, and no cache outruns a stop."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from policy.conftest import World

from moneyer_policy.gate.use_cases.group_commit import GroupCommit

DAY = timedelta(days=1)


async def test_who_waits_goes_together_and_gets_their_own_answer() -> None:
    batches: list[list[int]] = []
    gate = asyncio.Event()

    async def together(asks: Any) -> list[Any]:
        batches.append(list(asks))
        await gate.wait()
        return [ValueError(ask) if ask == 3 else ask * 10 for ask in asks]

    queue: GroupCommit[int, int] = GroupCommit()
    waiting = [asyncio.create_task(queue.submit(ask, together)) for ask in range(5)]
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, ValueError)] == [0, 10, 20, 40]
    assert sum(map(len, batches)) == 5
    assert len(batches) <= 2


async def test_a_batch_that_fails_fails_everybody_in_it_and_nobody_after() -> None:
    async def fails(asks: Any) -> list[Any]:
        raise RuntimeError(len(asks))

    async def works(asks: Any) -> list[Any]:
        return list(asks)

    queue: GroupCommit[int, int] = GroupCommit()
    first = await asyncio.gather(*(queue.submit(ask, fails) for ask in range(3)), return_exceptions=True)
    assert all(isinstance(answer, RuntimeError) for answer in first)
    assert await queue.submit(7, works) == 7


async def test_one_who_stops_waiting_does_not_stop_the_others() -> None:
    async def together(asks: Any) -> list[Any]:
        await asyncio.sleep(0.01)
        return list(asks)

    queue: GroupCommit[int, int] = GroupCommit()
    one, two = (asyncio.create_task(queue.submit(ask, together)) for ask in (1, 2))
    await asyncio.sleep(0)
    one.cancel()
    assert await two == 2
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_many_plans_in_one_queue_are_each_judged_in_turn(world: World) -> None:
    """The last of the budget goes to as many as fit, whoever they come with."""
    await world.set_up(epsilon="1", allocated="1")
    answers = await asyncio.gather(*(world.decide(rho="0.004") for _ in range(40)))
    verdicts = [answer.json()["verdict"] for answer in answers]
    refused = [answer.json() for answer in answers if answer.json()["verdict"] == "deny"]
    assert 0 < verdicts.count("permit") < 40
    assert all(clause["code"].startswith("budget.") for body in refused for clause in body["clauses"])
    kinds = [entry["kind"] for entry in await world.ledger()]
    assert kinds.count("reserve") == 2 * verdicts.count("permit")


async def test_the_same_request_twice_in_one_batch_is_decided_once(world: World) -> None:
    await world.set_up()
    request = world.request()
    answers = await asyncio.gather(*(world.decide(request) for _ in range(6)))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len(await world.ledger()) == 2


async def test_a_suspension_elsewhere_is_never_outrun_by_what_is_in_memory(world: World, sibling: World) -> None:
    """One process suspends; the very next decision of another, warm with the old rules, is a denial."""
    await world.set_up()
    assert (await world.decide()).json()["verdict"] == "permit"
    await sibling.post("steward", f"/v1/charters/{world.charter_id}:suspend", 200, {"reason": "now"})
    assert (await world.decide(rho="0.001")).json()["clauses"][0]["code"] == "charter.in-force"


async def test_racing_processes_never_overspend(world: World, sibling: World) -> None:
    """Two queues on one budget: the locks of the database are what keeps them apart."""
    await world.set_up(epsilon="1", allocated="1")
    requests = [world.request(rho="0.004") for _ in range(60)]
    both = (world, sibling)
    answers = await asyncio.gather(*(both[n % 2].decide(request) for n, request in enumerate(requests)))
    permitted = [answer for answer in answers if answer.json()["verdict"] == "permit"]
    (account, *_) = await world.sql("SELECT held, caps FROM accounts WHERE charter_id IS NULL")
    assert any(held <= cap for held, cap in zip(account["held"], account["caps"], strict=True))
    reserved = await world.sql("SELECT m.renyi[1] AS one FROM permits p JOIN mechanisms m ON m.digest = p.mechanism")
    assert account["held"][0] == sum(row["one"] for row in reserved)
    assert len(reserved) == len(permitted) < 60


async def test_no_plan_asked_for_after_a_suspension_is_permitted(world: World) -> None:
    """Several askers without a pause, and a stop in the middle of them."""
    await world.set_up(epsilon="20", allocated="20")
    stopped = asyncio.Event()
    verdicts: list[tuple[bool, str]] = []

    async def ask() -> None:
        for _ in range(8):
            late = stopped.is_set()
            verdicts.append((late, (await world.decide(rho="0.001")).json()["verdict"]))

    async def stop() -> None:
        await asyncio.sleep(0.05)
        await world.post("steward", f"/v1/charters/{world.charter_id}:suspend", 200, {"reason": "now"})
        stopped.set()

    await asyncio.gather(stop(), *(ask() for _ in range(6)))
    assert (await world.decide(rho="0.001")).json()["verdict"] == "deny"
    assert (True, "permit") not in verdicts


async def test_rules_read_in_a_transaction_that_failed_are_never_kept(world: World, sibling: World) -> None:
    """What it read under the epoch that it began is gone with it, and the next one's rules count."""
    await world.set_up()
    exception = {"rule": "rows.allowed", "reason": "a pilot", "valid_until": (world.now + DAY).isoformat()}
    path = f"/v1/charters/{world.charter_id}/exceptions"
    opened = await world.post("scientist", path, 202, exception | {"single_use": False})
    await world.approve(opened["review_id"])

    def die(**_: Any) -> str:
        message = "died"
        raise RuntimeError(message)

    world.dependencies.signer.sign = die
    assert (await world.decide(rows=60_000)).status_code == 500
    del world.dependencies.signer.sign
    await sibling.post("steward", f"/v1/charters/{world.charter_id}:suspend", 200, {"reason": "now"})
    answer = (await world.decide()).json()
    assert [clause["code"] for clause in answer["clauses"]] == ["charter.in-force"]


async def test_a_plan_that_breaks_its_batch_breaks_nobody_elses(world: World) -> None:
    await world.set_up(epsilon="20", allocated="20")
    requests = [world.request(rho="0.001") for _ in range(6)]
    sign = world.dependencies.signer.sign

    def die_for_one(**claims: Any) -> str:
        if claims["run_id"] == requests[3]["run_id"]:
            message = "died"
            raise RuntimeError(message)
        return sign(**claims)

    world.dependencies.signer.sign = die_for_one
    answers = await asyncio.gather(*(world.decide(request) for request in requests))
    del world.dependencies.signer.sign
    assert [answer.status_code for answer in answers] == [201, 201, 201, 500, 201, 201]
    assert len(await world.ledger()) == 10
