"""Permits that were given before looks were counted took the looks they would take now."""

import asyncio
from importlib import import_module
from pathlib import Path

from alembic import command
from policy.conftest import World
from policy.test_models import again, paid
from policy.test_release_api import release

from moneyer_policy import migrations as tree
from moneyer_shared import migrations

REVISION = next((Path(tree.__file__).parent / "versions").glob("*_looks.py")).stem


async def test_what_was_looked_at_before_counts(world: World) -> None:
    await world.set_up(looks=4)
    first, _ = await paid(world)
    second = (await world.decide(again(world, first))).json()
    await world.redeem(second, key=second["run_id"])
    await world.settle(second)
    third = (await world.decide(again(world, {"run_id": second["run_id"]}))).json()
    await world.redeem(third, key=third["run_id"])
    await world.settle(third, "failed")
    cancelled = (await world.decide(again(world, first))).json()
    await world.call("generation", "POST", f"/v1/permits/{cancelled['permit']['id']}:cancel")
    kept = "SELECT e.kind, e.permit_id, e.model FROM look_entries e ORDER BY e.permit_id, e.kind"
    before, held = [await world.sql(query) for query in (kept, "SELECT held FROM look_accounts")]
    script = import_module(f"moneyer_policy.migrations.versions.{REVISION}")
    (newest,) = await world.sql("SELECT version_num FROM alembic_version")
    await world.sql("DROP TABLE look_entries")
    await world.sql("DROP TABLE look_accounts")
    await world.sql("UPDATE alembic_version SET version_num = $1", script.down_revision)
    url = world.url.replace("postgresql://", "postgresql+asyncpg://")
    await asyncio.to_thread(command.upgrade, migrations.configuration("moneyer_policy", url), script.revision)
    await world.sql("UPDATE alembic_version SET version_num = $1", newest["version_num"])
    assert await world.sql(kept) == before
    assert await world.sql("SELECT held FROM look_accounts") == held
    assert {str(row["model"]) for row in before} == {first["run_id"]}, "a chain of models is one model"
    await release(world, second["run_id"], upper="0.61")
    assert [clause["code"] for clause in (await world.decide(again(world, first))).json()["clauses"]] == [
        "model.rejected"
    ]
