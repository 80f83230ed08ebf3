"""Functions, quorums and how documents that people write are held against a schema."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from moneyer_shared.errors import MOST_FAULTS, first_faults

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or its members."""
FUNCTIONS = ("privacy", "security", "legal", "product", "data_science")
NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 100}


def list_of(items: Schema, *, at_least: int = 0, at_most: int = 200) -> Schema:
    return {"type": "array", "items": items, "minItems": at_least, "maxItems": at_most}


def object_of(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(required),
        "properties": required | (optional or {}),
    }


_STAGE = object_of(
    {"name": NAME},
    {
        "counts": {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: {"type": "integer", "minimum": 0, "maximum": 50} for name in FUNCTIONS},
        },
        "minimum_total": {"type": "integer", "minimum": 0, "maximum": 50},
        "minimum_functions": {"type": "integer", "minimum": 1, "maximum": len(FUNCTIONS)},
        "deny_threshold": {"type": "integer", "minimum": 1, "maximum": 50},
        "conditions_allowed": {"type": "boolean"},
        "valid_days": {"type": "integer", "minimum": 1, "maximum": 3650},
    },
)


QUORUM_SCHEMA: Schema = object_of(
    {"stages": list_of(_STAGE, at_least=1)}, {"ttl_hours": {"type": "integer", "minimum": 1, "maximum": 8760}}
)


def _is_whole(_: object, instance: object) -> bool:
    """``5.0`` and ``1e3`` are whole numbers to JSON Schema, and not what people who vote take for 5 and 1000."""
    return isinstance(instance, int) and not isinstance(instance, bool)


def _fits(validator: Any, pattern: str, instance: str, _: object) -> Iterator[ValidationError]:
    """A pattern that ends with ``$`` ends there in every language but Python, where a line break may follow."""
    if validator.is_type(instance, "string") and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance, re.ASCII):
        yield ValidationError(f"does not match {pattern}")


StrictValidator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"pattern": _fits},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


def schema_faults(validator: Any, document: object) -> list[dict[str, str]]:
    """Where a document does not fit its schema; the search ends when enough was found to tell."""
    found = list(islice(validator.iter_errors(document), MOST_FAULTS + 1))
    more = "and more: mend these first" if len(found) > MOST_FAULTS else ""
    told = sorted(found[:MOST_FAULTS], key=lambda fault: list(map(str, fault.path)))
    reasons = [
        {"code": str(fault.validator), "where": "/".join(map(str, fault.path)), "message": fault.message}
        for fault in told
    ]
    return first_faults(reasons, more)
