"""Uploads: what is wrong is told by column and row, never by value, and nothing is stored."""

import gzip
from base64 import b64decode

import pyarrow as pa
import pytest
from generation.intake.conftest import (
    ARROW,
    ARROW_FILE,
    CSV,
    KEY,
    NAMES,
    PARQUET,
    SECRET,
    World,
    arrow,
    changed,
    csv,
    ipc,
    ipc_bomb,
    parquet,
    rows,
)

from moneyer_shared import custody

BAD = {
    "wrong header": (csv(rows(), "person,gender,age,income"), CSV, 422, "column-missing", "sex", 0),
    "extra column": (
        csv([[*r, "1"] for r in rows()], "person,sex,age,income,more"),
        CSV,
        422,
        "column-undeclared",
        "number 5",
        0,
    ),
    "duplicate column": (
        csv([[*r, "1"] for r in rows()], "person,sex,age,income,age"),
        CSV,
        422,
        "column-duplicate",
        "age",
        0,
    ),
    "no header": (csv(rows()[1:], ",".join(rows()[0])), CSV, 422, "column-missing", "person", 0),
    "category outside": (csv(changed(4, 1, "x")), CSV, 422, "value-outside-domain", "sex", 5),
    "integer outside": (csv(changed(7, 2, "121")), CSV, 422, "value-outside-domain", "age", 8),
    "integer enormous": (csv(changed(7, 2, "1e300")), CSV, 422, "value-outside-domain", "age", 8),
    "number outside": (csv(changed(9, 3, "-0.001")), CSV, 422, "value-outside-domain", "income", 10),
    "not a number": (csv(changed(3, 2, "forty")), CSV, 422, "value-unreadable", "age", 4),
    "a fraction": (csv(changed(3, 2, "40.5")), CSV, 422, "value-unreadable", "age", 4),
    "null not allowed": (csv(changed(2, 2, "")), CSV, 422, "value-missing", "age", 3),
    "NaN not allowed": (csv(changed(2, 2, "NaN")), CSV, 422, "value-missing", "age", 3),
    "text too long": (csv(changed(1, 0, "y" * 21)), CSV, 422, "value-outside-domain", "person", 2),
    "ragged row": (csv([*rows()[:5], ["only", "two"], *rows()[6:]]), CSV, 422, "row-ragged", "", 6),
    "too many rows of one unit": (csv([["same", *r[1:]] for r in rows()]), CSV, 422, "unit-too-large", "person", 3),
    "parquet column missing": (parquet(arrow().drop(["age"])), PARQUET, 422, "column-missing", "age", 0),
    "parquet wrong type": (parquet(arrow(age=["x"] * 60)), PARQUET, 422, "value-unreadable", "age", 1),
    "parquet NaN": (parquet(arrow(age=[float("nan")] * 60)), PARQUET, 422, "value-missing", "age", 1),
    "arrow wrong type": (ipc(arrow(age=["x"] * 60)), ARROW, 422, "value-unreadable", "age", 1),
    "parquet nested": (parquet(arrow(age=[[1]] * 60)), PARQUET, 422, "value-unreadable", "age", 1),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_table_is_refused_by_column_and_row(world: World, case: str) -> None:
    content, headers, status, code, column, row = BAD[case]
    answer = await world.upload(content, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    reasons = {(reason["code"], reason["column"], reason["row"]) for reason in answer.json()["reasons"]}
    assert (code, column, row) in reasons, reasons
    assert SECRET not in answer.text, "a refusal never quotes the file"
    assert await world.nothing_was_stored()


def dictionary_bomb() -> bytes:
    """A few kilobytes of Parquet that say they are two hundred million rows' worth."""
    text = pa.array(["f" * 2000]).take(pa.array([0] * 50_000))
    return parquet(pa.table({"person": text, "sex": text, "age": text, "income": text}))


UNREADABLE = {
    "not UTF-8": (csv(rows()).replace(b"f", b"\xff"), CSV, 422),
    "UTF-16": (csv(rows()).decode().encode("utf-16"), CSV, 422),
    "empty": (b"", CSV, 422),
    "header only": (csv([]), CSV, 422),
    "parquet of no rows": (parquet(arrow().slice(0, 0)), PARQUET, 422),
    "truncated parquet": (parquet(arrow())[:-100], PARQUET, 422),
    "half a parquet": (parquet(arrow())[: len(parquet(arrow())) // 2], PARQUET, 422),
    "not parquet": (b"PAR1 nonsense PAR1", PARQUET, 422),
    "csv called parquet": (csv(rows()), PARQUET, 422),
    "gzip bomb": (gzip.compress(b"a" * 50_000_000), CSV | {"Content-Encoding": "gzip"}, 413),
    "broken gzip": (b"\x1f\x8b" + b"x" * 100, CSV | {"Content-Encoding": "gzip"}, 422),
    "cut gzip": (gzip.compress(csv(rows()))[:-20], CSV | {"Content-Encoding": "gzip"}, 422),
    "parquet bomb": (dictionary_bomb(), PARQUET, 413),
    "truncated arrow": (ipc(arrow())[:-400], ARROW, 422),
    "not arrow": (csv(rows()), ARROW, 422),
    "not an arrow file": (ipc(arrow()), ARROW_FILE, 422),
    "compressed arrow": (ipc(arrow(), compression="zstd"), ARROW, 422),
    "compressed arrow file": (ipc(arrow(), file=True, compression="lz4"), ARROW_FILE, 422),
    "compressed dictionary": (
        ipc(arrow(sex=pa.array(["f", "m"] * 30).dictionary_encode()), compression="zstd"),
        ARROW,
        422,
    ),
    "arrow bomb": (ipc_bomb(), ARROW, 413),
    "arrow of countless nulls": (ipc(pa.table(dict.fromkeys(NAMES, pa.nulls(10**9)))), ARROW, 413),
    "too many bytes": (csv(rows()) * 200, CSV, 413),
    "too many rows": (csv(rows(901) + rows(100)), CSV, 413),
    "zip archive": (b"PK\x03\x04rest", {"Content-Type": "application/zip"}, 415),
    "unnamed type": (csv(rows()), {"Content-Type": ""}, 415),
    "unknown encoding": (csv(rows()), CSV | {"Content-Encoding": "br"}, 415),
    "too small to split": (csv(rows(1)), CSV, 422),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_an_unreadable_upload_is_refused(world: World, case: str) -> None:
    content, headers, status = UNREADABLE[case]
    answer = await world.upload(content, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert await world.nothing_was_stored()


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (csv(rows()), CSV),
        (gzip.compress(csv(rows())), CSV | {"Content-Encoding": "gzip"}),
        (parquet(arrow()), PARQUET),
        (parquet(arrow().select(["age", "income", "sex", "person"])), PARQUET),
        (ipc(arrow()), ARROW),
        (ipc(arrow(sex=pa.array(["f", "m"] * 30).dictionary_encode())), ARROW),
        (ipc(arrow(), file=True), ARROW_FILE),
        (csv([[f'"{r[0]}"', *r[1:]] for r in rows()]), CSV),
    ],
)
async def test_a_good_table_is_split_by_unit_and_sealed(world: World, content: bytes, headers: dict[str, str]) -> None:
    answer = await world.upload(content, headers)
    assert answer.status_code == 201, answer.text
    version = answer.json()
    assert version["train_rows"] + version["holdout_rows"] == 60
    assert version["holdout_rows"] > 0
    files = [entry for entry in world.objects.rglob("*") if entry.is_file()]
    assert len(files) == 2
    assert all(SECRET.encode() not in file.read_bytes() for file in files)
    name = f"sources/{world.source_id}/{version['id']}/train.parquet"
    opened = custody.read_table(custody.open_store(world.objects.as_uri()), name, b64decode(KEY))
    assert opened.num_rows == version["train_rows"]
    assert opened["person"][0].as_py().startswith(SECRET)


async def test_a_dictionary_that_says_much_many_times_is_refused_before_it_is_spelt_out(world: World) -> None:
    answer = await world.upload(ipc_bomb(), ARROW)
    assert answer.status_code == 413
    assert "dictionaries" in answer.json()["detail"]
