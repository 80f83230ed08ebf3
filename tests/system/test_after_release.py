"""After the release, through the real processes: assayed again, watched, and a claim put to the test."""

import json
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator
from system.conftest import Machine, table, until

from moneyer import calls

pytestmark = pytest.mark.system


async def test_a_released_table_is_assayed_again_and_drift_opens_a_review(machine: Machine) -> None:
    ready = await machine.ready()
    run_id = await ready.request()
    async with machine.worker():
        run = await ready.ended(run_id)
        assert run["state"] == "released", run
        asked = calls.request_audit(
            "dpmm-fixed", parameters={"epsilon": "1", "iterations": 100}, fits=40, key=uuid4().hex
        )
        audit = await machine.send("steward", asked)
        made = await machine.send("steward", calls.reassay("privacy-1", assets=[run_id], key=uuid4().hex))
        await until(lambda: measured(machine, made["assays"][run_id]))
        assay = await machine.send("auditor", calls.get_assay(made["assays"][run_id]))
        assert (assay.purpose, assay.verdict) == ("re-assay", "stands")
        # So few people held out leave an attacker nobody to learn on, and that is said.
        assert "membership-shadow-auc" in {one.metric for one in assay.not_estimable}
        assert "copies-1" in {one.measure for one in assay.estimates}
        await drift(machine, ready, run_id)
        await until(lambda: audited(machine, audit["id"]))
    judged = await machine.send("steward", calls.get_audit(audit["id"]))
    assert (judged["state"], judged["verdict"]) == ("done", "stands"), judged
    assert await ready.charges(run_id) == ["reserve", "spend"], "nothing of this was charged again"
    await until(lambda: recorded(machine, audit["id"]))
    await every_facet_fits_the_schema_it_names(machine)


async def drift(machine: Machine, ready: Any, run_id: str) -> None:
    """Another upload of the source, of people who are all ill now."""
    changed = table().replace(b",no\n", b",yes\n").replace(b",no\r\n", b",yes\r\n")
    await machine.send("steward", calls.upload(ready.source_id, changed, media_type="text/csv"))
    watch = calls.make_monitor("source", run_id, terms={"kind": "source"}, every_hours=1)
    monitor = await machine.send("steward", watch)
    await until(lambda: seen(machine, monitor["id"]))
    (look,) = await machine.send("auditor", calls.list_looks(monitor["id"]))
    assert look["breaches"], look
    (review,) = await machine.send("auditor", calls.list_reviews(kind="finding", subject=f"asset:{run_id}"))
    assert look["review_id"] == review["id"]
    await machine.approve(review, reason="known and harmless")
    assert await machine.send("scientist", calls.download(run_id)), "the committee let it stand"
    await until(lambda: recorded(machine, look["id"]))


async def every_facet_fits_the_schema_it_names(machine: Machine) -> None:
    """Of all events of all stories so far."""
    schemas: dict[str, Any] = {}
    faults: set[str] = set()
    for row in await machine.sql("lineage", "SELECT event FROM events"):
        for name, facet in json.loads(row["event"])["run"]["facets"].items():
            if not name.startswith("moneyer_"):
                continue
            path = facet["_schemaURL"].removeprefix("https://moneyer.dev")
            if path not in schemas:
                schemas[path] = (await machine.raw("auditor", "lineage", path, {})).json()
                assert schemas[path]["$id"] == facet["_schemaURL"], schemas[path]
            faults |= {f"{name}: {one.message}" for one in Draft202012Validator(schemas[path]).iter_errors(facet)}
    assert faults == set()
    assert {path.rpartition("/")[2] for path in schemas} >= {
        "moneyer_plan.json", "moneyer_policyDecision.json", "moneyer_charge.json", "moneyer_generation.json",
        "moneyer_evaluation.json", "moneyer_release.json", "moneyer_drift.json", "moneyer_finding.json",
        "moneyer_guarantee_audit.json",
    }  # fmt: skip


async def measured(machine: Machine, assay_id: str) -> bool:
    state = (await machine.send("auditor", calls.get_assay(assay_id))).state
    assert state != "failed"
    return state == "done"


async def audited(machine: Machine, audit_id: str) -> bool:
    return (await machine.send("steward", calls.get_audit(audit_id)))["state"] in {"done", "failed"}


async def seen(machine: Machine, monitor_id: str) -> bool:
    looks = await machine.send("auditor", calls.list_looks(monitor_id))
    return bool(looks) and looks[0]["review_id"] is not None


async def recorded(machine: Machine, look_id: str) -> bool:
    """The look is an event of its own in lineage."""
    rows = await machine.sql("lineage", "SELECT 1 FROM events WHERE run_id = $1", look_id)
    return bool(rows)
