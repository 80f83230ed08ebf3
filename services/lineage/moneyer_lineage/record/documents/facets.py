"""The JSON Schemas of our facets, at the path their ``_schemaURL`` names."""

from typing import Any

from pydantic import BaseModel

from moneyer_shared.contracts.events import FACET_BASE

Json = dict[str, Any]


def schema_of(name: str, model: type[BaseModel]) -> Json:
    """A facet's schema: ours, and OpenLineage's two members that every facet has."""
    made = model.model_json_schema(mode="serialization")
    made["properties"] = made.get("properties", {}) | {
        "_producer": {"type": "string", "format": "uri"},
        "_schemaURL": {"type": "string", "format": "uri"},
    }
    made["required"] = sorted({*made.get("required", []), "_producer", "_schemaURL"})
    # A reader of this version meets facets of later ones.
    made["additionalProperties"] = True
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{FACET_BASE}/{name}.json", **made}
