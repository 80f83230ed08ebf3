"""How large a budget is, and which ones promise nothing."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from moneyer_policy.budgets.rules.accounting import NAMED_ORDERS, ORDERS
from moneyer_shared.errors import Invalid


@dataclass(frozen=True)
class Size:
    """What an account is given: ``approximate_delta`` is the part of δ that mechanisms may fail with."""

    epsilon: Decimal
    delta: Decimal
    approximate_delta: Decimal = Decimal(0)

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.epsilon, self.delta, self.approximate_delta


def check_amounts(size: Size) -> None:
    """Refuse budgets that would promise nothing.

    Raises:
        Invalid: ε is 0 or above 100, δ outside (0, 0.01], or all of δ is set aside for approximate mechanisms.
    """
    epsilon, delta = size.epsilon, size.delta
    if size.approximate_delta >= delta:
        raise Invalid("approximate_delta must be less than delta, a part of it.", code="budget-invalid")
    if not 0 < epsilon <= 100:  # noqa: PLR2004
        raise Invalid("epsilon must be above 0 and at most 100.", code="budget-invalid")
    if not 0 < delta <= Decimal("0.01"):
        raise Invalid("delta must be above 0 and at most 0.01.", code="budget-invalid")


def order_named(name: str | None) -> Fraction | None:
    """The order of the grid of that name.

    Raises:
        Invalid: the grid has no such order.
    """
    if name is not None and name not in NAMED_ORDERS:
        raise Invalid(
            f"order must be one of the grid's, as a statement lists them, from {ORDERS[0]} to {ORDERS[-1]}.",
            code="order-unknown",
        )
    return NAMED_ORDERS[name] if name is not None else None
