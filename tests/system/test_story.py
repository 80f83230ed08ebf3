"""Stories through the real processes: the run, the refusals, the canary, the race, the peers that are down."""

import struct
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from system.conftest import CANARY_NUMBER, CANARY_TEXT, Machine, table, until

from moneyer import Refused, calls
from moneyer.audit import verify_proof
from moneyer_local import postgres
from moneyer_shared import custody
from moneyer_shared.contracts.search import SearchRequest

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
        await machine.approve(review, reason="needed for audit")
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
        graph = await machine.send("auditor", calls.get_graph(f"dataset:moneyer.asset:{found['asset_id']}"))
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
    graph = await machine.send("auditor", calls.get_graph(f"dataset:moneyer.asset:{run_id}"))
    assert {dataset["namespace"] for dataset in graph["datasets"]} == {"moneyer.source", "moneyer.asset"}


async def no_canary_in_clear(machine: Machine) -> None:
    """Every file under the data directory, Postgres' own included, every value of every database, and every metric."""
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
        metrics = (await machine.raw("auditor", service, "/metrics", {})).text
        assert CANARY_TEXT not in metrics
        assert str(CANARY_NUMBER) not in metrics
        tables = await machine.sql(service, "SELECT relid::regclass::text AS name FROM pg_stat_user_tables")
        assert len(tables) > 4
        for row in tables:
            text = await machine.sql(
                service, f"SELECT coalesce(string_agg(t::text, ''), '') AS all FROM {row['name']} t"
            )
            for needle in (CANARY_TEXT, str(CANARY_NUMBER)):
                assert needle not in text[0]["all"], f"{needle} in {service}.{row['name']}"


def test_the_search_finds_a_canary_that_is_there() -> None:
    assert CANARY_TEXT.encode() in table()
    assert str(CANARY_NUMBER).encode() in table()
