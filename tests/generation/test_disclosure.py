"""What was counted among real rows is told roughly in runs and in the record."""

import json
from typing import Any
from uuid import uuid4

from generation.conftest import World
from sqlalchemy import text

from moneyer_generation.documents.generations import Generation
from moneyer_generation.rules.disclosure import disclosed_asset

RULE = {"columns": ["sex"], "least_rows": 5, "least_values": None, "smallest_group": 7, "fewest_values": None}
COUNTED = {"rows_seen": 12_345, "rows_left_out": 123, "rules": [RULE]}
ASSET: dict[str, Any] = {
    "rows": 10, "bytes": 1, "digest": "sha256:0", "object": "o", "strata": [],
    "suppression": [{"of": "input", **COUNTED}, {"of": "output", **COUNTED}],
    "blend": {
        "real_rows": 5,
        "strata": [{"name": "women", "asked": 3, "made": 3, "share_of_model": 0.517234}],
        "suppression": [{"of": "output", **COUNTED}],
    },
}  # fmt: skip


async def test_a_run_tells_no_exact_count_of_real_rows(world: World) -> None:
    run_id = await world.run()
    async with world.dependencies.database.transaction() as connection:
        await connection.execute(
            text("UPDATE runs SET asset = CAST(:asset AS jsonb) WHERE id = :id"),
            {"asset": json.dumps(ASSET), "id": run_id},
        )
    shown = Generation.model_validate(await world.row(run_id)).model_dump(mode="json")["asset"]
    of_source, of_model = shown["suppression"]
    assert (of_source["rows_seen"], of_source["rows_left_out"]) == (12_000, 120)
    assert of_source["rules"][0]["smallest_group"] == 5, "what the rule demands of every group"
    assert of_model == {"of": "output", **COUNTED}, "made rows are nobody"
    assert shown["blend"]["strata"][0]["share_of_model"] == 0.5
    assert shown["blend"]["suppression"][0]["rows_seen"] == 12_000, "the real part was chosen from real rows"
    assert ASSET["blend"]["strata"][0]["share_of_model"] == 0.517234, "what is kept stays as it was"


def test_a_table_not_made_yet_has_nothing_to_tell() -> None:
    assert disclosed_asset(None) is None
    plain = {"rows": 10, "digest": str(uuid4())}
    assert disclosed_asset(plain) == plain


async def test_a_permit_stays_with_the_runs_worker(world: World) -> None:
    """Its token redeems the plan's keys: no answer holds it, whether a run is begun, read, listed or cancelled."""
    row = await world.row(await world.run())
    plan, path = row.plan.model_dump(mode="json"), f"/v1/generations/{row.id}"
    answers = [
        await world.call("scientist", "POST", "/v1/generations", json=plan, headers={"Idempotency-Key": "k"}),
        await world.call("scientist", "GET", path),
        await world.call("scientist", "GET", "/v1/generations"),
        await world.call("scientist", "POST", f"{path}:cancel"),
    ]
    assert row.decision.permit is not None
    for answer in answers:
        assert answer.is_success, answer.text
        assert '"verdict":"permit"' in answer.text
        assert "token" not in answer.text
        assert str(row.decision.permit.id) not in answer.text
