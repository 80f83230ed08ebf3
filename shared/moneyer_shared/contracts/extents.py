"""How far a domain reaches, in one shape for all kinds: what a contract, a schema or a refusal says of it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    Domain,
    IntegerDomain,
    NumberDomain,
    TextDomain,
    TimeDomain,
    TimestampDomain,
)

End = int | float | str | date | datetime | time


@dataclass(frozen=True)
class Extent:
    """A domain's categories, or its two ends as they are declared, or how long its texts may be.

    ``scale`` is that of a decimal, whose ends are decimal text.
    """

    kind: str
    categories: tuple[str, ...] = ()
    ends: tuple[End, End] | None = None
    scale: int | None = None
    longest: int | None = None

    @property
    def written(self) -> tuple[int | float | str, int | float | str]:
        """The ends as JSON holds them: dates and times in ISO 8601.

        Raises:
            ValueError: the domain has none.
        """
        if self.ends is None:
            message = f"a {self.kind} has no ends"
            raise ValueError(message)
        low, high = (one.isoformat() if isinstance(one, date | time) else one for one in self.ends)
        return low, high

    def holds(self, written: str) -> bool:
        """Whether a text that is written as values of the kind are is one of them; any text is, where texts are."""
        if self.ends is None:
            return written in self.categories if self.longest is None else len(written) <= self.longest
        end = self.ends[0]
        kind: Any = type(end).fromisoformat if isinstance(end, date | time) else Decimal
        try:
            low, value, high = (kind(str(one)) for one in (self.written[0], written, self.written[1]))
            return bool(low <= value <= high)
        except (ArithmeticError, ValueError, TypeError):
            return False


def extent_of(domain: Domain) -> Extent:
    """What a domain holds; of one that is to be measured, all that its type can.

    Where a domain's kinds are told apart for words, they are told apart here.
    """
    match domain:
        case CategoricalDomain(categories=categories):
            return Extent(domain.kind, tuple(categories))
        case DecimalDomain(minimum=least, maximum=most, scale=scale):
            return Extent(domain.kind, ends=(least, most), scale=scale)
        case IntegerDomain() | NumberDomain() | DateDomain() | TimestampDomain() | TimeDomain():
            return Extent(domain.kind, ends=(domain.minimum, domain.maximum))
        case TextDomain(maximum_length=longest):
            return Extent(domain.kind, longest=longest)
        case _:
            return extent_of(domain.widest)
