"""A table as a Frictionless Data Package (v1): its CSV with a table schema, its other forms as files."""

from collections.abc import Mapping
from datetime import datetime, time

from moneyer_generation.describing.description import Description, Json, said_of
from moneyer_shared.contracts.extents import End, Extent, extent_of
from moneyer_shared.contracts.generation import Column
from moneyer_shared.provenance import FORMS

SECONDS = "%H:%M:%S.%f"
TYPES: Mapping[str, Json] = {
    "categorical": {"type": "string"},
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "number"},
    "date": {"type": "date"},
    "timestamp": {"type": "datetime", "format": f"%Y-%m-%d {SECONDS}"},
    "time": {"type": "time", "format": SECONDS},
}


def data_package(table: Description) -> Json:
    """The package; a digest stands with each resource that one was taken of."""
    return {
        "name": f"asset-{table.asset}",
        "id": table.asset,
        "title": table.title,
        "description": f"{table.terms.document['purpose']} {table.limitations} {table.digests}",
        "homepage": table.iri,
        "created": table.run.changed_at.isoformat(),
        "resources": [_resource(table, form) for form in ("csv", "parquet", "arrow")],
        "moneyer:charter": {name: table.terms.charter[name] for name in ("id", "version", "digest")},
        "moneyer:uses": [
            {"use_case": one.use_case, "valid_until": one.valid_until.isoformat()} for one in table.terms.grants
        ],
        "moneyer:sealed": table.file.digest,
    }


def _resource(table: Description, form: str) -> Json:
    found = table.file.delivered.model_dump()[form] if table.file.delivered is not None else None
    digest = {"bytes": found["bytes"], "hash": f"sha256:{found['sha256']}"} if found is not None else {}
    named = {"name": f"table-{form}", "path": f"table.{form}", "format": form, "mediatype": FORMS[form], **digest}
    if form != "csv":
        return named | {"type": "file"}
    return named | {"type": "table", "encoding": "utf-8", "schema": table_schema(table)}


def table_schema(table: Description) -> Json:
    """The columns in their order."""
    return {"fields": [_field(column) for column in table.columns], "missingValues": [""]}


def _field(column: Column) -> Json:
    extent = extent_of(column.domain)
    return {
        "name": column.name,
        **TYPES[extent.kind],
        "description": said_of(column),
        "constraints": {"required": not column.nullable, **_constraints(extent)},
        "moneyer:domain": extent.kind,
        **({"moneyer:scale": extent.scale} if extent.scale is not None else {}),
        **({"moneyer:outside": column.rule} if column.replaces else {}),
    }


def _constraints(extent: Extent) -> Json:
    if extent.longest is not None:
        return {"maxLength": extent.longest}
    if extent.ends is None:
        return {"enum": list(extent.categories)}
    low, high = map(_end, extent.ends)
    return {"minimum": low, "maximum": high}


def _end(end: End) -> int | float | str:
    """As the field's own values are written."""
    if isinstance(end, datetime):
        return f"{end:%Y-%m-%d {SECONDS}}"
    if isinstance(end, time):
        return f"{end:{SECONDS}}"
    return end if isinstance(end, int | float | str) else end.isoformat()
