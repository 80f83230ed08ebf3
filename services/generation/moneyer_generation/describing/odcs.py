"""A table as a data contract of the Open Data Contract Standard 3.1 (Bitol); JSON, which is YAML as well."""

from collections.abc import Mapping

from moneyer_generation.describing.description import Description, Json, said_of
from moneyer_shared.contracts.extents import Extent, extent_of
from moneyer_shared.contracts.generation import Column
from moneyer_shared.exact import arrow_type

TYPES: Mapping[str, str] = {"categorical": "string", "text": "string", "decimal": "number"}
"""Logical types that are called otherwise than the kind of domain."""
FURTHER: Mapping[str, Json] = {
    "integer": {"format": "i64"},
    "number": {"format": "f64"},
    "timestamp": {"timezone": False},
    "time": {"timezone": False},
}
"""Options of a logical type beside its ends."""


def data_contract(table: Description) -> Json:
    """The contract; what the standard has no member for stands in its custom properties."""
    charter = table.terms.document
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": table.asset,
        "name": f"asset-{table.asset}",
        "version": "1.0.0",
        "status": "active",
        "dataProduct": charter["title"],
        "description": {
            "purpose": charter["purpose"],
            "usage": "; ".join(f"{name}: {words}" for name, words in table.terms.uses.items()),
            "limitations": table.limitations,
            "authoritativeDefinitions": [{"type": "definition", "url": table.iri}],
        },
        "schema": [_table(table)],
        "slaProperties": [
            {"property": "endOfSupport", "value": charter["expires_at"], "description": "The charter ends."}
        ],
        "customProperties": _custom(table),
    }


def _table(table: Description) -> Json:
    rows: Json = {"type": "library", "metric": "rowCount", "mustBe": table.file.rows}
    ruled = [
        {"type": "text", "description": f"{one.left} {one.relation} {one.right} in every real row; nearly every made."}
        for one in table.constraints
    ]
    return {
        "name": "table",
        "physicalName": "table.parquet",
        "physicalType": "file",
        "logicalType": "object",
        "description": table.title,
        "properties": [_property(column) for column in table.columns],
        "quality": [rows, *ruled],
    }


def _property(column: Column) -> Json:
    extent = extent_of(column.domain)
    return {
        "name": column.name,
        "description": said_of(column),
        "physicalType": str(arrow_type(column.domain)),
        "required": not column.nullable,
        **({"classification": column.role} if column.role != "plain" else {}),
        "logicalType": TYPES.get(extent.kind, extent.kind),
        **_held_to(extent),
        "customProperties": [{"property": name, "value": value} for name, value in _beside(column, extent).items()],
    }


def _held_to(extent: Extent) -> Json:
    """What values are held to, in the standard's own members."""
    if extent.longest is not None:
        return {"logicalTypeOptions": {"maxLength": extent.longest}}
    if extent.ends is None:
        listed = {"type": "library", "metric": "invalidValues", "mustBe": 0}
        return {"quality": [listed | {"arguments": {"validValues": list(extent.categories)}}]}
    if extent.kind == "decimal":
        # The standard's ends are binary fractions; these are told exactly beside.
        return {}
    low, high = extent.written
    return {"logicalTypeOptions": {"minimum": low, "maximum": high, **FURTHER.get(extent.kind, {})}}


def _beside(column: Column, extent: Extent) -> Json:
    """What the standard has no member for."""
    told: Json = {"domain": extent.kind}
    if extent.kind == "decimal":
        low, high = extent.written
        told |= {"minimum": low, "maximum": high, "scale": extent.scale}
    return told | ({"outside": column.rule} if column.replaces else {})


def _custom(table: Description) -> list[Json]:
    charter, guarantee = table.terms.charter, table.run.offer.guarantee
    told: Json = {
        "charter": f"{charter['id']}:{charter['version']}",
        "charterDigest": charter["digest"],
        "audiences": table.terms.document["audiences"],
        "prohibitedUses": table.terms.document["prohibited_uses"],
        "grantedUntil": [f"{one.use_case} {one.valid_until.isoformat()}" for one in table.terms.grants],
        "guarantee": guarantee.level,
        "generator": f"{table.run.plan.generator} {table.run.offer.engine_version}",
        "sealedDigest": table.file.digest,
        "digests": table.digests,
    }
    found = table.file.delivered.model_dump() if table.file.delivered is not None else {}
    told |= {f"{form}Sha256": one["sha256"] for form, one in found.items()}
    return [{"property": name, "value": value} for name, value in told.items()]
