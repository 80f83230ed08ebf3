"""An account: what it was given, what is held of it, and whether more fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from math import floor

from moneyer_policy.budgets.rules.accounting.conversion import caps_of, epsilon_at
from moneyer_policy.budgets.rules.accounting.mechanisms import DELTA_SCALE, FREE, POSITIONS, Cost, Costs, in_words
from moneyer_shared.errors import Conflict


@dataclass(frozen=True)
class Account:
    """A population's budget, or a charter's allocation of it.

    ``order`` is the one it is held to. ``approximate_delta`` is the part of δ that mechanisms may fail with; the rest
    is what the caps convert at.
    """

    id: str
    owner: str
    epsilon: Decimal
    delta: Decimal
    caps: Costs
    held: Costs
    releases_limit: int | None
    releases_held: int
    partition: str = ""
    order: Fraction = field(kw_only=True)
    approximate_delta: Decimal = Decimal(0)
    delta_held: int = 0

    def admits(self, cost: Cost) -> bool:
        """Whether the cost still fits at the account's order, its δ too, and a release is left where one is needed."""
        if cost.releases:
            return self.releases_limit is not None and self.releases_held + cost.releases <= self.releases_limit
        return cost.renyi[self._here] <= self._room and cost.delta <= self._delta_room

    def describe(self, cost: Cost) -> tuple[str, str]:
        """(expected, actual) in the words of a refusal."""
        if cost.releases:
            limit = self.releases_limit or 0
            return (
                f"at most {limit} releases without a guarantee",
                f"{self.releases_held} held or spent already",
            )
        expected = f"at most ε {self.epsilon} at δ {self.delta} for {self.owner}{self._where()}, by order {self.order}"
        actual = f"ε {self.epsilon_held} held or spent, {self._with(cost)}"
        if cost.delta <= self._delta_room:
            return expected, actual
        return (
            f"{expected}; of that δ at most {self.approximate_delta:f} for mechanisms that fail with one of their own",
            f"{actual}; δ {in_words(self.delta_held)} held or spent, {in_words(self.delta_held + cost.delta)} with it",
        )

    def _with(self, cost: Cost) -> str:
        if self._room < 0:
            return "which is beyond the budget at that order: it admits nothing more"
        return f"ε {epsilon_at(self.order, added(self.held, cost.renyi), self.conversion_delta)} with this plan"

    def holding(self, cost: Cost) -> "Account":
        return replace(
            self,
            held=added(self.held, cost.renyi),
            releases_held=self.releases_held + cost.releases,
            delta_held=self.delta_held + cost.delta,
        )

    def _where(self) -> str:
        return f", partition {self.partition}" if self.partition else ""

    @property
    def epsilon_held(self) -> Decimal:
        """What is held or spent, as ε at the account's order."""
        return epsilon_at(self.order, self.held, self.conversion_delta)

    @property
    def share_held(self) -> Decimal:
        """How full the account is at its order, rounded up to 1e-6; a cap of nothing is full."""
        cap, held = self.caps[self._here], self.held[self._here]
        if cap <= 0:
            return Decimal(1)
        return (Decimal(held) / cap).quantize(Decimal("0.000001"), rounding=ROUND_CEILING)

    @property
    def conversion_delta(self) -> Decimal:
        return self.delta - self.approximate_delta

    @property
    def _here(self) -> int:
        return POSITIONS[self.order]

    @property
    def _room(self) -> int:
        return self.caps[self._here] - self.held[self._here]

    @property
    def _delta_room(self) -> int:
        return floor(Fraction(self.approximate_delta) * DELTA_SCALE) - self.delta_held

    def runs_left(self, cost: Cost) -> int | None:
        """How many more executions of this cost fit; None if there is no end to them."""
        if cost.releases:
            return max(0, ((self.releases_limit or 0) - self.releases_held) // cost.releases)
        rooms = ((self._room, cost.renyi[self._here]), (self._delta_room, cost.delta))
        return min((max(0, room // more) for room, more in rooms if more), default=None)

    def fitting_share(self, cost: Cost) -> Decimal:
        """The largest part of a cost that is still admitted, from 0 to 1, rounded down."""
        if cost.releases or cost.delta > self._delta_room:
            return Decimal(1) if self.admits(cost) else Decimal(0)
        more = cost.renyi[self._here]
        best = Decimal(self._room) / more if more else Decimal(1)
        return min(max(best, Decimal(0)), Decimal(1)).quantize(Decimal("0.000001"), rounding=ROUND_FLOOR)

    def resized(self, epsilon: Decimal, delta: Decimal, approximate_delta: Decimal) -> "Account":
        """The account under a new budget, held to the same order.

        Raises:
            Conflict: more is held already than the new budget admits.
        """
        caps = caps_of(epsilon, delta - approximate_delta)
        made = replace(self, epsilon=epsilon, delta=delta, approximate_delta=approximate_delta, caps=caps)
        if (any(self.held) or self.delta_held) and not made.admits(Cost(FREE)):
            raise Conflict(
                f"ε {made.epsilon_held} and δ {in_words(self.delta_held)} of approximate mechanisms are held or spent "
                "already; the budget cannot go below them.",
                code="budget-held",
            )
        return made


def added(left: Sequence[int], right: Sequence[int]) -> Costs:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def balances(moved: Iterable[tuple[str, int, Cost]]) -> Cost:
    """What is held after so many movements of each kind and cost: spending moves nothing."""
    held, releases, delta = FREE, 0, 0
    for kind, times, cost in moved:
        sign = {"reserve": times, "return": -times, "spend": 0}[kind]
        held = added(held, [sign * amount for amount in cost.renyi])
        releases += sign * cost.releases
        delta += sign * cost.delta
    return Cost(held, releases, delta)
