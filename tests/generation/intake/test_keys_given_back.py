"""An upload that ends without a version leaves neither its key nor a byte sealed under it, however it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from generation.intake.conftest import CSV, NAMES, World, changed, csv, rows

from moneyer_generation.dependencies import ITSELF, Dependencies
from moneyer_generation.use_cases.uploads import clear_lost
from moneyer_shared.contracts.policy import DataKey, KeyRequest
from moneyer_shared.errors import Unavailable
from moneyer_shared.queue import Later
from moneyer_shared.work import Workflow


def dependencies(world: World) -> Dependencies:
    found: Dependencies = world.app.state.dependencies
    return found


async def begun(world: World) -> UUID:
    [row] = await world.sql("SELECT id FROM begun_versions")
    return UUID(str(row["id"]))


async def clear(world: World, version_id: UUID) -> None:
    """What a worker does with the upload's job."""
    await clear_lost(Workflow(dependencies(world), ITSELF), version_id)


async def clear_once_silent(world: World, version_id: UUID) -> None:
    await world.sql("UPDATE begun_versions SET alive_at = now() - interval '1 hour'")
    await clear(world, version_id)


def on_one_side() -> list[list[str]]:
    """Two people whom the split puts on the same side: there is nobody to hold out."""
    from base64 import b64decode

    import pyarrow as pa
    from generation.intake.conftest import KEY

    from moneyer_shared.intake.units import HOLDOUT_SHARE, owners

    names = [f"p{i}" for i in range(30)]
    drawn = owners(pa.array(names), b64decode(KEY)) / 2.0**64
    return [[name, "f", "30", "1"] for name, at in zip(names, drawn, strict=True) if at >= HOLDOUT_SHARE][:2]


@pytest.mark.parametrize(
    ("content", "keys"),
    [(csv(changed(3, 2, "forty")), 0), (csv(on_one_side()), 1), (b"", 0), (csv(rows(1)), 0)],
)
async def test_a_refused_upload_leaves_no_key(world: World, content: bytes, keys: int) -> None:
    answer = await world.upload(content)
    assert answer.status_code == 422
    assert len(world.policy.asked) == keys
    assert await world.nothing_was_stored()


async def test_a_dry_run_makes_no_key_and_begins_nothing(world: World) -> None:
    path = f"/v1/sources/{world.source_id}/versions?dry_run=true"
    assert (await world.call("steward", "POST", path, content=csv(rows()), headers=CSV)).status_code == 200
    assert world.policy.asked == []
    assert await world.nothing_was_stored()


async def test_a_caller_who_goes_half_way_leaves_no_key(world: World) -> None:
    async def half() -> Any:
        yield csv(rows())[:200]
        raise ConnectionResetError

    with suppress(ConnectionResetError):
        await world.call("steward", "POST", f"/v1/sources/{world.source_id}/versions", content=half(), headers=CSV)
    assert world.policy.asked == []
    assert await world.nothing_was_stored()


async def test_an_upload_that_is_kept_keeps_its_key_and_is_begun_no_more(world: World) -> None:
    made = await world.upload(csv(rows()))
    assert made.status_code == 201, made.text
    assert world.policy.open_keys == {f"source:{world.source_id}:{made.json()['id']}"}
    assert await world.sql("SELECT id FROM begun_versions") == []
    await clear(world, UUID(made.json()["id"]))
    assert world.policy.given_back == []


async def test_twins_leave_one_key(world: World) -> None:
    keyed = CSV | {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(world.upload(csv(rows()), keyed) for _ in range(4)))
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert world.policy.open_keys == {f"source:{world.source_id}:{one}" for one in made}
    assert await world.sql("SELECT id FROM begun_versions") == []


async def test_a_store_that_is_away_costs_no_key(world: World) -> None:
    (world.objects / "sources").write_bytes(b"in the way of every object")
    answer = await world.upload(csv(rows()))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert len(world.policy.asked) == 1
    assert world.policy.open_keys == set(), "given back at once"
    for row in await world.sql("SELECT id FROM begun_versions"):
        (world.objects / "sources").unlink()
        await clear_once_silent(world, UUID(str(row["id"])))
    (world.objects / "sources").unlink(missing_ok=True)
    assert await world.nothing_was_stored()
    assert (await world.upload(csv(rows()))).status_code == 201


async def test_what_policy_does_not_take_back_now_it_takes_back_later(world: World) -> None:
    world.policy.away = True
    answer = await world.upload(csv(on_one_side()))
    assert (answer.status_code, answer.json()["code"]) == (422, "table-too-small"), "why it was refused, and no more"
    version_id = await begun(world)
    assert len(world.policy.open_keys) == 1
    with pytest.raises(Later):
        await clear(world, version_id)
    with pytest.raises(Unavailable):
        await clear_once_silent(world, version_id)
    world.policy.away = False
    await clear(world, version_id)
    assert await world.nothing_was_stored()
    await clear(world, version_id)
    assert len(world.policy.given_back) == 1


async def lost(world: World, where: Callable[[KeyRequest], Awaitable[DataKey]]) -> UUID:
    """An upload whose process is lost while it asks for its key; nothing of it runs any more."""
    world.policy.new_source_key = where
    uploading = asyncio.create_task(world.upload(csv(rows())))
    while not world.policy.asked:
        await asyncio.sleep(0.01)
    uploading.cancel()
    with suppress(asyncio.CancelledError):
        await uploading
    return await begun(world)


async def test_a_process_lost_before_it_has_its_key(world: World) -> None:
    async def asked_and_never_answered(request: KeyRequest) -> DataKey:
        world.policy.asked.append(request)
        await asyncio.sleep(3600)
        raise AssertionError

    version_id = await lost(world, asked_and_never_answered)
    assert len(world.policy.open_keys) == 1
    with pytest.raises(Later):
        await clear(world, version_id)
    await clear_once_silent(world, version_id)
    assert await world.nothing_was_stored()


async def test_a_process_lost_between_sealing_and_keeping(world: World) -> None:
    """Both parts lie sealed, and the answer never goes out: the transaction that would keep them is not begun."""

    class Lost(BaseException):
        pass

    database = dependencies(world).database

    def stand_still(*given: Any, **named: Any) -> Any:
        if world.sealed and not named.get("read_only"):
            raise Lost
        return database.transaction(*given, **named)

    class Standing:
        transaction = staticmethod(stand_still)

        def __getattr__(self, name: str) -> Any:
            return getattr(database, name)

    whole = dependencies(world)
    world.app.state.dependencies = replace(whole, database=Standing())  # type: ignore[arg-type]
    with pytest.raises(BaseException):  # noqa: B017 - however it comes through the tasks in between
        await world.upload(csv(rows()))
    world.app.state.dependencies = whole
    assert len(world.sealed) == 2
    version_id = await begun(world)
    await clear_once_silent(world, version_id)
    assert await world.nothing_was_stored()


async def test_an_upload_that_was_taken_for_lost_is_not_kept(world: World) -> None:
    """Its process was only slow: a worker cleared it away while it sealed, and nothing of it comes back."""
    usual, cleared = world.policy.new_source_key, list[UUID]()

    async def slow(request: KeyRequest) -> DataKey:
        made: DataKey = await usual(request)
        version_id = await begun(world)
        await clear_once_silent(world, version_id)
        cleared.append(version_id)
        return made

    world.policy.new_source_key = slow
    answer = await world.upload(csv(rows()))
    assert (answer.status_code, answer.json()["code"]) == (409, "upload-lost")
    assert len(cleared) == 1
    assert await world.nothing_was_stored()
    world.policy.new_source_key = usual
    assert (await world.upload(csv(rows()))).status_code == 201


async def test_every_begun_upload_has_a_job_before_its_key_is_asked_for(world: World) -> None:
    usual, jobs = world.policy.new_source_key, list[Any]()

    async def looked(request: KeyRequest) -> DataKey:
        payload = "convert_from(payload, 'UTF8')"
        jobs.extend(await world.sql(f"SELECT {payload} AS of FROM pgqueuer WHERE entrypoint = 'upload'"))
        made: DataKey = await usual(request)
        return made

    world.policy.new_source_key = looked
    made = await world.upload(csv(rows()))
    assert [job["of"] for job in jobs] == [made.json()["id"]]


async def test_replaced_values_are_counted_for_who_brought_them_alone(world: World) -> None:
    columns = [
        {"name": "person", "domain": {"kind": "text", "maximum_length": 20}, "role": "identifier"},
        {"name": "sex", "domain": {"kind": "categorical", "categories": ["f", "m", "other"]}, "unlisted": "other"},
        {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 60}, "outside": "nearest"},
        {"name": "income", "domain": {"kind": "number", "minimum": 0, "maximum": 1000}, "nullable": True},
    ]
    assert (await world.declare(columns=columns)).status_code == 201
    assert [column["name"] for column in columns] == list(NAMES)
    lines = changed(3, 1, "x")
    made = await world.upload(csv(lines))
    assert made.status_code == 201, made.text
    aged = sum(int(line[2]) > 60 for line in lines)
    assert made.json()["replaced"] == {"sex": 1, "age": aged}
    path = f"/v1/sources/{world.source_id}/versions"
    assert (await world.call("steward", "GET", path)).json()[0]["replaced"] == {"sex": 1, "age": aged}
    assert (await world.call("scientist", "GET", path)).json()[0]["replaced"] is None
    told = await world.sql("SELECT leaf::text AS text FROM audit_events UNION ALL SELECT payload::text FROM outbox")
    assert not [row for row in told if "replaced" in row["text"]]
