"""Lists of runs, searches and sources, asked for by whose they are, by state, charter and source."""

from typing import Any
from uuid import UUID, uuid4

from generation.conftest import World


async def asked(world: World, person: str, query: str) -> Any:
    answer = await world.call(person, "GET", f"/v1/{query}")
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json()]


async def test_runs_are_found_by_who_asked_charter_source_and_state(world: World) -> None:
    charter = uuid4()
    first = str(await world.run(charter_id=charter))
    world.policy.verdict = "review"
    second = str(await world.run())
    everything = [second, first]
    assert await asked(world, "auditor", "generations") == everything
    assert await asked(world, "scientist", "generations?requested_by=me") == everything
    assert await asked(world, "auditor", "generations?requested_by=me") == []
    assert await asked(world, "auditor", "generations?requested_by=scientist") == everything
    assert await asked(world, "auditor", f"generations?charter={charter}") == [first]
    assert await asked(world, "auditor", "generations?state=in_review") == [second]
    assert await asked(world, "auditor", "generations?state=queued") == [first]
    shown = (await world.call("auditor", "GET", f"/v1/generations/{first}")).json()
    assert await asked(world, "auditor", f"generations?source={shown['plan']['source_id']}") == [first]
    assert await asked(world, "auditor", f"generations?source={shown['plan']['source_id']}&state=failed") == []
    assert (await world.call("auditor", "GET", "/v1/generations?state=sleeping")).status_code == 422
    engine = shown["plan"]["generator"]
    assert await asked(world, "auditor", f"generations?generator={engine}") == everything
    assert await asked(world, "auditor", "generations?generator=another") == []
    assert await asked(world, "auditor", "generations?with_asset=true") == []
    assert await asked(world, "auditor", "generations?with_asset=false") == everything
    assert (await world.call("auditor", "GET", "/v1/generations?with_asset=perhaps")).status_code == 422


async def test_a_state_of_an_asset_is_policys_word(world: World) -> None:
    run = await world.run()
    async with world.dependencies.database.transaction() as connection:
        from sqlalchemy import text

        await connection.execute(text("UPDATE runs SET state = 'released' WHERE id = :id"), {"id": run})
    world.policy.states[UUID(str(run))] = "withdrawn"
    assert await asked(world, "auditor", "generations?state=withdrawn") == [str(run)]
    assert await asked(world, "auditor", "generations?state=released") == []


async def test_several_sources_are_read_at_once(world: World) -> None:
    for _ in range(3):
        await world.run()
    known = await asked(world, "auditor", "sources")
    assert await asked(world, "auditor", f"sources?source={known[2]}&source={known[0]}&source={uuid4()}") == [
        known[0], known[2],
    ]  # fmt: skip
    many = "&".join(f"source={uuid4()}" for _ in range(101))
    assert (await world.call("auditor", "GET", f"/v1/sources?{many}")).status_code == 422


async def test_searches_are_found_by_who_asked_and_state(world: World) -> None:
    assert await asked(world, "scientist", "searches?requested_by=me&state=found") == []
    assert (await world.call("auditor", "GET", "/v1/searches?state=sleeping")).status_code == 422
