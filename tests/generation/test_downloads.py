"""A released table as HTTP clients ask for it: its head first, then part after part, then whether it changed."""

import asyncio
from base64 import b64decode
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from generation.conftest import KEY, World, world

from moneyer_generation.documents.assets import AssetFile
from moneyer_generation.downloads import Rendered
from moneyer_generation.routes.renderings import Renderings
from moneyer_generation.use_cases.runs import asset_object
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.errors import Forbidden, Unavailable
from moneyer_shared.spool import Spool

__all__ = ["world"]
TABLE = pa.table({"c": ["a", "b"] * 5000})


@pytest.fixture
async def path(world: World) -> str:
    """Where a released table of that world is."""
    run_id = await world.run()
    name = asset_object(run_id)
    sealed = custody.seal_table(TABLE.to_batches(), TABLE.schema, b64decode(KEY), name)
    custody.put_new(world.dependencies.objects, name, sealed)
    asset = AssetFile.model_validate(
        {"object": name, "rows": TABLE.num_rows, "bytes": len(sealed), "digest": "sha256:" + "0" * 64}
    )
    async with world.flow().begin(Work) as work:
        await work.runs.save(await work.runs.run(run_id), datetime.now(UTC), asset=asset)

    async def unlock(*_: Any) -> Any:
        return SimpleNamespace(key=KEY)

    world.policy.unlock = unlock  # type: ignore[attr-defined]
    return f"/v1/assets/{run_id}/table"


async def get(world: World, path: str, method: str = "GET", **headers: str) -> Any:
    return await world.call(
        "scientist", method, path, headers={name.replace("_", "-"): said for name, said in headers.items()}
    )


@pytest.mark.parametrize("form", ["parquet", "arrow", "csv"])
async def test_a_head_is_a_get_without_its_content(world: World, path: str, form: str) -> None:
    whole = await get(world, f"{path}?format={form}")
    head = await get(world, f"{path}?format={form}", "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for name in (
        "content-length",
        "etag",
        "accept-ranges",
        "content-type",
        "repr-digest",
        "x-request-id",
        "cache-control",
    ):
        assert name in head.headers, name
        if name != "x-request-id":
            assert head.headers[name] == whole.headers[name], name
    assert int(head.headers["content-length"]) == len(whole.content)


async def test_a_head_ends_whatever_it_is_asked_of(world: World, path: str) -> None:
    """A stream of events too, which would go on as long as its run."""
    run = path.split("/")[3]
    for asked in (
        "/livez",
        "/v1/generators",
        "/openapi.json",
        f"/v1/generations/{run}",
        f"/v1/generations/{run}/events",
    ):
        answer = await asyncio.wait_for(get(world, asked, "HEAD"), 20)
        assert (answer.status_code, answer.content) == (200, b""), asked
    assert (await get(world, "/v1/nothing", "HEAD")).status_code == 404
    assert (await world.call.bare("HEAD", path)).status_code == 401
    refused = await get(world, "/v1/generations:offer", "HEAD")
    assert refused.status_code in {404, 405, 422}


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=" + ",".join(f"{n}-{n}" for n in range(60)),
        "bytes=0-1,5-9",
        "rows=0-1",
        "bytes=" + "9" * 300 + "-",
        "nonsense",
    ],
)
async def test_a_range_that_is_not_served_is_left_aside(world: World, path: str, asked: str) -> None:
    answer = await get(world, path, Range=asked)
    assert answer.status_code == 200
    assert "content-range" not in answer.headers


async def test_parts_are_of_one_table_and_it_is_written_out_once(world: World, path: str) -> None:
    whole = await get(world, path)
    size = len(whole.content)
    parts = [
        await get(world, path, Range=f"bytes={n}-{n + 99}", If_Range=whole.headers["etag"]) for n in range(0, size, 100)
    ]
    assert {part.status_code for part in parts} == {206}
    assert b"".join(part.content for part in parts) == whole.content
    for other in ('"another"', f"W/{whole.headers['etag']}", "x" * 300, "Thu, 01 Jan 2026 00:00:00 GMT"):
        assert (await get(world, path, Range="bytes=0-9", If_Range=other)).status_code == 200, other


async def test_what_is_there_already_is_not_sent_again(world: World, path: str) -> None:
    tag = (await get(world, path, "HEAD")).headers["etag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await get(world, path, If_None_Match=named)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert (await get(world, path, If_None_Match='"other"')).status_code == 200
    assert (await get(world, f"{path}?format=csv", If_None_Match=tag)).status_code == 200
    for named, status in ((tag, 200), ("*", 200), ('"other"', 412), (f'"other", {tag}', 200), (f"W/{tag}", 412)):
        assert (await get(world, path, If_Match=named)).status_code == status, named


async def test_what_was_written_out_is_read_by_nobody_who_is_not_let_in(world: World, path: str) -> None:
    assert (await get(world, path)).status_code == 200

    async def closed(*_: Any) -> Any:
        raise Forbidden("Suspended.", code="suspended")

    world.policy.unlock = closed  # type: ignore[attr-defined]
    for method in ("GET", "HEAD"):
        assert (await get(world, path, method)).status_code == 403
    assert (await get(world, path, Range="bytes=0-9")).status_code == 403


# --- written out once ----------------------------------------------------------------------------


class Press:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Rendered:
        self.times += 1
        spool = Spool()
        spool.write(b"x" * 100)
        return Rendered(spool)


async def test_many_parts_at_once_are_of_one_rendering() -> None:
    press, renderings = Press(), Renderings()
    found = await asyncio.gather(*[renderings.of(("id", "csv"), press) for _ in range(50)])  # type: ignore[arg-type]
    assert press.times == 1
    assert len({id(one) for one in found}) == 1
    await renderings.of(("id", "arrow"), press)  # type: ignore[arg-type]
    assert press.times == 2


async def test_few_are_kept_and_not_for_long() -> None:
    press, renderings = Press(), Renderings(seconds=0.01, most=2)
    for number in range(5):
        await renderings.of((number, "csv"), press)  # type: ignore[arg-type]
    assert len(renderings._kept) <= 2
    while renderings._kept:
        await asyncio.sleep(0.01)
    await renderings.of((4, "csv"), press)  # type: ignore[arg-type]
    assert press.times == 6


async def test_what_failed_is_tried_again() -> None:
    renderings = Renderings()

    def full() -> Rendered:
        raise Unavailable("There is no room on disk.")

    with pytest.raises(Unavailable):
        await renderings.of(("id", "csv"), full)  # type: ignore[arg-type]
    assert (await renderings.of(("id", "csv"), Press())).headers["ETag"]  # type: ignore[arg-type]
