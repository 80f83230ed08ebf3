"""Dates, times and decimals are kept as what they are, or refused."""

from base64 import b64decode
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from generation.intake.conftest import CSV, KEY, PARQUET, World, csv, parquet

from moneyer_shared import custody

EXACT = [
    {"name": "born", "domain": {"kind": "date", "minimum": "1900-01-01", "maximum": "2030-01-01"}, "nullable": True},
    {"name": "seen", "domain": {"kind": "timestamp", "minimum": "2000-01-01", "maximum": "2030-01-01"}},
    {"name": "at", "domain": {"kind": "time"}},
    {"name": "paid", "domain": {"kind": "decimal", "minimum": "-10", "maximum": "1000"}},
]
LINE = ["1980-02-29", "2024-05-06T07:08:09", "23:59:59", "12.34"]
HELD = {
    "born": date(1980, 2, 29),
    "seen": datetime.fromisoformat("2024-05-06T07:08:09"),
    "at": time(23, 59, 59),
    "paid": Decimal("12.34"),
}


async def exact(world: World) -> None:
    assert (await world.declare(columns=EXACT, privacy_unit={})).status_code == 201


def exact_csv(count: int = 60, **changes: str) -> bytes:
    line = [changes.get(str(column["name"]), said) for column, said in zip(EXACT, LINE, strict=True)]
    return csv([*[LINE] * (count - 1), line], "born,seen,at,paid")


@pytest.mark.parametrize("sent", ["text", "typed", "other units"])
async def test_dates_times_and_decimals_are_kept_as_what_they_are(world: World, sent: str) -> None:
    await exact(world)
    typed = pa.table({name: [value] * 60 for name, value in HELD.items()})
    if sent == "other units":
        floats = pa.array([12.34 + 1e-12] * 60)
        nanoseconds = typed["seen"].cast(pa.timestamp("ns"))
        typed = typed.set_column(1, "seen", nanoseconds).set_column(3, "paid", floats)
        typed = typed.set_column(0, "born", typed["born"].cast(pa.timestamp("us")))
    answer = await world.upload(*((exact_csv(), CSV) if sent == "text" else (parquet(typed), PARQUET)))
    assert answer.status_code == 201, answer.text
    name = f"sources/{world.source_id}/{answer.json()['id']}/train.parquet"
    opened = custody.read_table(custody.open_store(world.objects.as_uri()), name, b64decode(KEY))
    assert opened.slice(0, 1).to_pylist() == [HELD]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"born": "1980-02-30"}, "value-unreadable"),
        ({"born": "1899-12-31"}, "value-outside-domain"),
        ({"born": "yesterday"}, "value-unreadable"),
        ({"seen": "2024-05-06T07:08:09Z"}, "value-unreadable"),
        ({"seen": ""}, "value-missing"),
        ({"at": "24:00:00"}, "value-unreadable"),
        ({"paid": "12.345"}, "value-unreadable"),
        ({"paid": "1000.01"}, "value-outside-domain"),
        ({"paid": "1e30"}, "value-unreadable"),
    ],
)
async def test_what_is_no_such_date_time_or_decimal_is_refused(world: World, change: dict[str, str], code: str) -> None:
    await exact(world)
    answer = await world.upload(exact_csv(**change), CSV)
    assert answer.status_code == 422, answer.text
    (reason,) = answer.json()["reasons"]
    assert (reason["code"], reason["column"], reason["row"]) == (code, next(iter(change)), 60)
    assert await world.nothing_was_stored()
