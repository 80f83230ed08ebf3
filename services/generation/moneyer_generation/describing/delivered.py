"""What a delivered table carries with it: what it is, under which conditions, and its columns in PostgreSQL's types."""

import json
from typing import Any

from moneyer_generation.describing.description import Description, Json
from moneyer_generation.describing.odcs import data_contract
from moneyer_shared.contracts.domains import DecimalDomain, Domain
from moneyer_shared.exact import DECIMAL_DIGITS
from moneyer_shared.intake.meanings import IN_POSTGRES

SAYS = (
    "A released synthetic table, delivered by moneyer. This copy lies outside its custody: whether the asset was "
    "withdrawn or retired since is told by policy (GET /v1/assets/{asset}), and how it came about by lineage "
    "(GET /v1/records/{asset})."
)


def postgres_type(domain: Domain) -> str:
    """The type of such a column in a table that a delivery makes (``docs/types.md``)."""
    if isinstance(domain, DecimalDomain):
        return f"numeric({DECIMAL_DIGITS}, {domain.scale})"
    return IN_POSTGRES[domain.kind]


def postgres_columns(table: Description) -> list[Json]:
    return [
        {"name": column.name, "type": postgres_type(column.domain), "nullable": column.nullable}
        for column in table.columns
    ]


def about(table: Description, *, delivery: str, form: str, sha256: str, size: int) -> Json:
    """What whoever finds the table must know of it."""
    charter, terms = table.terms.charter, table.terms
    return {
        "says": SAYS.format(asset=table.asset),
        "asset": table.asset,
        "iri": table.iri,
        "delivery": delivery,
        "form": form,
        "sha256": sha256,
        "bytes": size,
        "rows": table.file.rows,
        "title": table.title,
        "conditions": {
            "charter": f"{charter['id']}:{charter['version']}",
            "charterDigest": charter["digest"],
            "uses": terms.uses,
            "grantedUntil": {one.use_case: one.valid_until.isoformat() for one in terms.grants},
            "audiences": terms.document["audiences"],
            "prohibitedUses": terms.document["prohibited_uses"],
            "limitations": table.limitations,
        },
    }


def written(document: Any) -> str:
    """JSON for people to read; the same document is always the same text."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def schema_beside(table: Description) -> str:
    """The table as a data contract (ODCS 3.1), as it is put beside a file."""
    return written(data_contract(table))
