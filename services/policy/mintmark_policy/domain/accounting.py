"""Privacy budgets as a Rényi filter in exact integers.

Every mechanism has a cost at each order of a fixed grid, every budget (ε, δ) a cap at each order. A
plan is admitted when at some order the running sum still fits its cap. The order of later budgets may
depend on earlier results: Feldman & Zrnic 2021, "Individual Privacy Accounting via a Rényi Filter";
Lécuyer 2021, "Practical Privacy Filters and Odometers with Rényi Differential Privacy"; Whitehouse
et al. 2023, "Fully-Adaptive Composition in Differential Privacy". Costs are rounded up, caps down.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import MAX_EMAX, ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor, isfinite
from typing import Any

import dp_accounting
from dp_accounting import rdp

from mintmark_shared.errors import Conflict, Invalid

SCALE = 10**12
PRECISION = 60
# 1 + 2**(j/6) in sixteenths, up to 16385: dense enough to lose under 0.2 % of ε to the grid, and high
# enough for ε down to 0.01.
ORDERS: tuple[Fraction, ...] = tuple(sorted({1 + Fraction(round(16 * 2 ** (j / 6)), 16) for j in range(-18, 85)}))
Costs = tuple[int, ...]
# Beyond this order dp-accounting's series for subsampling does not converge; what it cannot bound, no cap admits.
HIGHEST_SUBSAMPLED_ORDER = 1025
UNBOUNDED = 10**30
LARGEST_EPSILON = 1000
FREE: Costs = (0,) * len(ORDERS)


@dataclass(frozen=True)
class Mechanism:
    """One execution, in the terms of a dp-accounting event."""

    kind: str
    rho: Decimal | None = None
    epsilon: Decimal | None = None
    noise_multiplier: Decimal | None = None
    sampling_probability: Decimal | None = None
    steps: int | None = None
    group_size: int = 1


@dataclass(frozen=True)
class Cost:
    """What a run takes from a budget: Rényi divergence per order, in 1/SCALE, and releases of no guarantee."""

    renyi: Costs
    releases: int = 0


@lru_cache(maxsize=4096)
def cost_of(mechanism: Mechanism) -> Cost:
    """The cost to one privacy unit owning up to ``group_size`` rows.

    Raises:
        Invalid: the mechanism lacks an amount its kind needs, or cannot be accounted for groups.
    """
    group = mechanism.group_size
    match mechanism.kind:
        case "none":
            return Cost(FREE, releases=1)
        case "post-processing":
            return Cost(FREE)
        case "zcdp":
            # Bun & Steinke 2016: rho-zCDP is (a, rho a)-RDP; a group of k costs k² rho.
            rho = Fraction(_needed(mechanism.rho, "rho")) * group**2
            return Cost(tuple(_up(rho * order) for order in ORDERS))
        case "pure" | "claimed":
            return Cost(_pure(_needed(mechanism.epsilon, "epsilon") * group))
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


def event_of(mechanism: Mechanism) -> dict[str, Any] | None:
    """The mechanism as a dp-accounting event and the neighbouring relation to compose it under.

    A group of k rows is already in it: ρ·k², ε·k, σ/k. None where nothing can be accounted for.
    """
    group = mechanism.group_size
    match mechanism.kind:
        case "zcdp":
            rho = _needed(mechanism.rho, "rho") * group**2
            return {"name": "ZCDpEvent", "rho": str(rho), "relation": "ADD_OR_REMOVE_ONE"}
        case "pure" | "claimed":
            epsilon = _needed(mechanism.epsilon, "epsilon") * group
            # Two buckets answered at random with probability p are ln((2 - p) / p)-DP.
            noise = 2 / (1 + epsilon.exp())
            return {
                "name": "RandomizedResponseDpEvent",
                "noise_parameter": str(noise),
                "num_buckets": 2,
                "relation": "REPLACE_ONE",
            }
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


def _subsampled(mechanism: Mechanism) -> Costs:
    """Poisson-subsampled Gaussian by dp-accounting, in floats widened by 1e-10 and rounded up."""
    sigma = float(_positive(mechanism.noise_multiplier, "noise_multiplier"))
    probability = float(_needed(mechanism.sampling_probability, "sampling_probability"))
    if probability > 1 or mechanism.steps is None:
        raise Invalid("q must be at most 1 and steps be given.", code="mechanism-incomplete")
    bounded = [order for order in ORDERS if order <= HIGHEST_SUBSAMPLED_ORDER]
    accountant = rdp.RdpAccountant([float(order) for order in bounded])
    step = dp_accounting.PoissonSampledDpEvent(probability, dp_accounting.GaussianDpEvent(sigma))
    accountant.compose(dp_accounting.SelfComposedDpEvent(step, mechanism.steps))
    divergence: Sequence[float] = getattr(accountant, "_rdp")  # noqa: B009 - there is no public reader
    widened = 1 + Fraction(1, 10**10)
    costs = (_up(Fraction(float(value)) * widened) + 1 if isfinite(value) else UNBOUNDED for value in divergence)
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


def epsilon_of(renyi: Sequence[int], delta: Decimal) -> Decimal:
    """The ε that these sums amount to at δ, rounded up to 1e-6; 0 where nothing was spent."""
    if not any(renyi):
        return Decimal(0)
    with localcontext() as context:
        context.prec, context.rounding = PRECISION, ROUND_CEILING
        overheads = _overheads(delta, ROUND_CEILING)
        least = min(Decimal(total) / SCALE + overhead for total, overhead in zip(renyi, overheads, strict=True))
        return max(least, Decimal(0)).quantize(Decimal("0.000001"), rounding=ROUND_CEILING)


@dataclass(frozen=True)
class Account:
    """A population's budget, or a charter's allocation of it."""

    id: str
    owner: str
    epsilon: Decimal
    delta: Decimal
    caps: Costs
    held: Costs
    releases_limit: int | None
    releases_held: int
    partition: str = ""

    def admits(self, cost: Cost) -> bool:
        """Whether some order still fits with this cost, and a release is left where one is needed."""
        if cost.releases:
            return self.releases_limit is not None and self.releases_held + cost.releases <= self.releases_limit
        return any(held + more <= cap for held, more, cap in zip(self.held, cost.renyi, self.caps, strict=True))

    def describe(self, cost: Cost) -> tuple[str, str]:
        """(expected, actual) in the words of a refusal."""
        if cost.releases:
            limit = self.releases_limit or 0
            return (
                f"at most {limit} releases without a guarantee",
                f"{self.releases_held} held or spent already",
            )
        used = epsilon_of(self.held, self.delta)
        after = epsilon_of(added(self.held, cost.renyi), self.delta)
        return (
            f"at most ε {self.epsilon} at δ {self.delta} for {self.owner}{self._where()}",
            f"ε {used} held or spent, ε {after} with this plan",
        )

    def holding(self, cost: Cost) -> "Account":
        return replace(self, held=added(self.held, cost.renyi), releases_held=self.releases_held + cost.releases)

    def _where(self) -> str:
        return f", partition {self.partition}" if self.partition else ""

    def runs_left(self, cost: Cost) -> int | None:
        """How many more executions of this cost fit; None if there is no end to them."""
        if cost.releases:
            return max(0, ((self.releases_limit or 0) - self.releases_held) // cost.releases)
        if not any(cost.renyi):
            return None
        rooms = zip(self.held, cost.renyi, self.caps, strict=True)
        return max(0, *((cap - held) // more for held, more, cap in rooms if more))

    def resized(self, epsilon: Decimal, delta: Decimal) -> "Account":
        """The account under a new budget.

        Raises:
            Conflict: more is held already than the new budget admits.
        """
        made = replace(self, epsilon=epsilon, delta=delta, caps=caps_of(epsilon, delta))
        if any(self.held) and not made.admits(Cost(FREE)):
            used = epsilon_of(self.held, delta)
            raise Conflict(f"ε {used} is held or spent already; the budget cannot go below it.", code="budget-held")
        return made


def added(left: Sequence[int], right: Sequence[int]) -> Costs:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def balances(moved: Iterable[tuple[str, int, Cost]]) -> tuple[Costs, int]:
    """What is held after so many movements of each kind and cost, by order and in releases: spending moves nothing."""
    held, releases = FREE, 0
    for kind, times, cost in moved:
        sign = {"reserve": times, "return": -times, "spend": 0}[kind]
        held = added(held, [sign * amount for amount in cost.renyi])
        releases += sign * cost.releases
    return held, releases
