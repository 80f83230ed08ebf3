"""The filter against somebody who chooses each next mechanism by what came out of the last."""

from decimal import Decimal
from functools import partial

import pytest
from policy.adversary import FOLDS, composed_delta, largest
from policy.test_accounting import account

from moneyer_policy.budgets.rules.accounting import Account, Cost, Mechanism, cost_of


def amount(value: float) -> Decimal:
    return Decimal(f"{value:.15f}")


def admits_rho(held: Account, rho: float) -> bool:
    return rho > 0 and held.admits(cost_of(Mechanism("zcdp", rho=amount(rho))))


def admits_responses(held: Account, fold: int, epsilon: float) -> bool:
    one = cost_of(Mechanism("pure", epsilon=amount(epsilon)))
    return held.admits(Cost(tuple(fold * cost for cost in one.renyi)))


def reached(epsilon: str, delta: str, first_share: float) -> float:
    """The adversary's δ, as a multiple of the budget's."""
    budget = account(epsilon, delta)
    first = first_share * largest(partial(admits_rho, budget), 10)
    left = budget.holding(cost_of(Mechanism("zcdp", rho=amount(first))))
    second = largest(partial(admits_rho, left), 10)
    responses = {fold: largest(partial(admits_responses, left, fold), 5) for fold in FOLDS}
    return composed_delta(float(epsilon), first, second, responses) / float(delta)


@pytest.mark.parametrize(("epsilon", "delta"), [("1", "0.000001"), ("3", "0.000001"), ("2", "0.00001")])
@pytest.mark.parametrize("first_share", [0.02, 0.2])
def test_choosing_by_the_outcome_gains_nothing(epsilon: str, delta: str, first_share: float) -> None:
    """With "some order still fits" the same adversary reaches more than δ: at (1, 1e-6) 1.5 times as much."""
    assert reached(epsilon, delta, first_share) < 1
