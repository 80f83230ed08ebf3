"""Figures computed from real rows, as they are told to whoever holds no right to read them raw."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, Literal

Precision = Literal["raw", "rounded", "withheld"]
"""How exactly figures are shown: to the last digit, rounded to what their interval supports, or not at all."""
STEPS = (Decimal(1), Decimal(2), Decimal(5), Decimal(10))
FIGURES_OF_A_COUNT = 2
WITHHELD: Mapping[str, None] = dict.fromkeys(("value", "lower", "upper", "n", "shortfall"))


@dataclass(frozen=True)
class Rounded:
    """A figure and its bounds in whole steps, and over about how many rows it is."""

    value: Decimal
    lower: Decimal
    upper: Decimal
    n: int


def rounded(value: Decimal, lower: Decimal, upper: Decimal, n: int) -> Rounded | None:
    """The figure to the nearest step and its bounds outward to whole ones; None where nothing is known to support it.

    A step is the least of 1, 2 and 5 × 10ᵏ that is no finer than half the interval, nor than 1/√n of the figure's
    size: an interval that is narrow because the table is known, not because many people were asked, supports no more.
    Tables that differ by less than a step are told alike, so asking again tells no more than the interval does.
    """
    if n < 1 or not lower <= upper:
        return None
    with localcontext(prec=60):
        step = _step((upper - lower) / 2, max(Decimal(1), abs(value)) / Decimal(n).sqrt())
        return Rounded(
            value=_whole(value, step, ROUND_HALF_EVEN),
            lower=_whole(lower, step, ROUND_FLOOR),
            upper=_whole(upper, step, ROUND_CEILING),
            n=about(n),
        )


def _whole(end: Decimal, step: Decimal, rounding: str) -> Decimal:
    return plain((end / step).to_integral_value(rounding) * step)


def _step(*finest: Decimal) -> Decimal:
    widest = max(finest)
    unit = Decimal(1).scaleb(widest.adjusted())
    return next(unit * part for part in STEPS if unit * part >= widest)


def plain(number: Decimal) -> Decimal:
    """The same number without an exponent, a sign on zero, or zeros at its end."""
    written = f"{number:f}"
    return Decimal(written.rstrip("0").rstrip(".") if "." in written else written) + 0


def about(count: int) -> int:
    """A count to two figures: two looks at one source must not tell by their difference who left it."""
    unit: int = 10 ** max(0, len(str(count)) - FIGURES_OF_A_COUNT)
    return round(count / unit) * unit


def criterion_at(result: Mapping[str, Any], precision: Precision) -> dict[str, Any]:
    """A criterion's result at a precision: met or missed, by rounded figures, or by none."""
    if precision == "raw":
        return dict(result)
    outcome = "not estimated" if result["actual"] == "not estimated" else "met" if result["met"] else "missed"
    told: dict[str, Any] = {**result, **WITHHELD, "actual": outcome}
    figure = figure_of(result) if precision == "rounded" else None
    if figure is None:
        return told
    actual = f"about {figure.value:f} in [{figure.lower:f}, {figure.upper:f}]"
    ends = {end: f"{getattr(figure, end):f}" for end in ("value", "lower", "upper")}
    return told | ends | {"n": figure.n, "actual": actual, "shortfall": _shortfall(result, figure)}


def figure_of(entry: Mapping[str, Any]) -> Rounded | None:
    """The rounded figure of an estimate or of a criterion's result; None where it carries none."""
    ends = [entry.get(end) for end in ("value", "lower", "upper")]
    if any(end is None for end in ends):
        return None
    value, lower, upper = (Decimal(str(end)) for end in ends)
    return rounded(value, lower, upper, int(entry.get("n") or 0))


def _shortfall(result: Mapping[str, Any], figure: Rounded) -> str | None:
    """How far the rounded bound lies beyond the limit: nothing that the rounded bound does not tell."""
    at_most, at_least = result.get("at_most"), result.get("at_least")
    if result["met"]:
        return "0"
    if at_most is None and at_least is None:
        return None
    beyond = figure.upper - Decimal(at_most) if at_most is not None else Decimal(at_least or 0) - figure.lower
    return f"{plain(max(Decimal(0), beyond)):f}"
