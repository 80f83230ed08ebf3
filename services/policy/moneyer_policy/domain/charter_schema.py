"""The published JSON Schema (2020-12) of a charter document."""

from typing import Any

FUNCTIONS = ("privacy", "security", "legal", "product", "data_science")
MOST_RULES = 50
GUARANTEES = ("none", "claimed", "proven")

_NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "maxLength": 100}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 4000, "pattern": "^[^\\u0000]*$"}
_AMOUNT = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,30})?$"}
_SHARE = {"type": "string", "pattern": "^0\\.[0-9]{1,9}$"}
_MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
}


def _list(items: dict[str, Any], *, at_least: int = 0, at_most: int = 200) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": at_least, "maxItems": at_most}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(required),
        "properties": required | (optional or {}),
    }


_RANGE = {
    "oneOf": [
        _object({"minimum": _AMOUNT, "maximum": _AMOUNT}),
        _object(
            {
                "one_of": _list(
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
_CRITERION = _object({"metric": _NAME}, {"at_most": _AMOUNT, "at_least": _AMOUNT}) | {
    "oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]
}

_STAGE = _object(
    {"name": _NAME},
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
QUORUM_SCHEMA: dict[str, Any] = _object(
    {"stages": _list(_STAGE, at_least=1)}, {"ttl_hours": {"type": "integer", "minimum": 1, "maximum": 8760}}
)
_RANGES = {"type": "object", "propertyNames": _NAME, "additionalProperties": _RANGE, "maxProperties": 50}
_BOUND = {"oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]}
REVIEWABLE = ("plan", "release", "blended-release", "grant", "retirement", "exception", "finding", "withdrawal")

CHARTER_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://moneyer.dev/schemas/charter/1-0-0.json",
    "title": "Charter",
    "description": "The written purpose that every generation request is held against.",
    **_object(
        {
            "title": _TEXT,
            "purpose": _TEXT,
            "owner": _TEXT,
            "use_cases": _list(
                _object({"name": _NAME, "description": _TEXT}, {"acceptance": _list(_CRITERION)}), at_least=1
            ),
            "prohibited_uses": _list(_NAME),
            "audiences": _list(_NAME, at_least=1),
            "sources": _list({"type": "string", "format": "uuid", "pattern": "^[0-9a-f-]{36}$"}, at_least=1),
            "minimum_guarantee": {"enum": list(GUARANTEES)},
            "configurations": _list(
                {
                    "type": "object",
                    "if": {"required": ["library"]},
                    "then": _object({"library": _NAME}),
                    "else": _object({"generator": _NAME, "parameters": _RANGES}),
                },
                at_least=1,
            ),
            "maximum_rows": {"type": "integer", "minimum": 1, "maximum": 10_000_000},
            "acceptance": _list(_CRITERION, at_least=1),
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
            "benefits": _list(_TEXT),
            "trade_offs": _list(_TEXT),
            "performance_goals": _list(_TEXT),
            "risk_assessment": _TEXT,
            "legal_basis": _TEXT,
            "stakeholders": _list(_object({"name": _TEXT, "interest": _TEXT})),
            "error_margins": _list(_object({"metric": _NAME, "margin": _AMOUNT})),
            "review_triggers": _list(
                _object(
                    {"metric": _NAME, "action": {"enum": ["review", "reject", "suspend"]}},
                    {"at_most": _AMOUNT, "at_least": _AMOUNT},
                )
                | _BOUND
            ),
            "escalation": _list(
                _object({"after_hours": {"type": "integer", "minimum": 1, "maximum": 8760}, "to": _TEXT})
            ),
            "blending": _object({"maximum_share": _SHARE}),
            "maximum_priority": {"enum": ["low", "normal", "high"]},
            "in_force_from": _MOMENT,
            "revalidation_days": {"type": "integer", "minimum": 1, "maximum": 3650},
            "suite": _NAME,
            "looks": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
            "disclosure": {"enum": ["none", "summary", "full"]},
            "required_training": _list(_NAME),
            "assessment_template": _NAME,
            "extra_rules": _list(
                _object({"name": _NAME, "expression": {"type": "string", "maxLength": 2000}, "remedy": _TEXT}),
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
