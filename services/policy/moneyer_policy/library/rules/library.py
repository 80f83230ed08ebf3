"""The library: configurations a committee approved, and criteria that reject plans by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moneyer_policy.charters.rules.extra_rules import Expression, compile_plan_rule
from moneyer_policy.charters.rules.terms import ParameterRange, read_ranges
from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class Entry:
    """An approved configuration: what a plan that names it may be, and what it gets by default."""

    name: str
    digest: str
    generator: str
    engine_version: str | None
    guarantee: str
    parameters: Mapping[str, ParameterRange]
    defaults: Mapping[str, Any]


@dataclass(frozen=True)
class Rejection:
    """A criterion that refuses every plan it matches; an error in it matches (fail closed)."""

    name: str
    matches: Expression
    reason: str
    by: str

    def rejects(self, values: Mapping[str, Any]) -> bool:
        matched, why = self.matches(values)
        return matched or why != "false"


def read_entry(document: Mapping[str, Any], digest: str) -> Entry:
    """A configuration as its document states it.

    Raises:
        Invalid: a default lies outside its own range, or has none.
    """
    ranges = read_ranges(document["parameters"])
    defaults = dict(document.get("defaults", {}))
    for name, value in defaults.items():
        if name not in ranges or not ranges[name].allows(value):
            raise Invalid(f"The default of {name} lies outside its range.", code="default-out-of-range")
    return Entry(
        name=document["name"],
        digest=digest,
        generator=document["generator"],
        engine_version=document.get("engine_version"),
        guarantee=document["guarantee"],
        parameters=ranges,
        defaults=defaults,
    )


def read_rejection(name: str, expression: str, reason: str, by: str) -> Rejection:
    return Rejection(name, compile_plan_rule(expression), reason, by)
