"""What one input says of a table, whatever its format: plain values, made by the formats and merged by the draft."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["categorical", "integer", "number", "decimal", "date", "timestamp", "time", "text"]
ORDERED: frozenset[Kind] = frozenset({"integer", "number", "decimal", "date", "timestamp", "time"})
"""Kinds whose domain is a minimum and a maximum."""
BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class Said:
    """What an input says of one column; None, or nothing, where it says nothing.

    ``minimum``, ``maximum`` and ``categories`` are written as the column's values are. ``longest`` is in characters,
    ``words`` is for people.
    """

    name: str
    kind: Kind | None = None
    minimum: str | None = None
    maximum: str | None = None
    categories: tuple[str, ...] = ()
    nullable: bool | None = None
    unique: bool = False
    scale: int | None = None
    longest: int | None = None
    words: str = ""
    refers_to: str | None = None
    """The table whose rows the column's values name."""
    missing: tuple[str, ...] = ()
    """What is written where a value is missing, beside nothing."""


Relation = tuple[str, str, str]
"""(left column, relation, right column)."""


@dataclass(frozen=True)
class TableSaid:
    """What an input says of one table; ``reference`` names the input in the draft."""

    reference: str
    columns: tuple[Said, ...]
    name: str = ""
    words: str = ""
    constraints: tuple[Relation, ...] = ()
    key: tuple[str, ...] = ()

    def column(self, name: str) -> Said | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class RowsSaid:
    """What the rows themselves show. Names and types are facts of the file; everything else is of its people.

    ``most_rows`` of one value of a column that may name somebody; ``values`` of columns that have few, and the exact
    ``ends`` of those with an order, are for holding standards against, and never for showing.
    """

    table: TableSaid
    most_rows: Mapping[str, int] = field(default_factory=dict[str, int])
    values: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    ends: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
