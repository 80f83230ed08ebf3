"""Budgets: exact, monotone, never looser than dp-accounting."""

from dataclasses import replace
from decimal import Decimal

import dp_accounting
import pytest
from dp_accounting import rdp
from hypothesis import given
from hypothesis import strategies as st

from moneyer_policy.budgets.rules.accounting import (
    FREE,
    ORDERS,
    SCALE,
    Account,
    Cost,
    Mechanism,
    added,
    caps_of,
    cost_of,
    default_order,
    epsilon_of,
)
from moneyer_shared.errors import Invalid

amounts = st.decimals(Decimal("0.000001"), Decimal(5), places=12)
deltas = st.decimals(Decimal("1e-12"), Decimal("0.001"), places=15)


def account(epsilon: str, delta: str, releases: int | None = None) -> Account:
    caps = caps_of(Decimal(epsilon), Decimal(delta))
    order = default_order(caps)
    return Account("a", "the population", Decimal(epsilon), Decimal(delta), caps, FREE, releases, 0, order=order)


def reference_epsilon(event: dp_accounting.DpEvent, delta: Decimal) -> float:
    accountant = rdp.RdpAccountant([float(order) for order in ORDERS])
    accountant.compose(event)
    return accountant.get_epsilon(float(delta))


@given(amounts, deltas)
def test_zcdp_is_charged_as_dp_accounting_charges_it_and_never_less(rho: Decimal, delta: Decimal) -> None:
    ours = float(epsilon_of(cost_of(Mechanism("zcdp", rho=rho)).renyi, delta))
    theirs = reference_epsilon(dp_accounting.ZCDpEvent(float(rho)), delta)
    assert theirs - 1e-9 <= ours <= theirs + 2e-6


@given(st.decimals(Decimal("0.3"), Decimal(50), places=6), deltas)
def test_gaussian_agrees_with_dp_accounting(sigma: Decimal, delta: Decimal) -> None:
    ours = float(epsilon_of(cost_of(Mechanism("gaussian", noise_multiplier=sigma)).renyi, delta))
    theirs = reference_epsilon(dp_accounting.GaussianDpEvent(float(sigma)), delta)
    assert theirs - 1e-9 <= ours <= theirs + 2e-6


def test_subsampled_gaussian_agrees_with_dp_accounting() -> None:
    mechanism = Mechanism(
        "subsampled-gaussian", noise_multiplier=Decimal("1.1"), sampling_probability=Decimal("0.01"), steps=1000
    )
    step = dp_accounting.PoissonSampledDpEvent(0.01, dp_accounting.GaussianDpEvent(1.1))
    theirs = reference_epsilon(dp_accounting.SelfComposedDpEvent(step, 1000), Decimal("1e-6"))
    ours = float(epsilon_of(cost_of(mechanism).renyi, Decimal("1e-6")))
    assert theirs <= ours <= theirs + 1e-5


@given(amounts)
def test_pure_costs_no_more_than_epsilon_at_any_order(epsilon: Decimal) -> None:
    assert all(cost <= epsilon * SCALE + 1 for cost in cost_of(Mechanism("pure", epsilon=epsilon)).renyi)


@given(amounts, st.integers(1, 50))
def test_a_group_of_k_costs_k_squared_in_zcdp(rho: Decimal, group: int) -> None:
    one = cost_of(Mechanism("zcdp", rho=rho)).renyi
    many = cost_of(Mechanism("zcdp", rho=rho, group_size=group)).renyi
    assert all(abs(b - group**2 * a) <= group**2 for a, b in zip(one, many, strict=True))


@given(st.lists(amounts, min_size=1, max_size=6), deltas)
def test_composition_adds_costs(rhos: list[Decimal], delta: Decimal) -> None:
    total = FREE
    for rho in rhos:
        total = added(total, cost_of(Mechanism("zcdp", rho=rho)).renyi)
    theirs = reference_epsilon(dp_accounting.ZCDpEvent(float(sum(rhos))), delta)
    assert float(epsilon_of(total, delta)) >= theirs - 1e-9


@given(amounts, deltas)
def test_what_is_admitted_converts_to_no_more_than_the_budget(rho: Decimal, delta: Decimal) -> None:
    cost = cost_of(Mechanism("zcdp", rho=rho))
    budget = account("1", str(delta))
    if budget.admits(cost):
        assert epsilon_of(cost.renyi, delta) <= Decimal(1)


def test_the_last_unit_decides() -> None:
    budget = account("1", "0.00001")
    order = ORDERS.index(budget.order)
    exactly = tuple(budget.caps[order] if i == order else 10**30 for i in range(len(ORDERS)))
    one_more = tuple(value + 1 for value in exactly)
    assert budget.admits(Cost(exactly))
    assert not budget.admits(Cost(one_more))


def test_no_guarantee_is_counted_in_releases_and_needs_a_limit() -> None:
    release = cost_of(Mechanism("none"))
    assert release == Cost(FREE, 1)
    assert not account("1", "0.00001").admits(release)
    assert account("1", "0.00001", 1).admits(release)
    assert not replace(account("1", "0.00001", 1), releases_held=1).admits(release)


@pytest.mark.parametrize(
    "mechanism",
    [
        Mechanism("zcdp"),
        Mechanism("pure"),
        Mechanism("gaussian", noise_multiplier=Decimal(0)),
        Mechanism("subsampled-gaussian", noise_multiplier=Decimal(1), sampling_probability=Decimal(2), steps=1),
        Mechanism("subsampled-gaussian", noise_multiplier=Decimal(1), group_size=2),
    ],
)
def test_a_mechanism_that_cannot_be_accounted_is_refused(mechanism: Mechanism) -> None:
    with pytest.raises(Invalid):
        cost_of(mechanism)


def test_nothing_spent_is_nothing() -> None:
    assert epsilon_of(FREE, Decimal("1e-6")) == 0


@pytest.mark.parametrize(("epsilon", "rows"), [("0.5008", 1007), ("1", 1000), ("20", 50)])
def test_the_largest_pure_epsilon_that_is_accounted_for_costs_what_it_says(epsilon: str, rows: int) -> None:
    """e^(aε) has more digits than a decimal's usual exponent holds."""
    cost = cost_of(Mechanism("pure", epsilon=Decimal(epsilon), group_size=rows))
    whole = Decimal(epsilon) * rows
    assert whole <= epsilon_of(cost.renyi, Decimal("0.00001")) <= whole + 1
