"""A table as a data contract of the Open Data Contract Standard 3.1 (Bitol); JSON, which is YAML as well."""

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
from moneyer_shared.exact import arrow_type


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
    return {
        "name": column.name,
        "description": said_of(column),
        "physicalType": str(arrow_type(column.domain)),
        "required": not column.nullable,
        **({"classification": column.role} if column.role != "plain" else {}),
        "customProperties": [{"property": "domain", "value": column.domain.kind}],
        **_typed(column.domain),
    }


def _typed(domain: Domain) -> Json:  # noqa: PLR0911 - one return a kind reads as the table it is
    match domain:
        case CategoricalDomain(categories=categories):
            listed = {"type": "library", "metric": "invalidValues", "mustBe": 0}
            return {"logicalType": "string", "quality": [listed | {"arguments": {"validValues": categories}}]}
        case IntegerDomain(minimum=least, maximum=most):
            ends: Json = {"minimum": least, "maximum": most, "format": "i64"}
            return {"logicalType": "integer", "logicalTypeOptions": ends}
        case NumberDomain(minimum=least, maximum=most):
            return {"logicalType": "number", "logicalTypeOptions": {"minimum": least, "maximum": most, "format": "f64"}}
        case DecimalDomain(minimum=low, maximum=high, scale=scale):
            # The standard's ends are binary fractions; these are told exactly beside.
            exact = {"domain": "decimal", "minimum": low, "maximum": high, "scale": scale}
            return {
                "logicalType": "number",
                "customProperties": [{"property": name, "value": value} for name, value in exact.items()],
            }
        case DateDomain(minimum=first, maximum=last):
            return {"logicalType": "date", "logicalTypeOptions": _between(first.isoformat(), last.isoformat())}
        case TimestampDomain(minimum=begin, maximum=end):
            between = _between(begin.isoformat(), end.isoformat())
            return {"logicalType": "timestamp", "logicalTypeOptions": {**between, "timezone": False}}
        case TimeDomain(minimum=early, maximum=late):
            between = _between(early.isoformat(), late.isoformat())
            return {"logicalType": "time", "logicalTypeOptions": {**between, "timezone": False}}
        case TextDomain(maximum_length=longest):
            return {"logicalType": "string", "logicalTypeOptions": {"maxLength": longest}}
        case UnmeasuredDomain():
            message = "no table is made of a source whose domain is to be measured"
            raise ValueError(message)


def _between(first: str, last: str) -> Json:
    return {"minimum": first, "maximum": last}


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
