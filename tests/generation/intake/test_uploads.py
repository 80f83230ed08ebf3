"""Uploads happen once, whole, by whom they may, and are split by person."""

import errno
import os
from base64 import b64decode
from typing import Any

import pytest
from generation.intake.conftest import CSV, KEY, SECRET, World, csv, rows

from moneyer_shared import custody, spool


async def test_an_upload_with_a_key_happens_once(world: World) -> None:
    keyed = CSV | {"Idempotency-Key": "k1"}
    first, again = [await world.upload(csv(rows()), keyed) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert len([entry for entry in world.objects.rglob("*") if entry.is_file()]) == 2
    other = await world.upload(csv(rows(59)), keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_full_disk_refuses_and_keeps_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(spool, "FRAME_BYTES", 1000)
    monkeypatch.setattr(os, "pwrite", full)
    answer = await world.upload(csv(rows()))
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await world.nothing_was_stored()


async def test_the_rows_of_one_person_stay_on_one_side(world: World) -> None:
    doubled = [line for line in rows() for _ in range(2)]
    version = (await world.upload(csv(doubled))).json()
    store = custody.open_store(world.objects.as_uri())
    sides = [
        set(
            custody.read_table(store, f"sources/{world.source_id}/{version['id']}/{part}.parquet", b64decode(KEY))[
                "person"
            ].to_pylist()
        )
        for part in ("train", "holdout")
    ]
    assert not sides[0] & sides[1]


async def test_a_person_in_two_partitions_is_refused_and_the_key_names_the_partitions(world: World) -> None:
    """Partitions' budgets compose in parallel only while nobody is in two of them."""
    assert (await world.declare(partition_column="sex")).status_code == 201
    twice = [*rows(), [f"{SECRET}-0", "m", "20", "1.5"]]
    refused = await world.upload(csv(twice))
    assert refused.status_code == 422
    (reason,) = refused.json()["reasons"]
    assert (reason["code"], reason["column"], reason["row"]) == ("unit-in-two-partitions", "sex", 61)
    assert await world.nothing_was_stored()
    assert (await world.upload(csv(rows()))).status_code == 201
    asked = world.policy.asked[-1]
    assert (asked.partitions, asked.owner) == (["f", "m"], "steward")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"columns": [{"name": "a", "domain": {"kind": "text"}, "role": "identifier"}]},
        {"columns": [{"name": "a", "domain": {"kind": "text"}}]},
        {"columns": [{"name": "a", "domain": {"kind": "integer", "minimum": 2, "maximum": 1}}]},
        {"columns": [{"name": "a", "domain": {"kind": "categorical", "categories": ["x", "x"]}}]},
        {"privacy_unit": {"column": "nobody"}},
        {"privacy_unit": {"maximum_rows": 3}},
        {"partition_column": "age"},
        {"partition_column": "income"},
        {"partition_column": "nobody"},
        {
            "partition_column": "sex",
            "columns": [{"name": "sex", "domain": {"kind": "categorical", "categories": ["not a name!"]}}],
            "privacy_unit": {},
        },
        {"target": "person"},
        {"target": "nothing"},
        {"surprise": 1},
    ],
)
async def test_a_declaration_must_be_consistent(world: World, change: dict[str, Any]) -> None:
    answer = await world.declare(**change)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


async def test_who_may_not_upload_is_told_before_a_byte_is_read(world: World) -> None:
    path = f"/v1/sources/{world.source_id}/versions"
    answer = await world.call("scientist", "POST", path, content=csv(rows()), headers=CSV)
    assert answer.status_code == 403
