"""What a measure is: tables in, figures out, under a name and a version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.rules import Family, Measured


@dataclass(frozen=True)
class Measure:
    """One way to look at an asset.

    What a version computes never changes: a better way is another version, so that a figure in the record can be
    had again. A measure of the family ``privacy`` is an attacker, and ``knows`` is what that attacker holds.
    ``flawless`` names every metric it gives, with the value that a table without a flaw shows.
    """

    name: str
    version: int
    family: Family
    does: str
    measure: Callable[[Tables], list[Measured]]
    flawless: Mapping[str, float]
    knows: str | None = None

    @property
    def id(self) -> str:
        """Name and version, as suites and figures cite them."""
        return f"{self.name}-{self.version}"
