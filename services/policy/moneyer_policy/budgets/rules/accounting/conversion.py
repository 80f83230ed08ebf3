"""From Rényi divergence to (ε, δ) and back: caps rounded down, ε rounded up."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import floor

from moneyer_policy.budgets.rules.accounting.mechanisms import ORDERS, POSITIONS, PRECISION, SCALE, Costs


@lru_cache(maxsize=256)
def _overheads(delta: Decimal, rounding: str) -> tuple[Decimal, ...]:
    """What each order adds when converting to (ε, δ): Canonne, Kamath & Steinke 2020, Prop. 12."""
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, rounding
        grid = [Decimal(order.numerator) / Decimal(order.denominator) for order in ORDERS]
        return tuple(((a - 1) / a).ln() - (delta.ln() + a.ln()) / (a - 1) for a in grid)


def caps_of(epsilon: Decimal, delta: Decimal) -> Costs:
    """The most Rényi divergence each order may carry under (ε, δ), in 1/SCALE, rounded down."""
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, ROUND_FLOOR
        # One unit less covers the last-digit error of the logarithms.
        return tuple(floor((epsilon - overhead) * SCALE) - 1 for overhead in _overheads(delta, ROUND_FLOOR))


def default_order(caps: Costs) -> Fraction:
    """The order at which a budget loses nothing to mechanisms of zCDP: the largest ρ fits it. By (ε, δ) alone."""
    return max(ORDERS, key=lambda order: Fraction(caps[POSITIONS[order]]) / order)


def epsilon_at(order: Fraction, renyi: Sequence[int], delta: Decimal) -> Decimal:
    """The ε that the sum at one order amounts to at δ, rounded up to 1e-6; 0 where nothing was spent."""
    position = POSITIONS[order]
    if not renyi[position]:
        return Decimal(0)
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, ROUND_CEILING
        whole = Decimal(renyi[position]) / SCALE + _overheads(delta, ROUND_CEILING)[position]
        return max(whole, Decimal(0)).quantize(Decimal("0.000001"), rounding=ROUND_CEILING)


def epsilon_of(renyi: Sequence[int], delta: Decimal) -> Decimal:
    """The ε that these sums amount to at δ, rounded up to 1e-6; 0 where nothing was spent."""
    if not any(renyi):
        return Decimal(0)
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, ROUND_CEILING
        overheads = _overheads(delta, ROUND_CEILING)
        least = min(Decimal(total) / SCALE + overhead for total, overhead in zip(renyi, overheads, strict=True))
        return max(least, Decimal(0)).quantize(Decimal("0.000001"), rounding=ROUND_CEILING)
