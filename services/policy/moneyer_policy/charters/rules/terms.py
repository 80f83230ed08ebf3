"""What a charter's terms are made of: configurations with their ranges, criteria, triggers, rules of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from moneyer_policy.charters.rules.extra_rules import Expression
from moneyer_policy.reviews.rules.schema import NAME, list_of, object_of
from moneyer_shared.numbers import canonical_number, is_number, read_decimal

AMOUNT = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,30})?$"}
_RANGE = {
    "oneOf": [
        object_of({"minimum": AMOUNT, "maximum": AMOUNT}),
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
CRITERION = object_of({"metric": NAME}, {"at_most": AMOUNT, "at_least": AMOUNT}) | {
    "oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]
}

RANGES = {"type": "object", "propertyNames": NAME, "additionalProperties": _RANGE, "maxProperties": 50}
BOUND = {"oneOf": [{"required": ["at_most"]}, {"required": ["at_least"]}]}


@dataclass(frozen=True)
class ParameterRange:
    """What a charter allows one parameter to be."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None
    one_of: tuple[str | int | bool, ...] = ()

    def allows(self, value: str | int | bool) -> bool:
        if self.one_of:
            return any(_is_same(value, choice) for choice in self.one_of)
        if self.minimum is None or self.maximum is None:
            return False
        try:
            return self.minimum <= read_decimal(value) <= self.maximum
        except ValueError:
            return False

    def nearest(self, value: str | int | bool) -> str | int | bool | None:
        """The allowed value closest to one that is not."""
        if self.one_of:
            return self.one_of[0]
        if self.minimum is None or self.maximum is None or isinstance(value, bool):
            return None
        try:
            return f"{min(max(read_decimal(value), self.minimum), self.maximum):f}"
        except ValueError:
            return f"{self.minimum:f}"

    def __str__(self) -> str:
        if self.one_of:
            return "one of " + ", ".join(map(str, self.one_of))
        return f"from {self.minimum} to {self.maximum}"


def _is_same(value: str | int | bool, choice: str | int | bool) -> bool:
    """Equal and of one kind; numbers as text are compared as numbers, however many zeros they are written with."""
    if isinstance(value, str) and isinstance(choice, str) and is_number(value) and is_number(choice):
        return canonical_number(value) == canonical_number(choice)
    return value == choice and type(value) is type(choice)


@dataclass(frozen=True)
class Configuration:
    """An approved generator set-up: written out, or named as the library has it."""

    generator: str
    parameters: Mapping[str, ParameterRange]
    library: str | None = None


@dataclass(frozen=True)
class Criterion:
    """A demand on an assay's figure, held against its confidence bound."""

    metric: str
    at_most: Decimal | None = None
    at_least: Decimal | None = None


@dataclass(frozen=True)
class Trigger:
    """A bound on an assay's figure and what happens when it is not kept."""

    criterion: Criterion
    action: Literal["review", "reject", "suspend"]


@dataclass(frozen=True)
class ExtraRule:
    """A condition of this charter's own."""

    name: str
    holds: Expression
    remedy: str


def read_configuration(entry: Mapping[str, Any]) -> Configuration:
    if "library" in entry:
        return Configuration("", {}, entry["library"])
    return Configuration(entry["generator"], read_ranges(entry["parameters"]))


def read_ranges(parameters: Mapping[str, Any]) -> dict[str, ParameterRange]:
    """Parameter ranges as a document states them."""
    return {
        name: ParameterRange(one_of=tuple(allowed["one_of"]))
        if "one_of" in allowed
        else ParameterRange(Decimal(allowed["minimum"]), Decimal(allowed["maximum"]))
        for name, allowed in parameters.items()
    }


def read_criteria(entries: list[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    return tuple(read_criterion(entry) for entry in entries)


def read_criterion(entry: Mapping[str, Any]) -> Criterion:
    return Criterion(
        entry["metric"],
        Decimal(entry["at_most"]) if "at_most" in entry else None,
        Decimal(entry["at_least"]) if "at_least" in entry else None,
    )
