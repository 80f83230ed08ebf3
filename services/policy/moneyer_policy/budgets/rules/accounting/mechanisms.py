"""What one execution of a mechanism costs a privacy unit, at every order of the grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import ceil, isfinite
from typing import Any

import dp_accounting
from dp_accounting import rdp

from moneyer_shared.errors import Invalid

SCALE = 10**12
PRECISION = 60
# 1 + 2**(j/6) in sixteenths, up to 16385: dense enough to lose under 0.2 % of ε to the grid, and high
# enough for ε down to 0.01.
ORDERS: tuple[Fraction, ...] = tuple(sorted({1 + Fraction(round(16 * 2 ** (j / 6)), 16) for j in range(-18, 85)}))
Costs = tuple[int, ...]
NAMED_ORDERS: Mapping[str, Fraction] = {str(order): order for order in ORDERS}
POSITIONS: Mapping[Fraction, int] = {order: i for i, order in enumerate(ORDERS)}
DELTA_SCALE = 10**30
# Beyond this order dp-accounting's series for subsampling does not converge; what it cannot bound, no cap admits.
HIGHEST_SUBSAMPLED_ORDER = 1025
UNBOUNDED = 10**30
LARGEST_EPSILON = 1000
FREE: Costs = (0,) * len(ORDERS)
APPROXIMATE = frozenset({"claimed", "approximate-zcdp"})
"""Kinds that may fail with a δ of their own: all that is claimed of (ε, δ), and δ-approximate zCDP."""


@dataclass(frozen=True)
class Mechanism:
    """One execution, in the terms of a dp-accounting event."""

    kind: str
    rho: Decimal | None = None
    epsilon: Decimal | None = None
    delta: Decimal | None = None
    noise_multiplier: Decimal | None = None
    sampling_probability: Decimal | None = None
    steps: int | None = None
    group_size: int = 1


@dataclass(frozen=True)
class Cost:
    """What a run takes from a budget: Rényi divergence per order, in 1/SCALE, releases of no guarantee, and the
    probability that the divergence does not hold, in 1/DELTA_SCALE.
    """

    renyi: Costs
    releases: int = 0
    delta: int = 0


@lru_cache(maxsize=4096)
def cost_of(mechanism: Mechanism) -> Cost:
    """The cost to one privacy unit owning up to ``group_size`` rows.

    Raises:
        Invalid: the mechanism lacks an amount its kind needs, or cannot be accounted for groups.
    """
    group = mechanism.group_size
    if mechanism.delta and mechanism.kind not in APPROXIMATE:
        raise Invalid("Such a mechanism fails with no δ of its own.", code="mechanism-unaccountable")
    match mechanism.kind:
        case "none":
            return Cost(FREE, releases=1)
        case "post-processing":
            return Cost(FREE)
        case "zcdp" | "approximate-zcdp" as kind:
            # Bun & Steinke 2016: rho-zCDP is (a, rho a)-RDP; a group of k costs k² rho. Approximate (ibid., Def. 8.1),
            # it is so but for a probability δ, which is stated for the whole unit.
            rho = Fraction(_needed(mechanism.rho, "rho")) * group**2
            failing = Fraction(_needed(mechanism.delta, "delta") if kind == "approximate-zcdp" else 0)
            return Cost(
                tuple(_up(rho * order) for order in ORDERS), delta=min(ceil(failing * DELTA_SCALE), DELTA_SCALE)
            )
        case "pure" | "claimed":
            epsilon = _needed(mechanism.epsilon, "epsilon")
            return Cost(_pure(epsilon * group), delta=_group_delta(epsilon, mechanism.delta or Decimal(0), group))
        case "gaussian":
            # Mironov 2017, Prop. 7: order a costs a / (2 sigma²).
            sigma = Fraction(_positive(mechanism.noise_multiplier, "noise_multiplier"))
            return Cost(tuple(_up(order * group**2 / (2 * sigma**2)) for order in ORDERS))
        case "subsampled-gaussian" if group == 1:
            return Cost(_subsampled(mechanism))
        case _:
            raise Invalid("This mechanism cannot be accounted for.", code="mechanism-unaccountable")


def _pure(epsilon: Decimal) -> Costs:
    """The Rényi divergence of randomized response, which no ε-DP mechanism exceeds at any order.

    Kairouz, Oh & Viswanath 2015, Thm. 3.4 (every ε-DP mechanism is a post-processing of it); its divergence
    at order a is ln((e^(aε) + e^((1-a)ε)) / (1 + e^ε)) / (a - 1): Mironov 2017, Prop. 5.
    """
    if not epsilon:
        return FREE
    if epsilon > LARGEST_EPSILON:
        raise Invalid(
            f"ε above {LARGEST_EPSILON} for one privacy unit promises nothing.", code="mechanism-unaccountable"
        )
    with localcontext() as context:
        # e^(aε) has more than a million digits at the highest orders of the largest ε.
        context.prec, context.Emax = PRECISION, MAX_EMAX
        normaliser = (1 + epsilon.exp()).ln()

        def divergence(order: Fraction) -> Decimal:
            a = Decimal(order.numerator) / Decimal(order.denominator)
            return (((a * epsilon).exp() + ((1 - a) * epsilon).exp()).ln() - normaliser) / (a - 1)

        # One unit more covers the last-digit error of the logarithms.
        return tuple(ceil(divergence(order) * SCALE) + 1 for order in ORDERS)


def _group_delta(epsilon: Decimal, delta: Decimal, group: int) -> int:
    """The δ of a group of k rows, δ (1 + e^ε + … + e^((k-1)ε)), in 1/DELTA_SCALE: Vadhan 2017, Lemma 2.2.

    An (ε, δ)-DP mechanism is a post-processing of one that answers by randomized response and, with probability δ,
    gives everything away (Kairouz, Oh & Viswanath 2015, Thm. 3.4): its divergence is that of ε but for δ.
    """
    with localcontext() as context:
        context.prec, context.Emax, context.rounding = PRECISION, MAX_EMAX, ROUND_CEILING
        whole = Decimal(group) if not epsilon else ((epsilon * group).exp() - 1) / (epsilon.exp() - 1)
        # A hair more covers the last-digit error of the exponentials.
        widened = whole * (1 + Decimal("1e-50")) if group > 1 else Decimal(1)
        return min(ceil(delta * widened * DELTA_SCALE), DELTA_SCALE)


def plain(amount: Decimal) -> str:
    """An exact amount without an exponent."""
    return f"{amount.normalize():f}"


def in_words(delta: int) -> str:
    """A δ in 1/DELTA_SCALE as an exact decimal."""
    return plain(Decimal(delta).scaleb(-30))


def event_of(mechanism: Mechanism) -> dict[str, Any] | None:
    """The mechanism as a dp-accounting event and the neighbouring relation to compose it under.

    A group of k rows is already in it: ρ·k², ε·k, σ/k. None where nothing can be accounted for.
    """
    group = mechanism.group_size
    match mechanism.kind:
        case "zcdp" | "approximate-zcdp":
            rho = _needed(mechanism.rho, "rho") * group**2
            event = {"name": "ZCDpEvent", "rho": str(rho), "relation": "ADD_OR_REMOVE_ONE"}
            return event | _but_for(mechanism)
        case "pure" | "claimed":
            epsilon = _needed(mechanism.epsilon, "epsilon") * group
            # Two buckets answered at random with probability p are ln((2 - p) / p)-DP.
            noise = 2 / (1 + epsilon.exp())
            return {
                "name": "RandomizedResponseDpEvent",
                "noise_parameter": str(noise),
                "num_buckets": 2,
                "relation": "REPLACE_ONE",
            } | _but_for(mechanism)
        case "gaussian":
            sigma = _positive(mechanism.noise_multiplier, "noise_multiplier") / group
            return {"name": "GaussianDpEvent", "noise_multiplier": str(sigma), "relation": "ADD_OR_REMOVE_ONE"}
        case "subsampled-gaussian":
            return {
                "name": "PoissonSampledGaussian",
                "sampling_probability": str(mechanism.sampling_probability),
                "noise_multiplier": str(mechanism.noise_multiplier),
                "steps": mechanism.steps,
                "relation": "ADD_OR_REMOVE_ONE",
            }
        case "post-processing":
            return {"name": "NoOpDpEvent", "relation": "ADD_OR_REMOVE_ONE"}
        case _:
            return None


def _but_for(mechanism: Mechanism) -> dict[str, Any]:
    """The probability that the event does not hold, where there is one."""
    failing = cost_of(mechanism).delta
    return {"but_for_delta": in_words(failing)} if failing else {}


def _subsampled(mechanism: Mechanism) -> Costs:
    """Poisson-subsampled Gaussian by dp-accounting, in floats widened by 1e-10 and rounded up."""
    sigma = float(_positive(mechanism.noise_multiplier, "noise_multiplier"))
    probability = float(_needed(mechanism.sampling_probability, "sampling_probability"))
    if not 0 < probability <= 1 or not mechanism.steps:
        raise Invalid("q must be above 0 and at most 1, and steps be given.", code="mechanism-incomplete")
    bounded = [order for order in ORDERS if order <= HIGHEST_SUBSAMPLED_ORDER]
    accountant = rdp.RdpAccountant([float(order) for order in bounded])
    step = dp_accounting.PoissonSampledDpEvent(probability, dp_accounting.GaussianDpEvent(sigma))
    accountant.compose(dp_accounting.SelfComposedDpEvent(step, mechanism.steps))
    divergence: Sequence[float] = getattr(accountant, "_rdp")  # noqa: B009 - there is no public reader
    widened = 1 + Fraction(1, 10**10)
    costs = (
        _up(Fraction(max(float(value), 0.0)) * widened) + 1 if isfinite(value) else UNBOUNDED for value in divergence
    )
    return (*costs, *(UNBOUNDED for _ in ORDERS[len(bounded) :]))


def _needed(amount: Decimal | None, name: str) -> Decimal:
    if amount is None:
        raise Invalid(f"The mechanism must state {name}.", code="mechanism-incomplete")
    return amount


def _positive(amount: Decimal | None, name: str) -> Decimal:
    if _needed(amount, name) <= 0:
        raise Invalid(f"{name} must be above 0.", code="mechanism-incomplete")
    return _needed(amount, name)


def _up(value: Fraction) -> int:
    return ceil(value * SCALE)
