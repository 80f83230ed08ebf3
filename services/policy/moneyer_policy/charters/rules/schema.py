"""The published JSON Schema (2020-12) of a charter document."""

from typing import Any

from moneyer_policy.reviews.rules.schema import FUNCTIONS, NAME, QUORUM_SCHEMA, list_of, object_of

MOST_RULES = 50
GUARANTEES = ("none", "claimed", "proven")

_TEXT = {"type": "string", "minLength": 1, "maxLength": 4000, "pattern": "^[^\\u0000]*$"}
_AMOUNT = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,30})?$"}
_SHARE = {"type": "string", "pattern": "^0\\.[0-9]{1,9}$"}
_MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
}


_RANGE = {
    "oneOf": [
        object_of({"minimum": _AMOUNT, "maximum": _AMOUNT}),
        object_of(
            {
                "one_of": list_of(
                    {
                        "type": ["string", "integer", "boolean"],
                        "maxLength": 200,
                        "minimum": -(2**53) + 1,
                        "maximum": 2**53 - 1,
                    },
                    at_least=1,
                )
            }
        ),
    ]
}
_CRITERION = object_of({"metric": NAME}, {"at_most": _AMOUNT, "at_least": _AMOUNT}) | {
    "oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]
}

_RANGES = {"type": "object", "propertyNames": NAME, "additionalProperties": _RANGE, "maxProperties": 50}
_BOUND = {"oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]}
REVIEWABLE = ("plan", "release", "blended-release", "grant", "retirement", "exception", "finding", "withdrawal")

CHARTER_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://moneyer.dev/schemas/charter/1-0-0.json",
    "title": "Charter",
    "description": "The written purpose that every generation request is held against.",
    **object_of(
        {
            "title": _TEXT,
            "purpose": _TEXT,
            "owner": _TEXT,
            "use_cases": list_of(
                object_of({"name": NAME, "description": _TEXT}, {"acceptance": list_of(_CRITERION)}), at_least=1
            ),
            "prohibited_uses": list_of(NAME),
            "audiences": list_of(NAME, at_least=1),
            "sources": list_of({"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"}, at_least=1),
            "minimum_guarantee": {"enum": list(GUARANTEES)},
            "configurations": list_of(
                {
                    "type": "object",
                    "if": {"required": ["library"]},
                    "then": object_of({"library": NAME}),
                    "else": object_of({"generator": NAME, "parameters": _RANGES}),
                },
                at_least=1,
            ),
            "maximum_rows": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
            "acceptance": list_of(_CRITERION, at_least=1),
            "quorum": {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {name: {"type": "integer", "minimum": 1, "maximum": 50} for name in FUNCTIONS},
            },
            "revalidate_by": _MOMENT,
            "expires_at": _MOMENT,
            "retention_days": {"type": "integer", "minimum": 1, "maximum": 36_500},
        },
        {
            "benefits": list_of(_TEXT),
            "trade_offs": list_of(_TEXT),
            "performance_goals": list_of(_TEXT),
            "risk_assessment": _TEXT,
            "legal_basis": _TEXT,
            "stakeholders": list_of(object_of({"name": _TEXT, "interest": _TEXT})),
            "error_margins": list_of(object_of({"metric": NAME, "margin": _AMOUNT})),
            "review_triggers": list_of(
                object_of(
                    {"metric": NAME, "action": {"enum": ["review", "reject", "suspend"]}},
                    {"at_most": _AMOUNT, "at_least": _AMOUNT},
                )
                | _BOUND
            ),
            "escalation": list_of(
                object_of({"after_hours": {"type": "integer", "minimum": 1, "maximum": 8760}, "to": _TEXT})
            ),
            "blending": object_of({"maximum_share": _SHARE}),
            "maximum_priority": {"enum": ["low", "normal", "high"]},
            "in_force_from": _MOMENT,
            "revalidation_days": {"type": "integer", "minimum": 1, "maximum": 3650},
            "suite": NAME,
            "looks": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "disclosure": {"enum": ["none", "summary", "full"]},
            "required_training": list_of(NAME),
            "assessment_template": NAME,
            "extra_rules": list_of(
                object_of({"name": NAME, "expression": {"type": "string", "maxLength": 2000}, "remedy": _TEXT}),
                # Each is asked of every plan while whoever stops something waits.
                at_most=MOST_RULES,
            ),
            "reviews": {
                "type": "object",
                "additionalProperties": False,
                "properties": dict.fromkeys(REVIEWABLE, QUORUM_SCHEMA),
            },
        },
    ),
}
