"""A population's privacy unit."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Unit:
    """What neighbouring tables of a population differ in: a row, or all rows of one of what ``identified_by`` names."""

    kind: Literal["row", "person", "undeclared"]
    identified_by: str | None = None
