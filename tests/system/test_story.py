"""Stories through the real processes: the run, the refusals, the canary, the race, the peers that are down."""

import asyncio
import struct
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyarrow.parquet as pq
import pytest
from system.conftest import CANARY_NUMBER, CANARY_TEXT, Machine, Ready, table, until

from mintmark import Refused, calls
from mintmark.audit import verify_proof
from mintmark_local import identity, postgres
from mintmark_shared import custody
from mintmark_shared.contracts.search import SearchRequest

pytestmark = pytest.mark.system
QUICK_NETWORK = {
    "struct_learning_n_iter": {"minimum": "10", "maximum": "1000"},
    "struct_max_indegree": {"minimum": "1", "maximum": "4"},
}


async def test_one_true_run_and_no_trace_of_the_source(machine: Machine) -> None:
    """A table goes in, a private table comes out, recorded and proved, and the source is nowhere in clear."""
    ready = await machine.ready()
    run_id = await ready.request()
    with pytest.raises(Refused) as early:
        await machine.send("scientist", calls.download(run_id))
    assert early.value.status in (403, 404)
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["state"] == "released", run
    assert await ready.charges(run_id) == ["reserve", "spend"]
    content = await machine.send("scientist", calls.download(run_id))
    downloaded = pq.read_table(custody.pa.BufferReader(content))
    assert downloaded.num_rows == 300
    assert downloaded.column_names == ["wealth", "age", "ill"], "identifiers never come out"
    part = await machine.raw("scientist", "generation", f"/v1/assets/{run_id}/table", {"Range": "bytes=4-99"})
    assert (part.status_code, part.content) == (206, content[4:100])
    assert part.headers["content-range"] == f"bytes 4-99/{len(content)}"
    beyond = await machine.raw("scientist", "generation", f"/v1/assets/{run_id}/table", {"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range-not-satisfiable")
    for form in ("csv", "arrow"):
        assert await machine.send("scientist", calls.download(run_id, form=form))
    with pytest.raises(Refused) as stranger:
        await machine.send("auditor", calls.download(run_id))
    assert stranger.value.code == "no-grant"
    await record_is_whole(machine, run_id)
    await no_canary_in_clear(machine)


async def test_a_shaped_table_is_exactly_as_asked_and_says_so(machine: Machine) -> None:
    ready = await machine.ready()
    ill = {"column": "ill", "one_of": ["yes"]}
    with pytest.raises(Refused) as impossible:
        await ready.request(shape={"where": [ill | {"one_of": ["perhaps"]}]})
    assert impossible.value.code == "condition-impossible"
    shape = {"where": [{"column": "age", "minimum": "30"}], "strata": [{"name": "ill", "where": [ill], "share": "0.5"}]}
    run_id = await ready.request(shape=shape, rows=101)
    async with machine.worker():
        run = await ready.ended(run_id)
    assert run["asset"] is not None, run
    made = {part["name"]: (part["asked"], part["made"]) for part in run["asset"]["strata"]}
    assert made == {"ill": (51, 51), "rest": (50, 50)}


async def test_rare_rows_left_out_and_real_rows_voted_on(machine: Machine) -> None:
    """A table with real rows earns nothing, needs its charter's word, and waits for votes though its assay is good."""
    anything = {"generator": "bayesian-network", "parameters": QUICK_NETWORK}
    ready = await machine.ready(
        releases=2, minimum_guarantee="none", configurations=[anything], blending={"maximum_share": "0.25"}
    )
    plain = {"generator": "bayesian-network", "parameters": {"struct_learning_n_iter": 10, "struct_max_indegree": 2}}
    asked = plain | {"requested_guarantee": "none", "suppression": {"rare": [{"columns": ["ill"], "fewer_than": 20}]}}
    with pytest.raises(Refused) as too_much:
        await ready.request(**asked, blend={"share": "0.5"})
    assert [reason["code"] for reason in too_much.value.reasons] == ["blend.allowed"]
    run_id = await ready.request(**asked, blend={"share": "0.2", "provenance_column": "origin"}, rows=200)
    async with machine.worker():

        async def waits() -> bool:
            assert (await ready.run(run_id))["state"] not in {"failed", "rejected"}
            return bool(
                await machine.send("auditor", calls.list_reviews(kind="blended-release", subject=f"asset:{run_id}"))
            )

        await until(waits)
        (review,) = await machine.send("auditor", calls.list_reviews(kind="blended-release", subject=f"asset:{run_id}"))
        with pytest.raises(Refused):
            await machine.send("scientist", calls.download(run_id))
        ballot = calls.vote_on_review(
            review["id"], function="privacy", verdict="approve", digest=review["digest"], reason="needed for audit"
        )
        await machine.send("privacy-officer", ballot)
        run = await ready.ended(run_id)
    assert run["state"] == "released", run
    assert run["offer"]["guarantee"]["level"] == "none"
    assert run["asset"]["blend"]["real_rows"] == 40
    content = await machine.send("scientist", calls.download(run_id))
    origins = pq.read_table(custody.pa.BufferReader(content))["origin"].to_pylist()
    assert (origins.count("real"), origins.count("synthetic")) == (40, 160)


async def test_a_search_is_one_governed_run_that_ends_with_a_table(machine: Machine) -> None:
    ready = await machine.ready()
    fixed = {"delta": {"one_of": ["0.000001"]}, "iterations": {"one_of": [100]}}
    candidate = {"generator": "dpmm-mst", "parameters": fixed | {"epsilon": {"minimum": "0.5", "maximum": "1"}}}
    asked = SearchRequest.model_validate(
        {
            "charter_id": ready.charter_id, "source_id": ready.source_id, "use_case": "research", "audience": "analysts",
            "candidates": [candidate], "epsilon": "2", "most_trials": 3, "rows": 300, "rationale": "find one",
        }
    )  # fmt: skip
    begun = await machine.send("scientist", calls.request_search(asked, key=uuid4().hex))
    found: dict[str, Any] = {}

    async def ended() -> bool:
        found.update(await machine.send("scientist", calls.get_search(begun["id"])))
        return found["state"] != "searching"

    async with machine.worker():
        await until(ended)
        assert found["state"] == "found", found
        await ready.ended(found["asset_id"])
    assert await ready.charges(found["asset_id"]) == ["reserve", "spend"]
    assert found["trials"][-1]["charged"]
    assert await machine.send("scientist", calls.download(found["asset_id"]))

    async def recorded() -> bool:
        graph = await machine.send("auditor", calls.get_graph(f"dataset:mintmark.asset:{found['asset_id']}"))
        return begun["id"] in str(graph)

    await until(recorded)


async def test_a_kept_model_is_sampled_again_for_nothing(machine: Machine) -> None:
    ready = await machine.ready()
    async with machine.worker():
        first = await ready.request()
        assert (await ready.ended(first))["state"] == "released"
        spent = (await machine.send("auditor", calls.get_population(ready.population_id)))["budget"]["epsilon_spent"]
        (model,) = [one for one in await machine.send("scientist", calls.list_models()) if one["id"] == first]
        assert (model["generator"], model["guarantee"]["level"], model["sampled_again"]) == ("dpmm-mst", "proven", 0)
        again = await ready.ended(await ready.request(model=first, parameters={}, rows=77))
        assert again["state"] == "released", again
        assert again["asset"]["rows"] == 77
        now = (await machine.send("auditor", calls.get_population(ready.population_id)))["budget"]["epsilon_spent"]
        assert now == spent
        sealed = machine.stack.directory.objects / "models" / f"{first}.sealed"
        content = bytearray(sealed.read_bytes())
        content[len(content) // 2] ^= 1
        sealed.write_bytes(content)
        changed = await ready.ended(await ready.request(model=first, parameters={}))
    assert changed["state"] == "failed"
    assert "did not open under its seal" in changed["failure"]
    with pytest.raises(Refused) as other:
        await ready.request(model=first, parameters={"epsilon": "2"})
    assert other.value.code == "model-mismatch"
    with pytest.raises(Refused) as unknown:
        await ready.request(model=str(uuid4()))
    assert unknown.value.status == 404


async def record_is_whole(machine: Machine, run_id: str) -> None:
    record: dict[str, Any] = {}

    async def told() -> bool:
        """Later reads add entries that no checkpoint covers yet, so the record that was proved is the one to keep."""
        try:
            record.update(await machine.send("auditor", calls.get_record(run_id)))
            await machine.send("auditor", calls.prove(max(record["log_entries"])))
        except Refused:
            return False
        return bool(record["release"] and record["assay"])

    await until(told)
    for part in ("plan", "decision", "charge", "generation", "assay", "release"):
        assert record[part], part
    assert record["plan"]["rationale"] == "study"
    assert record["generation"]["transformations"]
    assert record["charge"]["epsilon"].startswith("0.")
    assert all(float(figure["lower"]) <= float(figure["upper"]) for figure in record["assay"]["estimates"])
    key = await machine.send("auditor", calls.get_log_key())
    actions = set()
    for index in record["log_entries"]:
        proof = await machine.send("auditor", calls.prove(index))
        verify_proof(proof, key)
        actions.add(proof["leaf"])
    told_actions = {
        action for action in ("plan.decide", "permit.redeem", "asset.decide") if any(action in leaf for leaf in actions)
    }
    assert told_actions == {"plan.decide", "permit.redeem", "asset.decide"}
    graph = await machine.send("auditor", calls.get_graph(f"dataset:mintmark.asset:{run_id}"))
    assert {dataset["namespace"] for dataset in graph["datasets"]} == {"mintmark.source", "mintmark.asset"}


async def no_canary_in_clear(machine: Machine) -> None:
    """Every file under the data directory, Postgres' own included, and every value of every database."""
    needles = [
        CANARY_TEXT.encode(),
        str(CANARY_NUMBER).encode(),
        struct.pack("<q", CANARY_NUMBER),
        struct.pack(">q", CANARY_NUMBER),
    ]
    root = machine.stack.directory.root
    homes = {root, postgres.locate(root, 0).home}
    files = [path for home in homes for path in home.rglob("*") if path.is_file() and "programs" not in path.parts]
    assert len(files) > 100
    assert any("sources" in path.parts for path in files), "the sealed source is among what was searched"
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        for needle in needles:
            assert needle not in content, f"{needle!r} in {path}"
    for service in ("policy", "generation", "evaluation", "lineage"):
        tables = await machine.sql(service, "SELECT relname FROM pg_stat_user_tables")
        assert len(tables) > 4
        for row in tables:
            text = await machine.sql(
                service, f"SELECT coalesce(string_agg(t::text, ''), '') AS all FROM \"{row['relname']}\" t"
            )
            for needle in (CANARY_TEXT, str(CANARY_NUMBER)):
                assert needle not in text[0]["all"], f"{needle} in {service}.{row['relname']}"


def test_the_search_finds_a_canary_that_is_there() -> None:
    assert CANARY_TEXT.encode() in table()
    assert str(CANARY_NUMBER).encode() in table()


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

        async def fitting() -> bool:
            return (await ready.run(run_id))["state"] == "fitting"

        await until(fitting)
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
        ballot = calls.vote_on_review(
            review["id"], function="privacy", verdict="approve", digest=review["digest"], reason="needed"
        )
        assert (await machine.send("privacy-officer", ballot))["state"] == "approved"
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
        await asyncpg.connect(url.rsplit("/", 1)[0] + "/mintmark_lineage")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(":", ":wrong", 2).replace("postgresql:wrong", "postgresql:"))


async def test_the_openlineage_client_as_it_comes_posts_to_lineage(machine: Machine) -> None:
    """openlineage-python from the package index, with its own transport, token and compression."""
    script = Path(__file__).parent / "openlineage_producer.py"
    import sys

    registry = machine.stack.secrets.registry
    token = identity.sign_token(
        registry, issuer=machine.stack.ports.url("identity"), client="producer", audience="mintmark-lineage"
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
