"""A table as a Croissant 1.1 data set (MLCommons): files, columns, where it comes from, what it may be used for."""

from collections.abc import Mapping

from moneyer_generation.describing.description import Description, Json, said_of
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column
from moneyer_shared.provenance import CONTEXT, FORMS, distribution

TYPES: Mapping[str, str | list[str]] = {
    "categorical": "sc:Text",
    "text": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    # Croissant has no decimal, and its library makes binary fractions of them; what they are stands beside.
    "decimal": ["sc:Float", "http://www.w3.org/2001/XMLSchema#decimal"],
    "date": "sc:Date",
    "timestamp": "sc:DateTime",
    "time": "sc:Time",
}
NAMESPACES: Json = {
    "annotation": "cr:annotation",
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "equivalentProperty": "cr:equivalentProperty",
    "isArray": "cr:isArray",
    "samplingRate": "cr:samplingRate",
    "prov": "http://www.w3.org/ns/prov#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
}


def data_set(table: Description) -> Json:
    """The data set; provenance as PROV-O and conditions of use as ODRL, as the specification recommends."""
    charter, guarantee, made = table.terms.document, table.run.offer.guarantee, table.file
    files = _readable(distribution(table.asset, made.delivered.model_dump() if made.delivered else None, made.digest))
    return {
        "@context": CONTEXT | NAMESPACES,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": f"asset-{table.asset}",
        "description": f"{table.title}. {table.digests}",
        "license": "https://moneyer.dev/licences/charter-bound",
        "url": table.iri,
        "version": "1.0.0",
        "dateCreated": table.run.requested_at.isoformat(),
        "datePublished": table.run.changed_at.isoformat(),
        "creator": {"@type": "sc:Organization", "name": charter["owner"]},
        "subjectOf": {"@type": "sc:CreativeWork", "name": "card", "url": f"{table.iri}/card"},
        "distribution": files,
        "recordSet": [*_categories(table), _rows(table, files[0]["@id"])],
        "usageInfo": _conditions(table),
        **_provenance(table),
        "rai:dataCollection": "Made by a generator that learned from a sensitive source under a charter.",
        "rai:dataLimitations": list(guarantee.gaps) or [guarantee.statement],
        "rai:personalSensitiveInformation": guarantee.statement,
        "rai:dataUseCases": [case["description"] for case in charter["use_cases"]],
    }


def _readable(files: list[Json]) -> list[Json]:
    """Parquet under the name that Croissant's own library knows it by as well as the registered one."""
    known = {FORMS["parquet"]: ["application/x-parquet", FORMS["parquet"]]}
    return [one | {"encodingFormat": known.get(one["encodingFormat"], one["encodingFormat"])} for one in files]


def _rows(table: Description, file: str) -> Json:
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": f"The {table.file.rows} rows, none of a real person unless its column of origin says so.",
        "field": [_field(number, column, file) for number, column in enumerate(table.columns)],
    }


def _field(number: int, column: Column, file: str) -> Json:
    """Columns have names of any letters and ids have not: an id is by position."""
    listed = isinstance(column.domain, CategoricalDomain)
    return {
        "@type": "cr:Field",
        "@id": f"rows/{number}",
        "name": column.name,
        "description": f"{said_of(column)}{', may be missing' if column.nullable else ''}",
        "dataType": TYPES[column.domain.kind],
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
        **({"references": {"field": {"@id": f"categories-{number}/name"}}} if listed else {}),
    }


def _categories(table: Description) -> list[Json]:
    """The categories of each categorical column, as enumerations."""
    return [
        {
            "@type": "cr:RecordSet",
            "@id": f"categories-{number}",
            "name": f"categories-{number}",
            "description": f"The categories of {column.name}, declared without looking at the data.",
            "dataType": "sc:Enumeration",
            "key": {"@id": f"categories-{number}/name"},
            "field": [{"@type": "cr:Field", "@id": f"categories-{number}/name", "name": "name", "dataType": "sc:Text"}],
            "data": [{f"categories-{number}/name": category} for category in column.domain.categories],
        }
        for number, column in enumerate(table.columns)
        if isinstance(column.domain, CategoricalDomain)
    ]


def _conditions(table: Description) -> Json:
    """What the reader may do until when, and what nobody may."""
    charter = table.terms.document
    return {
        "@type": ["sc:CreativeWork", "odrl:Agreement"],
        "name": f"Charter {table.terms.charter['id']}, version {table.terms.charter['version']}",
        "odrl:permission": [
            {
                "@type": "odrl:Permission",
                "odrl:action": {"@id": "odrl:use"},
                "odrl:constraint": [
                    _constraint("purpose", "eq", one.use_case),
                    _constraint("dateTime", "lt", one.valid_until.isoformat()),
                ],
            }
            for one in table.terms.grants
        ],
        "odrl:prohibition": [
            {
                "@type": "odrl:Prohibition",
                "odrl:action": {"@id": "odrl:use"},
                "odrl:constraint": [_constraint("purpose", "eq", use)],
            }
            for use in charter["prohibited_uses"]
        ],
    }


def _constraint(left: str, operator: str, right: str) -> Json:
    return {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": f"odrl:{left}"},
        "odrl:operator": {"@id": f"odrl:{operator}"},
        "odrl:rightOperand": right,
    }


def _provenance(table: Description) -> Json:
    run, base = table.run, "https://moneyer.dev/id"
    agent = {"@type": "prov:SoftwareAgent", "prov:label": f"{run.plan.generator} {run.offer.engine_version}"}
    return {
        "prov:wasDerivedFrom": {"@id": f"{base}/source/{run.plan.source_id}"},
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "@id": f"{base}/run/{run.id}",
            "prov:label": f"generation under charter {table.terms.charter['id']}",
            "prov:wasAssociatedWith": agent,
        },
        "prov:wasAttributedTo": agent,
    }
