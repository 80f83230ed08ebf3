"""A released table's schema in others' words, read and validated by their own tools."""

import json
import warnings
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pyarrow as pa
import pytest
from generation.conftest import World

from moneyer_shared.contracts.generation import Column
from moneyer_shared.errors import Forbidden
from moneyer_shared.exact import arrow_schema

COLUMNS = [
    Column.model_validate(one)
    for one in (
        {
            "name": "sex",
            "domain": {"kind": "categorical", "categories": ["f", "m", "none of these"]},
            "role": "protected",
            "unlisted": "none of these",
        },
        {"name": "age, in years", "domain": {"kind": "integer", "minimum": 0, "maximum": 120}, "nullable": True},
        {"name": "height", "domain": {"kind": "number", "minimum": 0.5, "maximum": 2.5}, "nullable": True},
        {"name": "born", "domain": {"kind": "date", "minimum": "1900-01-01", "maximum": "2026-12-31"}},
        {
            "name": "seen",
            "domain": {"kind": "timestamp", "minimum": "2020-01-01T00:00:00", "maximum": "2026-12-31T00:00:00"},
        },
        {"name": "at", "domain": {"kind": "time"}, "nullable": True},
        {
            "name": "paid",
            "domain": {"kind": "decimal", "minimum": "0", "maximum": "99999.99", "scale": 2},
            "outside": "nearest",
        },
        {"name": "who", "domain": {"kind": "text", "replacement": "number"}, "role": "identifier"},
    )
]
VALUES = ["f", 7, 1.5, date(2019, 2, 28), datetime(2026, 1, 31, 10), time(10), Decimal("12.30"), "000001"]  # noqa: DTZ001
FULL = dict(zip((c.name for c in COLUMNS), VALUES, strict=True))
SCHEMA = arrow_schema(COLUMNS)
ROWS = pa.Table.from_pylist(
    [FULL, FULL | {"sex": "m", "age, in years": None, "height": None, "at": None, "paid": Decimal("0.07")}], SCHEMA
)


async def schema_of(world: World, asset: UUID, standard: str) -> Any:
    answer = await world.call("scientist", "GET", f"/v1/assets/{asset}/schema?format={standard}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def table_of(world: World, asset: UUID, form: str) -> bytes:
    answer = await world.call("scientist", "GET", f"/v1/assets/{asset}/table?format={form}")
    assert answer.status_code == 200, answer.text
    return answer.content


def granted(use_case: str, *, subject: str = "scientist", days: int = 5) -> dict[str, Any]:
    ends = datetime.now(UTC) + timedelta(days=days)
    return {"subject": subject, "use_case": use_case, "valid_until": ends.isoformat()}


async def test_the_data_contract_is_one_by_the_standards_own_schema(world: World) -> None:
    world.policy.grants = [granted("research")]
    asset = await world.released(COLUMNS, ROWS)
    contract = await schema_of(world, asset, "odcs")
    standard = json.loads((files("open_data_contract_standard") / "schema.json").read_text())
    jsonschema.Draft201909Validator(standard).validate(contract)
    from open_data_contract_standard.model import OpenDataContractStandard

    read = OpenDataContractStandard.from_string(json.dumps(contract))
    assert read.apiVersion == "v3.1.0"
    properties = {one.name: one for one in read.schema_[0].properties}
    assert list(properties) == SCHEMA.names
    assert {name: one.logicalType for name, one in properties.items()} == {
        "sex": "string", "age, in years": "integer", "height": "number", "born": "date", "seen": "timestamp", "at": "time",
        "paid": "number", "who": "string",
    }  # fmt: skip
    assert properties["sex"].quality[0].arguments == {"validValues": ["f", "m", "none of these"]}
    assert [name for name, one in properties.items() if not one.required] == ["age, in years", "height", "at"]
    exact = {one.property: one.value for one in properties["paid"].customProperties}
    assert exact["maximum"] == "99999.99", "told as written, for a number of JSON is a binary fraction"
    told = {one.property: one.value for one in read.customProperties}
    assert told["prohibitedUses"] == ["underwriting", "marketing"]


async def test_every_description_says_what_became_of_values_outside_the_domain(world: World) -> None:
    world.policy.grants = [granted("research")]
    asset = await world.released(COLUMNS, ROWS)
    odcs = (await schema_of(world, asset, "odcs"))["schema"][0]["properties"]
    told = {one["name"]: {more["property"]: more["value"] for more in one["customProperties"]} for one in odcs}
    assert {name: more["outside"] for name, more in told.items() if "outside" in more} == {
        "sex": "none of these", "paid": "nearest",
    }  # fmt: skip
    fields = (await schema_of(world, asset, "frictionless"))["resources"][0]["schema"]["fields"]
    assert {one["name"]: one["moneyer:outside"] for one in fields if "moneyer:outside" in one} == {
        "sex": "none of these", "paid": "nearest",
    }  # fmt: skip
    (rows,) = [one for one in (await schema_of(world, asset, "croissant"))["recordSet"] if one["@id"] == "rows"]
    for described in (rows["field"], fields, odcs):
        said = {one["name"]: one["description"] for one in described}
        assert "what is not listed was put under 'none of these'" in said["sex"]
        assert "what lies outside its bounds was moved to the nearest bound" in said["paid"]
        assert "of the real rows" not in said["height"]


async def test_the_data_package_is_valid_and_so_is_the_table_beside_it(world: World, tmp_path: Path) -> None:
    from frictionless import Package, validate

    asset = await world.released(COLUMNS, ROWS)
    package = await schema_of(world, asset, "frictionless")
    (tmp_path / "datapackage.json").write_text(json.dumps(package))
    for form in ("csv", "parquet", "arrow"):
        (tmp_path / f"table.{form}").write_bytes(await table_of(world, asset, form))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = validate(tmp_path / "datapackage.json")
        assert report.valid, report.flatten(["title", "message"])
        rows = Package(tmp_path / "datapackage.json").get_resource("table-csv").read_rows()
    assert [row["paid"] for row in rows] == [Decimal("12.30"), Decimal("0.07")]
    assert rows[1]["age, in years"] is None
    assert (rows[0]["born"], rows[0]["seen"], rows[0]["at"]) == (VALUES[3], VALUES[4], VALUES[5])
    csv = tmp_path / "table.csv"
    csv.write_text(csv.read_text().replace('"m"', '"x"'))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {kind for (kind,) in validate(tmp_path / "datapackage.json").flatten(["type"])}
    assert found == {"constraint-error", "hash-count"}, "a category that was not declared, in another file"
    csv.write_bytes((await table_of(world, asset, "csv")).replace(b"12.30", b"12.31"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not validate(tmp_path / "datapackage.json").valid, "another file than the digest is of"


async def test_the_data_set_is_read_by_its_own_library_row_by_row(world: World, tmp_path: Path) -> None:
    import mlcroissant

    world.policy.grants = [
        granted("research"),
        granted("marketing"),
        granted("research", subject="another"),
        granted("past", days=-1),
    ]
    asset = await world.released(COLUMNS, ROWS)
    said = await schema_of(world, asset, "croissant")
    (tmp_path / "croissant.json").write_text(json.dumps(said))
    table = tmp_path / "table.parquet"
    table.write_bytes(await table_of(world, asset, "parquet"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"), mapping={"table.parquet": str(table)})
        assert not read.metadata.issues.errors
        rows = list(read.records("rows"))
        categories = list(read.records("categories-0"))
    assert read.metadata.conforms_to is not None
    assert [one["rows/1"] for one in rows] == [7, None]
    assert [one["categories-0/name"] for one in categories] == ["f", "m", "none of these"]
    uses = said["usageInfo"]
    purposes = [rule["odrl:constraint"][0]["odrl:rightOperand"] for rule in uses["odrl:permission"]]
    assert purposes == ["research"], "what is prohibited now, has ended, or is another's is no permission"
    forbidden = [rule["odrl:constraint"][0]["odrl:rightOperand"] for rule in uses["odrl:prohibition"]]
    assert forbidden == ["underwriting", "marketing"]
    assert said["prov:wasDerivedFrom"]["@id"].startswith("https://moneyer.dev/id/source/")


async def test_every_standard_states_the_digest_of_what_is_handed_out(world: World) -> None:
    import hashlib

    asset = await world.released(COLUMNS, ROWS)
    sent = hashlib.sha256(await table_of(world, asset, "parquet")).hexdigest()
    assert f'"{sent}"' in json.dumps(await schema_of(world, asset, "croissant"))
    assert f'"{sent}"' in json.dumps(await schema_of(world, asset, "odcs"))
    assert f'"sha256:{sent}"' in json.dumps(await schema_of(world, asset, "frictionless"))


async def test_of_an_older_table_the_sealed_digest_is_named_as_such(world: World, tmp_path: Path) -> None:
    import mlcroissant

    asset = await world.released(COLUMNS, ROWS, recorded=False)
    await table_of(world, asset, "csv")
    package = await schema_of(world, asset, "frictionless")
    assert "digest is that of the sealed object" in package["description"]
    assert not any("hash" in one for one in package["resources"])
    said = await schema_of(world, asset, "croissant")
    (tmp_path / "croissant.json").write_text(json.dumps(said))
    assert [one["@id"] for one in said["distribution"]] == ["sealed-table"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert not mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json")).metadata.issues.errors


@pytest.mark.parametrize("standard", ["odcs", "croissant", "frictionless"])
async def test_a_schema_takes_the_permission_of_the_table(world: World, standard: str) -> None:
    asset = await world.released(COLUMNS, ROWS)
    world.policy.unlock_error = Forbidden("You hold no valid grant for this asset; ask a steward.", code="no-grant")
    answer = await world.call("scientist", "GET", f"/v1/assets/{asset}/schema?format={standard}")
    assert (answer.status_code, answer.json()["code"]) == (403, "no-grant")


async def test_a_column_of_origin_is_described_with_the_others(world: World) -> None:
    rows = ROWS.append_column(pa.field("origin", pa.string(), nullable=False), pa.array(["real", "synthetic"]))
    asset = await world.released(COLUMNS, rows, blend={"share": "0.5", "provenance_column": "origin"})
    fields = (await schema_of(world, asset, "frictionless"))["resources"][0]["schema"]["fields"]
    assert fields[-1]["constraints"]["enum"] == ["real", "synthetic"]


async def test_digests_are_told_once_the_table_is_released(world: World) -> None:
    from sqlalchemy import update

    from moneyer_generation.tables import runs
    from moneyer_generation.work import Work

    asset = await world.released(COLUMNS, ROWS)
    path = f"/v1/generations/{asset}"
    assert (await world.call("scientist", "GET", path)).json()["asset"]["delivered"]["csv"]["bytes"] > 0
    async with world.dependencies.begin(Work, world.flow().caller) as work:
        await work.connection.execute(update(runs).where(runs.c.id == asset).values(state="assaying"))
    assert (await world.call("scientist", "GET", path)).json()["asset"]["delivered"] is None
