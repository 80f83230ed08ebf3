"""After a database went back in time: what living processes remember was never true of it.

A copy of the database is taken, things happen, and the copy is put in its place beneath the processes, as a restored
backup or a standby without the last commits would be. Counters come to the same numbers again, over other things.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import Cluster
from generation.conftest import world as runs
from policy.conftest import World, sibling

from moneyer_generation.store.runs import RunStore
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_shared.database import Database
from moneyer_shared.queue import Superseded

__all__ = ["runs", "sibling"]


class TimeMachine:
    """A copy of one database, put in its place when it is wanted."""

    def __init__(self, cluster: Cluster, *databases: Database) -> None:
        self._cluster, self._databases = cluster, databases
        self._name = str(databases[0].engine.url.database)

    async def _let_go(self) -> None:
        for database in self._databases:
            await database.engine.dispose()
        await self._cluster.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'"
        )

    async def remember(self) -> None:
        await self._let_go()
        await self._cluster.execute(f"CREATE DATABASE {self._name}_before TEMPLATE {self._name}")

    async def go_back(self) -> None:
        await self._let_go()
        await self._cluster.execute(f"ALTER DATABASE {self._name} RENAME TO {self._name}_lost")
        await self._cluster.execute(f"ALTER DATABASE {self._name}_before RENAME TO {self._name}")


@pytest.fixture
def world(policy: World) -> World:
    """The process that the sibling's is beside."""
    return policy


@pytest.fixture
async def machine(policy: World, sibling: World, cluster: Cluster) -> TimeMachine:
    return TimeMachine(cluster, policy.dependencies.database, sibling.dependencies.database)


@asynccontextmanager
async def lost(machine: TimeMachine) -> AsyncIterator[None]:
    """What happens inside never happened, as far as the database knows."""
    await machine.remember()
    yield
    await machine.go_back()


async def attest(world: World) -> None:
    """A change of what governs that has no bearing on any plan here."""
    until = (world.now + timedelta(days=1)).isoformat()
    body = {"person": "counsel", "topic": "privacy-101", "evidence": "e", "valid_until": until}
    await world.post("steward", "/v1/attestations", 201, body)


async def test_rules_remembered_from_a_lost_history_judge_nothing(
    policy: World, sibling: World, machine: TimeMachine
) -> None:
    """As many changes happen again as were lost, one of them a criterion: whoever counts takes old rules for new."""
    await policy.set_up()
    await policy.decide(rho="0.001")
    async with lost(machine):
        await attest(policy)
        assert (await policy.decide(rho="0.001")).json()["verdict"] == "permit"
    criterion = {"name": "none-at-all", "expression": "rows > 0", "reason": "a leak"}
    await sibling.post("steward", "/v1/rejection-criteria", 201, criterion)
    decided = (await policy.decide(rho="0.001")).json()
    assert [clause["code"] for clause in decided["clauses"]] == ["configuration.rejected"]


async def test_a_stop_made_again_is_seen(policy: World, sibling: World, machine: TimeMachine) -> None:
    await policy.set_up()
    async with lost(machine):
        await attest(policy)
        permit = (await policy.decide(rho="0.001")).json()
    await sibling.post("steward", f"/v1/sources/{policy.source_id}:suspend", 204, {"reason": "now"})
    assert (await policy.decide(rho="0.001")).json()["verdict"] == "deny"
    assert (await policy.redeem(permit)).status_code == 404, "a permit of a lost history opens nothing"


async def test_nothing_is_thought_written_that_was_lost(policy: World, machine: TimeMachine) -> None:
    """The same rules stand, and yet a mechanism, a key and an allotment that are remembered are not there."""
    await policy.set_up()
    await policy.decide()
    async with lost(machine):
        assert (await policy.decide(rho="0.0123")).json()["verdict"] == "permit"
        kept = policy.key_id
        body = {"resource": f"source:{policy.source_id}:{uuid4()}", "population_id": policy.population_id}
        policy.key_id = (await policy.call("generation", "POST", "/v1/keys", json=body)).json()["id"]
        assert (await policy.decide(rho="0.0123")).json()["verdict"] == "permit"
    refused = await policy.decide(rho="0.0123")
    assert refused.status_code == 201, refused.text
    assert "source.population" in [clause["code"] for clause in refused.json()["clauses"]], "the key is gone"
    policy.key_id = kept
    again = await policy.decide(rho="0.0123")
    assert (again.status_code, again.json().get("verdict")) == (201, "permit"), again.text


async def test_an_answer_is_repeated_only_where_what_it_says_is_there(policy: World, machine: TimeMachine) -> None:
    """Key and effect are lost together, so that the same request happens once more, and not less than once."""
    await policy.set_up()
    request = policy.request()
    await policy.decide()
    async with lost(machine):
        first = (await policy.decide(request)).json()
    second = (await policy.decide(request)).json()
    assert first["permit"]["id"] != second["permit"]["id"]
    assert (await policy.redeem(second)).status_code == 200
    assert len(await policy.sql("SELECT 1 FROM ledger_entries WHERE kind = 'spend'")) == 2, "population and allocation"


async def test_a_draft_read_in_a_lost_history_is_not_the_one_of_that_number(
    policy: World, sibling: World, machine: TimeMachine
) -> None:
    """Two people edit the draft of the same number and revision; the one who read the lost one overwrites nothing."""
    await policy.set_up()
    path = f"/v1/charters/{policy.charter_id}"

    async def edit(world: World, purpose: str, tag: str) -> Any:
        document = (await world.get(path))["document"] | {"purpose": purpose}
        return await world.call("scientist", "PUT", path, json=document, headers={"If-Match": tag})

    tag = (await policy.call("auditor", "GET", path)).headers["etag"]
    async with lost(machine):
        read = (await edit(policy, "lost", tag)).headers["etag"]
    assert (await edit(sibling, "what somebody else wrote since", tag)).status_code == 200
    assert (await edit(policy, "over it", read)).status_code == 412


async def test_a_worker_from_a_lost_history_saves_nothing(runs: Any, cluster: Cluster) -> None:
    """It took the run up for the first time, and so did the worker after the restore: both count one."""
    run_id = await runs.run()
    database = runs.dependencies.database
    async with lost(TimeMachine(cluster, database)):
        stale = await _take_up(database, run_id)
    held = await _take_up(database, run_id)
    assert stale.attempt == held.attempt, "a count comes again"
    with pytest.raises(Superseded):
        async with database.transaction() as connection:
            await RunStore(connection).save(stale, datetime.now(UTC), state="redeemed")


async def _take_up(database: Database, run_id: UUID) -> Any:
    async with database.transaction() as connection:
        return await RunStore(connection).take_up(run_id, datetime.now(UTC))


async def test_an_epoch_is_never_the_same_twice(policy: World, machine: TimeMachine) -> None:
    """Also where as much happened, in another order; and the same id on another server is another epoch."""
    seen = set[Any]()

    async def epoch() -> Any:
        async with policy.dependencies.database.transaction() as connection:
            return await RulebookStore(connection).epoch()

    await policy.set_up()
    before = await epoch()
    async with lost(machine):
        for _ in range(3):
            await attest(policy)
            seen.add(await epoch())
    back = await epoch()
    assert (back.id, back.database == before.database) == (before.id, False)
    for _ in range(3):
        await attest(policy)
        seen.add(await epoch())
    assert len({one.id for one in seen}) == 6
