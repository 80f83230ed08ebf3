"""An upload that is tried first, sent in other encodings, or sent several times at once."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from generation.intake.conftest import ARROW, CSV, PARQUET, SECRET, World, arrow, changed, csv, ipc, parquet, rows

from moneyer.files import check_table
from moneyer_shared.contracts.generation import SourceDeclaration


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))


async def dry(world: World, content: bytes, headers: dict[str, str] | None = None) -> Any:
    path = f"/v1/sources/{world.source_id}/versions?dry_run=true"
    return await world.call("steward", "POST", path, content=content, headers=headers or CSV)


async def test_a_dry_run_says_all_and_keeps_nothing(world: World) -> None:
    lines = changed(3, 2, "forty")
    lines[9][1] = lines[12][1] = "x"
    answer = await dry(world, csv(lines))
    assert answer.status_code == 200, answer.text
    report = answer.json()
    told = {(fault["code"], fault["column"]): fault["first_rows"] for fault in report["faults"]}
    assert told == {("value-unreadable", "age"): [4], ("value-outside-domain", "sex"): [10, 13]}
    assert (report["fits"], report["rows"], report["units"]) == (False, 60, 60)
    assert SECRET not in answer.text
    fitting = await dry(world, parquet(arrow()), PARQUET | {"Idempotency-Key": "k1"})
    assert fitting.json()["fits"] is True
    assert await world.nothing_was_stored()
    assert world.policy.asked == [], "no key was made"
    kept = await world.upload(parquet(arrow()), PARQUET | {"Idempotency-Key": "k1"})
    assert kept.status_code == 201, "a dry run uses no key up"
    assert (
        await world.call(
            "steward", "POST", f"/v1/sources/{world.source_id}/versions?dry_run=yes", content=b"", headers=CSV
        )
    ).status_code == 422


async def test_a_refusal_tells_every_column_at_once(world: World) -> None:
    lines = [[line[0], "x", "200", "-1"] for line in rows()]
    answer = await world.upload(csv(lines))
    assert answer.status_code == 422
    told = [(reason["column"], reason["rows"], reason["first_rows"]) for reason in answer.json()["reasons"]]
    assert told == [(name, 60, [1, 2, 3, 4, 5]) for name in ("sex", "age", "income")]


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (zstd(csv(rows())), "zstd", 201),
        (zstd(csv(rows()[:30])) + zstd(csv(rows()[30:]).partition(b"\n")[2]), "zstd", 201),
        (gzip.compress(csv(rows()[:30])) + gzip.compress(csv(rows()[30:]).partition(b"\n")[2]), "gzip", 201),
        (zstd(csv(rows())) + b"junk", "zstd", 422),
        (zstd(csv(rows()))[:-3], "zstd", 422),
        (csv(rows()), "zstd", 422),
        (b"", "zstd", 422),
        (zstd(b"a" * 50_000_000), "zstd", 413),
        (zstd(csv(rows())), "", 422),
        (gzip.compress(csv(rows())), "", 422),
    ],
)
async def test_bodies_come_compressed_whole_or_are_refused(
    world: World, content: bytes, encoding: str, status: int
) -> None:
    answer = await world.upload(content, CSV | ({"Content-Encoding": encoding} if encoding else {}))
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["train_rows"] + answer.json()["holdout_rows"] == 60
    else:
        assert await world.nothing_was_stored()


@pytest.mark.parametrize("content", [csv(rows()), parquet(arrow()), ipc(arrow()), ipc(arrow(), file=True)])
async def test_a_body_of_no_named_type_is_what_it_begins_with(world: World, content: bytes) -> None:
    answer = await world.upload(content, {"Content-Type": "application/octet-stream"})
    assert answer.status_code == 201, answer.text


async def test_a_body_that_is_not_what_it_is_called_is_refused(world: World) -> None:
    answer = await world.upload(parquet(arrow()), ARROW)
    assert (answer.status_code, answer.json()["code"]) == (422, "media-type-disagrees")
    assert "application/vnd.apache.parquet" in answer.json()["detail"]


async def test_one_upload_sent_four_times_at_once_leaves_one_sealed_copy(world: World) -> None:
    keyed = CSV | {"Idempotency-Key": "k1"}
    answers = await asyncio.gather(*(world.upload(csv(rows()), keyed) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    kept = {entry.parent.name for entry in world.objects.rglob("*") if entry.is_file()}
    assert kept == made, "what lost the race was taken back"


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst", "t.parquet", "t.arrow", "renamed.csv"])
async def test_the_client_checks_as_the_service_does(world: World, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    lines = changed(3, 2, "121")
    bad = arrow(age=[int(line[2]) for line in lines])
    packed = {"t.csv.gz": gzip.compress, "t.csv.zst": zstd, "renamed.csv": gzip.compress}
    content = ipc(bad) if "arrow" in name else parquet(bad) if "parquet" in name else csv(lines)
    file.write_bytes(packed.get(name, bytes)(content))
    found = await world.call("steward", "GET", f"/v1/sources/{world.source_id}")
    here = check_table(file, SourceDeclaration.model_validate(found.json()["declaration"]))
    there = await dry(world, content, {"Content-Type": "application/octet-stream"})
    assert here.model_dump(mode="json") == there.json()
    assert [fault.first_rows for fault in here.faults] == [[4]]
