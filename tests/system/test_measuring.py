"""A table whose bounds nobody knows: uploaded, measured once though its worker is killed, declared anew, learned from."""

import asyncio
import csv
import io
import signal
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from system.conftest import Machine, Ready

from moneyer import calls
from moneyer.client import Refused
from moneyer_shared.contracts.generation import SourceDeclaration

pytestmark = pytest.mark.system
ALLOWED = [
    {
        "generator": "domain-discovery",
        "parameters": {
            "epsilon": {"minimum": "0.1", "maximum": "2"},
            "delta": {"minimum": "0.000000001", "maximum": "0.000001"},
            "values_per_unit": {"minimum": "1", "maximum": "4"},
        },
    },
    {
        "generator": "dpmm-fixed",
        "parameters": {
            "epsilon": {"minimum": "0.1", "maximum": "5"},
            "delta": {"minimum": "0.000000001", "maximum": "0.000001"},
            "iterations": {"minimum": "100", "maximum": "1000"},
        },
    },
]
MEASURE = {
    "generator": "domain-discovery",
    "parameters": {"epsilon": "1", "delta": "0.000001", "values_per_unit": 1},
    "rows": 1,
}
LEARN = {"generator": "dpmm-fixed", "parameters": {"epsilon": "1", "delta": "0.000001", "iterations": 100}, "rows": 200}


def unknown(population_id: str) -> SourceDeclaration:
    columns = [
        {"name": name, "domain": {"kind": "unmeasured", "of": of}}
        for name, of in (("age", "integer"), ("ill", "category"))
    ]
    return SourceDeclaration.model_validate(
        {"name": f"s-{uuid4().hex[:8]}", "description": "d", "population_id": population_id, "columns": columns}
    )  # fmt: skip


def people(rows: int = 2_000) -> bytes:
    """Ages of twenty to eighty, and one far away; yes and no, and one label of its own."""
    random, text = np.random.default_rng(0), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["age", "ill"])
    writer.writerows([int(random.integers(20, 81)), random.choice(["no", "yes"])] for _ in range(rows))
    writer.writerow([8_888_888_888, "unheard-of"])
    return text.getvalue().encode()


async def uploaded(machine: Machine, declared: SourceDeclaration, content: bytes) -> str:
    made = await machine.send("steward", calls.register_source(declared))
    await machine.send("steward", calls.upload(made["id"], content, media_type="text/csv"))
    return str(made["id"])


@pytest.mark.parametrize("halt_at", ["after-redeem", "model-sealed", "before-settling"])
async def test_a_domain_nobody_knew_is_measured_once_and_learned_over(machine: Machine, halt_at: str) -> None:
    call = calls.create_population(
        f"p-{uuid4().hex[:8]}", privacy_unit="one row", epsilon="20", delta="0.00001", approximate_delta="0.000002"
    )
    population = (await machine.send("steward", call))["id"]
    source_id = await uploaded(machine, unknown(population), people())
    ready = await chartered(machine, population, source_id)
    with pytest.raises(Refused, match="domain-discovery learns"):
        await ready.request(**LEARN)
    run_id = await ready.request(**MEASURE)
    async with machine.worker(halt_at=halt_at) as doomed:
        async with asyncio.timeout(120):
            assert (await doomed.stdout.readline()).strip() == b"halted"  # type: ignore[union-attr]
        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()
    async with machine.worker():
        run = await ready.ended(run_id)
    assert (run["state"], run["charged"], run["asset"]) == ("measured", True, None), run
    assert await ready.charges(run_id) == ["reserve", "spend"]
    assert (await ready.permit(run_id))["outcome"] == "measured"
    found = await machine.send("scientist", calls.get_measured_domain(run_id))
    domains = {column["name"]: column["domain"] for column in found["columns"]}
    assert (domains["age"]["minimum"], domains["age"]["maximum"]) == (20, 99)
    assert domains["ill"]["categories"] == ["no", "yes"]
    if halt_at == "before-settling":
        await learned_over(machine, ready, run_id)


async def chartered(machine: Machine, population: str, source_id: str) -> Ready:
    charter_id = await machine.charter(source_id, configurations=ALLOWED)
    call = calls.allocate(
        population, charter_id=charter_id, epsilon="10", delta="0.000005", approximate_delta="0.000001"
    )
    await machine.send("steward", call)
    return Ready(machine, population, source_id, charter_id)


async def learned_over(machine: Machine, measured: Ready, run_id: str) -> None:
    """The rest of the story: declared by the measurement, rarer values refused, and a run that is proven."""
    drafted = await machine.send("steward", calls.draft_measured_source(run_id, name=f"m-{uuid4().hex[:8]}"))
    declared = SourceDeclaration.model_validate(drafted)
    with pytest.raises(Refused) as refused:
        await uploaded(machine, declared.model_copy(update={"name": f"m-{uuid4().hex[:8]}"}), people())
    assert {reason["column"] for reason in refused.value.reasons} == {"age", "ill"}
    source_id = await uploaded(machine, declared, b"\n".join(people().splitlines()[:-1]))
    ready = await chartered_again(machine, measured, source_id)
    made = await ready.request(**LEARN)
    async with machine.worker():
        run = await ready.ended(made)
    assert run["state"] == "released", run
    assert run["offer"]["guarantee"]["level"] == "proven"
    assert f"run {run_id} under (1, 0.000001)" in run["offer"]["guarantee"]["statement"]
    statement: Any = await machine.send("auditor", calls.get_statement(ready.population_id))
    whole = next(one for one in statement["accounts"] if one["charter_id"] is None)
    assert len(whole["charges"]) == 2, "what was measured, and what was learned, in one account"
    record = await told(machine, run_id)
    assert record["charge"]["permit"]
    assert (record["measurement"]["columns"], record["measurement"]["noise"]) == (2, "fresh")
    assert float(record["charge"]["epsilon"]) > 0


async def chartered_again(machine: Machine, measured: Ready, source_id: str) -> Ready:
    charter_id = await machine.charter(source_id, configurations=ALLOWED)
    call = calls.allocate(measured.population_id, charter_id=charter_id, epsilon="5", delta="0.000002")
    await machine.send("steward", call)
    return Ready(machine, measured.population_id, source_id, charter_id)


async def told(machine: Machine, run_id: str) -> Any:
    """The record, once the outbox has delivered the measurement."""
    async with asyncio.timeout(60):
        while True:
            try:
                record: Any = await machine.send("auditor", calls.get_record(run_id))
            except Refused:
                record = {}
            if record.get("measurement"):
                return record
            await asyncio.sleep(0.3)
