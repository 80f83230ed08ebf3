"""Through the real processes: what is refused, raced for, cancelled or voted on, and peers that are down."""

import asyncio
from collections import Counter
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from system.conftest import Machine, Ready, until

from moneyer import Refused, calls
from moneyer_local import identity

pytestmark = pytest.mark.system


async def test_a_refusal_lists_everything_over_http(machine: Machine) -> None:
    ready = await machine.ready()
    with pytest.raises(Refused) as refused:
        await ready.request(use_case="underwriting", audience="partners", generator="ctgan", parameters={}, rows=60_000)
    assert refused.value.status == 403
    assert refused.value.code == "plan-denied"
    codes = {reason["code"] for reason in refused.value.reasons}
    assert codes >= {
        "use-case.listed",
        "use-case.prohibited",
        "audience.listed",
        "configuration.approved",
        "rows.allowed",
        "guarantee.sufficient",
        "budget.allocation",
    }
    with pytest.raises(Refused) as none:
        await ready.request(charter_id=str(uuid4()))
    assert "charter.in-force" in {reason["code"] for reason in none.value.reasons}


async def test_the_same_key_is_the_same_run(machine: Machine) -> None:
    ready = await machine.ready()
    key = uuid4().hex
    plan = calls.request_generation(ready.plan(), key=key)
    answers = await asyncio.gather(*(machine.send("scientist", plan) for _ in range(5)), return_exceptions=True)
    runs = {answer["id"] for answer in answers if isinstance(answer, dict)}
    assert len(runs) == 1
    assert all(answer.code == "idempotency-key-in-flight" for answer in answers if isinstance(answer, Refused))
    (run_id,) = runs
    assert await ready.charges(run_id) == ["reserve"]
    await machine.send("scientist", calls.cancel_generation(run_id))
    with pytest.raises(Refused) as reused:
        await machine.send("scientist", calls.request_generation(ready.plan(rows=1), key=key))
    assert reused.value.code == "idempotency-key-reused"


async def test_a_hundred_plans_race_for_the_last_of_a_budget(machine: Machine) -> None:
    """Over HTTP, all at once, for a budget that a handful exhausts: never overspent, and not wasted either."""
    ready = await machine.ready(epsilon="3", allocated="3")
    permitted: list[str] = []

    async def ask() -> str:
        try:
            permitted.append(await ready.request())
        except Refused as refused:
            assert {reason["code"] for reason in refused.reasons} <= {"budget.population", "budget.allocation"}
            return "deny"
        return "permit"

    verdicts = Counter(await asyncio.gather(*(ask() for _ in range(100))))
    assert verdicts.total() == 100
    population = await machine.send("steward", calls.get_population(ready.population_id))
    assert 2 < float(population["budget"]["epsilon_held"]) <= 3
    assert await ask() == "deny", "what is left is less than one more plan"
    rows = await machine.sql(
        "policy",
        """
        SELECT a.held[1] = sum(CASE l.kind WHEN 'reserve' THEN m.renyi[1] WHEN 'return' THEN -m.renyi[1] ELSE 0 END) AS same,
               (SELECT bool_or(h <= c) FROM unnest(a.held, a.caps) AS pair(h, c)) AS within
        FROM accounts a JOIN ledger_entries l ON l.account_id = a.id
        JOIN mechanisms m ON m.digest = l.mechanism WHERE a.population_id = $1 GROUP BY a.id
        """,
        ready.population_id,
    )
    assert len(rows) == 2
    assert all(row["same"] and row["within"] for row in rows)
    for run_id in permitted:
        await machine.send("scientist", calls.cancel_generation(run_id))


async def test_a_plan_changed_after_its_permit_redeems_nothing(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request()
    await machine.sql("generation", "UPDATE runs SET plan = jsonb_set(plan, '{rows}', '40000') WHERE id = $1", run_id)
    async with machine.worker():

        async def failed() -> bool:
            return (await ready.run(run_id))["state"] == "failed"

        await until(failed)
    assert "permit-for-another-plan" in (await ready.run(run_id))["failure"]
    assert await ready.charges(run_id) == ["reserve"], "the reservation returns when it expires"


async def test_a_queued_run_is_cancelled_and_its_reservation_returns(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request()
    await machine.send("scientist", calls.cancel_generation(run_id))
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == "cancelled"
    assert await ready.charges(run_id) == ["reserve", "return"]


async def test_a_running_run_is_cancelled_and_its_charge_stands(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request(parameters={"epsilon": "1", "delta": "0.000001", "iterations": 10_000})
    async with machine.worker():
        await ready.fitting(run_id)
        await machine.send("scientist", calls.cancel_generation(run_id))
        run = await ready.ended(run_id)
    assert run["state"] == "cancelled"
    assert await ready.charges(run_id) == ["reserve", "spend"]


async def test_a_plan_that_needs_votes_waits_for_them_and_then_runs(machine: Machine) -> None:
    """Through the real services: the run stands in review, a vote lets it go on, and the charge is made once."""
    vote = {"stages": [{"name": "committee", "counts": {"privacy": 1}}]}
    ready = await machine.ready(reviews={"plan": vote})
    run_id = await ready.request()
    async with machine.worker():
        run = await ready.run(run_id)
        assert (run["state"], run["decision"]["verdict"]) == ("in_review", "review")
        (review,) = await machine.send("auditor", calls.list_reviews(kind="plan", subject=f"run:{run_id}"))
        assert review["id"] == run["decision"]["review_id"]
        await machine.approve(review, reason="needed")
        await until(lambda: _left_review(ready, run_id), 60)
        ended = await ready.ended(run_id)
    assert ended["state"] == "released"
    assert ended["decision"]["round"] == 1
    assert await ready.charges(run_id) == ["reserve", "spend"]
    statement = await machine.send("auditor", calls.get_statement(ready.population_id))
    assert [charge["spent"] for account in statement["accounts"] for charge in account["charges"]] == [1, 1]


async def _left_review(ready: Ready, run_id: str) -> bool:
    return (await ready.run(run_id))["state"] != "in_review"


async def test_a_table_without_a_guarantee_needs_a_charter_that_says_so(machine: Machine) -> None:
    parameters = {
        "struct_learning_n_iter": {"minimum": "10", "maximum": "1000"},
        "struct_max_indegree": {"minimum": "1", "maximum": "4"},
    }
    ready = await machine.ready(
        minimum_guarantee="none",
        configurations=[{"generator": "bayesian-network", "parameters": parameters}],
        acceptance=[{"metric": "marginal-tvd-mean", "at_most": "0.000001"}],
        releases=1,
    )
    asked = {
        "generator": "bayesian-network",
        "parameters": {"struct_learning_n_iter": 10},
        "requested_guarantee": "none",
        "seed": 1,
    }
    run_id = await ready.request(**asked)
    with pytest.raises(Refused) as second:
        await ready.request(**asked)
    assert [reason["code"] for reason in second.value.reasons] == ["budget.allocation"]
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == "rejected", "what misses the charter's criteria stays in quarantine"
    with pytest.raises(Refused) as kept:
        await machine.send("scientist", calls.download(run_id))
    assert kept.value.code == "not-released"


async def test_a_peer_that_is_down_loses_nothing(machine: Machine) -> None:
    """Policy is killed: plans get 503 and are not half-made; it comes back by itself and the same key goes through."""
    ready = await machine.ready()
    key = uuid4().hex
    plan = calls.request_generation(ready.plan(), key=key)
    pid = machine.stack.supervisor.pid("policy")
    import os
    import signal

    os.kill(pid, signal.SIGKILL)
    statuses = set()

    async def through() -> bool:
        try:
            await machine.send("scientist", plan)
        except Refused as refused:
            statuses.add(refused.status)
            return False
        return True

    await until(through)
    assert statuses <= {503}
    assert machine.stack.supervisor.pid("policy") != pid
    (row,) = await machine.sql(
        "generation", "SELECT count(*) AS n FROM runs WHERE plan->>'charter_id' = $1", ready.charter_id
    )
    assert row["n"] == 1


async def test_the_four_databases_are_blind_to_each_other(machine: Machine) -> None:
    import asyncpg

    url = machine.stack.database_url("policy").replace("+asyncpg", "")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(url.rsplit("/", 1)[0] + "/moneyer_lineage")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(":", ":wrong", 2).replace("postgresql:wrong", "postgresql:"))


async def test_the_openlineage_client_as_it_comes_posts_to_lineage(machine: Machine) -> None:
    """openlineage-python from the package index, with its own transport, token and compression."""
    script = Path(__file__).parent / "openlineage_producer.py"
    import sys

    registry = machine.stack.secrets.registry
    token = identity.sign_token(
        registry, issuer=machine.stack.ports.url("identity"), client="producer", audience="moneyer-lineage"
    )
    for compression in ("none", "gzip"):
        run_id = str(uuid4())
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), machine.stack.ports.url("lineage"), token, run_id, compression
        )
        assert await process.wait() == 0
        (row,) = await machine.sql("lineage", "SELECT count(*) AS n FROM events WHERE run_id = $1", run_id)
        assert row["n"] == 2
        graph = await machine.send("auditor", calls.get_graph(f"dataset:warehouse:out-{run_id}"))
        assert {dataset["name"] for dataset in graph["datasets"]} == {f"out-{run_id}", f"in-{run_id}"}


async def test_the_log_is_served_to_nobody_without_a_token(machine: Machine) -> None:
    async with httpx.AsyncClient() as http:
        for service, path in (
            ("policy", "/v1/charters"),
            ("generation", "/v1/sources"),
            ("evaluation", "/v1/assays"),
            ("lineage", "/v1/log/entries"),
        ):
            assert (await http.get(machine.stack.ports.url(service) + path)).status_code == 401
