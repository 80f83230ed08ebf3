"""What Marquez's published OpenAPI document says of the answers we give, as JSON Schemas.

Members and their types are those of the document (``spec/openapi.yml`` of the Marquez project); the words are not. Where
it contradicts itself its examples were followed: they show nulls it does not declare, and tags of versions as lists.
"""

from datetime import datetime
from typing import Any

from jsonschema import FormatChecker

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
UUID: Schema = {"type": "string", "format": "uuid"}

FORMATS = FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def shape(**members: Schema) -> Schema:
    """An object that has all of these members."""
    return {"type": "object", "properties": members, "required": list(members)}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*names: str) -> Schema:
    return {"enum": list(names)}


FACETS: Schema = {
    "type": "object",
    "additionalProperties": shape(_producer={"type": "string", "format": "uri"}, _schemaURL=TEXT),
}
NAMESPACE = shape(name=TEXT, createdAt=TIME, updatedAt=TIME, ownerName=TEXT, description=TEXT)
SOURCE = shape(type=TEXT, name=TEXT, createdAt=TIME, updatedAt=TIME, connectionUrl=TEXT, description=TEXT)
TAG = shape(name=TEXT, description=TEXT)
DATASET_ID = shape(namespace=TEXT, name=TEXT)
VERSION_ID = shape(namespace=TEXT, name=TEXT, version=UUID)
FIELD = shape(name=TEXT, type=TEXT, tags=many(TEXT), description=TEXT)
DATASET = shape(
    id=DATASET_ID, type=one_of("DB_TABLE", "STREAM"), name=TEXT, physicalName=TEXT, createdAt=TIME, updatedAt=TIME,
    namespace=TEXT, sourceName=TEXT, fields=many(FIELD), tags=many(TEXT), lastModifiedAt=or_null(TIME),
    lastLifecycleState=TEXT, description=TEXT, facets=FACETS, currentVersion=or_null(UUID), deleted={"type": "boolean"},
)  # fmt: skip
RUN = shape(
    id=UUID, createdAt=TIME, updatedAt=TIME, nominalStartTime=or_null(TIME), nominalEndTime=or_null(TIME),
    state=one_of("NEW", "RUNNING", "COMPLETED", "FAILED", "ABORTED"), startedAt=or_null(TIME), endedAt=or_null(TIME),
    durationMs=or_null({"type": "integer"}), args={"type": "object"}, facets=FACETS,
    jobVersion=VERSION_ID, inputVersions=many(VERSION_ID), outputVersions=many(VERSION_ID),
)  # fmt: skip
DATASET_VERSION = shape(
    id=VERSION_ID, type=TEXT, name=TEXT, physicalName=TEXT, createdAt=TIME, version=TEXT, namespace=TEXT,
    sourceName=TEXT, fields=many(FIELD), tags=many(TEXT), description=TEXT, createdByRun=or_null(RUN), facets=FACETS,
)  # fmt: skip
JOB = shape(
    id=DATASET_ID, type=one_of("BATCH", "STREAM", "SERVICE"), name=TEXT, createdAt=TIME, updatedAt=TIME, namespace=TEXT,
    inputs=many(DATASET_ID) | {"uniqueItems": True}, outputs=many(DATASET_ID) | {"uniqueItems": True}, location=TEXT,
    description=TEXT, latestRun=or_null(RUN), facets=FACETS, currentVersion=UUID,
)  # fmt: skip
JOB_VERSION = shape(
    id=VERSION_ID, name=TEXT, version=TEXT, createdAt=TIME, namespace=TEXT, inputs=many(DATASET_ID),
    outputs=many(DATASET_ID), location=TEXT, latestRun=or_null(RUN), facets=FACETS,
)  # fmt: skip
EDGE = shape(origin=TEXT, destination=TEXT)
NODE = {
    "oneOf": [
        shape(id=TEXT, type=one_of(kind), data=data, inEdges=many(EDGE), outEdges=many(EDGE))
        for kind, data in (("JOB", JOB), ("DATASET", DATASET))
    ]
}
RESULT = shape(type=one_of("DATASET", "JOB"), name=TEXT, updatedAt=TIME, namespace=TEXT, nodeId=TEXT)
COUNT: Schema = {"type": "integer", "minimum": 1}

ANSWERS: dict[str, Schema] = {
    "/namespaces": shape(namespaces=many(NAMESPACE)),
    "/namespaces/{namespace}": NAMESPACE,
    "/sources": shape(sources=many(SOURCE)),
    "/sources/{namespace}": SOURCE,
    "/namespaces/{namespace}/datasets": shape(datasets=many(DATASET), totalCount=COUNT),
    "/namespaces/{namespace}/datasets/{dataset}": DATASET,
    "/namespaces/{namespace}/datasets/{dataset}/versions": shape(versions=many(DATASET_VERSION)),
    "/namespaces/{namespace}/datasets/{dataset}/versions/{version}": DATASET_VERSION,
    "/namespaces/{space}/jobs": shape(jobs=many(JOB), totalCount=COUNT),
    "/namespaces/{space}/jobs/{job}": JOB,
    "/namespaces/{space}/jobs/{job}/versions": shape(versions=many(JOB_VERSION)),
    "/namespaces/{space}/jobs/{job}/versions/{job_version}": JOB_VERSION,
    "/namespaces/{space}/jobs/{job}/runs": shape(runs=many(RUN)),
    "/jobs/runs/{run}": RUN,
    "/lineage?nodeId=job:airflow:shop.clean&depth=20": shape(graph=many(NODE)),
    "/tags": shape(tags=many(TAG)),
    "/search?q=shop&limit=10": shape(totalCount=COUNT, results=many(RESULT)),
}
"""Every GET of the document and what it answers."""
