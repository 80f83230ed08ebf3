"""A population's privacy unit."""

from dataclasses import dataclass
from typing import Literal

from moneyer_shared.errors import Invalid

UnitKind = Literal["row", "person", "undeclared"]
ROWS = ("row", "one row", "a row")
"""Words that say of themselves that a unit is a row."""


@dataclass(frozen=True)
class Unit:
    """What neighbouring tables of a population differ in: a row, or all rows of one of what ``identified_by`` names."""

    kind: UnitKind
    identified_by: str | None = None


def unit_in_words(words: str) -> Unit:
    """The unit that words alone say.

    Raises:
        Invalid: they do not say it.
    """
    if words.strip().lower() not in ROWS:
        raise Invalid(
            'Declare unit: {"kind": "row"}, or {"kind": "person", "identified_by": what tells persons apart}.',
            code="unit-undeclared",
        )
    return Unit("row")
