"""Public cells that a column's values are counted in before its bounds are known: made from its type, never from data.

Whole and real numbers lie in cells that grow with the distance from zero, as approximate bounds are found by Wilson et
al. 2020, "Differentially Private SQL with Bounded User Contribution" (PoPETs): theirs begin at powers of two,
these at 1, 2 and 5 times powers of ten, which are bounds a person would write. Dates and moments lie in decades.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from moneyer_shared.contracts.domains import (
    FARTHEST_NUMBER,
    FARTHEST_WHOLE,
    DateDomain,
    DecimalDomain,
    IntegerDomain,
    NumberDomain,
    TimestampDomain,
    UnmeasuredDomain,
)

Array = np.ndarray[Any, Any]
Ranged = IntegerDomain | NumberDomain | DecimalDomain | DateDomain | TimestampDomain
SMALLEST_POWER, LARGEST_POWER, WHOLE_POWER = -9, 17, 15
DECADE, NEAR_ZERO = 10, 10


@dataclass(frozen=True)
class Cells:
    """Cells in ascending order: each from its own low to the next one's, the last to ``last``.

    Attributes:
        lows: shape (n,), the least value of each cell.
        gap: how far below the next low a cell ends: one step where values are whole, nothing where they are real.
    """

    lows: Array
    last: int | float
    gap: int

    def places(self, values: Array) -> Array:
        """The cell of each value, shape (m,)."""
        return np.searchsorted(self.lows, values, side="right") - 1

    def ends(self, place: int) -> tuple[int | float, int | float]:
        """The least and the largest value of a cell."""
        last = self.lows[place + 1].item() - self.gap if place + 1 < len(self.lows) else self.last
        return self.lows[place].item(), last


def cells_of(domain: UnmeasuredDomain) -> Cells:
    """The cells of a column that is to be measured, in the steps its values are counted in."""
    match domain.of:
        case "number":
            return _of_numbers()
        case "date" | "timestamp":
            return _of_decades(domain)
        case _:
            return _of_whole_numbers()


@lru_cache(maxsize=1)
def _of_whole_numbers() -> Cells:
    ladder = [factor * 10**power for power in range(WHOLE_POWER) for factor in (1, 2, 5)]
    lows = [-FARTHEST_WHOLE, *(1 - step for step in reversed(ladder)), *ladder]
    return Cells(np.array(lows, dtype=np.int64), FARTHEST_WHOLE, 1)


@lru_cache(maxsize=1)
def _of_numbers() -> Cells:
    powers = range(SMALLEST_POWER, LARGEST_POWER + 1)
    ladder = [float(f"{factor}e{power}") for power in powers for factor in (1, 2, 5)]
    lows = [-FARTHEST_NUMBER, *(-step for step in reversed(ladder)), 0.0, *ladder]
    return Cells(np.array(lows, dtype=np.float64), FARTHEST_NUMBER, 0)


def _of_decades(domain: UnmeasuredDomain) -> Cells:
    known = domain.widest
    assert isinstance(known, DateDomain | TimestampDomain)
    years = [1, *range(DECADE, date.max.year + 1, DECADE)]
    lows = [known.steps(f"{year:04}-01-01") for year in years]
    return Cells(np.array(lows, dtype=np.int64), known.bounds[1], 1)


def outward(domain: UnmeasuredDomain, low: float, high: float) -> tuple[float, float]:
    """Bounds moved out to zero where that adds a ninth at most: cells near zero are small, and hold few units each."""
    if domain.of in {"date", "timestamp"}:
        return low, high
    return (0 if 0 < low * NEAR_ZERO <= high else low), (0 if low <= high * NEAR_ZERO < 0 else high)


def domain_between(domain: UnmeasuredDomain, low: float, high: float) -> Ranged:
    """The domain of a column whose values lie from ``low`` to ``high``, in the steps of its cells."""
    match domain.widest:
        case NumberDomain():
            # A number has a width; nothing but zeroes was found.
            return NumberDomain(kind="number", minimum=low, maximum=high if high > low else low + 1.0)
        case DateDomain():
            return DateDomain(kind="date", minimum=_day(int(low)), maximum=_day(int(high)))
        case TimestampDomain(per_second=per_second, resolution=resolution):
            first, last = (_moment(int(step), per_second) for step in (low, high))
            return TimestampDomain(kind="timestamp", minimum=first, maximum=last, resolution=resolution)
        case DecimalDomain(scale=scale):
            least, most = (f"{Decimal(int(step)).scaleb(-scale):f}" for step in (low, high))
            return DecimalDomain(kind="decimal", minimum=least, maximum=most, scale=scale)
        case _:
            return IntegerDomain(kind="integer", minimum=int(low), maximum=int(high))


def in_words(domain: UnmeasuredDomain, low: float, high: float) -> str:
    """A part of a range as somebody reads it."""
    told = domain_between(domain, low, high)
    return f"{_written(told.minimum)} to {_written(told.maximum)}"


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _day(steps: int) -> date:
    return date(1970, 1, 1) + timedelta(days=steps)


def _moment(steps: int, per_second: int) -> datetime:
    seconds, rest = divmod(steps, per_second)
    whole = datetime(1970, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001 - these have no zone
    return whole + timedelta(milliseconds=rest * 1000 // per_second)
