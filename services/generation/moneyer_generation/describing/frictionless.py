"""A table as a Frictionless Data Package (v1): its CSV with a table schema, its other forms as files."""

from typing import Any

from moneyer_generation.describing.description import Description, Json, said_of
from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    Domain,
    IntegerDomain,
    NumberDomain,
    TextDomain,
    TimeDomain,
    TimestampDomain,
    UnmeasuredDomain,
)
from moneyer_shared.contracts.generation import Column
from moneyer_shared.provenance import FORMS

SECONDS = "%H:%M:%S.%f"


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
    described = _typed(column.domain)
    constraints = {"required": not column.nullable, **described.pop("constraints", {})}
    return {
        "name": column.name,
        **described,
        "description": said_of(column),
        "constraints": constraints,
        "moneyer:domain": column.domain.kind,
    }


def _typed(domain: Domain) -> dict[str, Any]:  # noqa: PLR0911 - one return a kind reads as the table it is
    match domain:
        case CategoricalDomain(categories=categories):
            return {"type": "string", "constraints": {"enum": categories}}
        case IntegerDomain(minimum=least, maximum=most):
            return {"type": "integer", "constraints": {"minimum": least, "maximum": most}}
        case NumberDomain(minimum=least, maximum=most):
            return {"type": "number", "constraints": {"minimum": least, "maximum": most}}
        case DecimalDomain(minimum=low, maximum=high, scale=scale):
            return {"type": "number", "constraints": {"minimum": low, "maximum": high}, "moneyer:scale": scale}
        case DateDomain(minimum=first, maximum=last):
            return {"type": "date", "constraints": {"minimum": first.isoformat(), "maximum": last.isoformat()}}
        case TimestampDomain(minimum=begin, maximum=end):
            ends = {"minimum": f"{begin:%Y-%m-%d {SECONDS}}", "maximum": f"{end:%Y-%m-%d {SECONDS}}"}
            return {"type": "datetime", "format": f"%Y-%m-%d {SECONDS}", "constraints": ends}
        case TimeDomain(minimum=early, maximum=late):
            ends = {"minimum": f"{early:{SECONDS}}", "maximum": f"{late:{SECONDS}}"}
            return {"type": "time", "format": SECONDS, "constraints": ends}
        case TextDomain(maximum_length=longest):
            return {"type": "string", "constraints": {"maxLength": longest}}
        case UnmeasuredDomain():
            message = "no table is made of a source whose domain is to be measured"
            raise ValueError(message)
