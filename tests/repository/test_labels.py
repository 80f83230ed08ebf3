"""What a plan names and what a budget is charged, across the two services that must agree on it."""

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.generators.dpmm_engines import DpmmMst
from moneyer_generation.generators.protocol import complete
from moneyer_policy.budgets.rules.accounting import Mechanism, cost_of, epsilon_of
from moneyer_shared.contracts.domains import CategoricalDomain, TextDomain
from moneyer_shared.contracts.generation import Column, PrivacyUnit, SourceDeclaration

epsilons = st.decimals(Decimal("0.01"), Decimal(20), places=4)
deltas = st.integers(3, 12).map(lambda exponent: format(Decimal(10) ** -exponent, "f"))


def declaration(rows_per_person: int) -> SourceDeclaration:
    return SourceDeclaration(
        name="s",
        description="d",
        population_id=UUID(int=0),
        privacy_unit=PrivacyUnit(column="person", maximum_rows=rows_per_person),
        columns=[
            Column(name="person", domain=TextDomain(kind="text"), role="identifier"),
            Column(name="c", domain=CategoricalDomain(kind="categorical", categories=["a"])),
        ],
    )


@given(epsilons, deltas, st.integers(1, 20))
def test_a_proven_run_is_charged_what_its_label_says_and_hardly_less(epsilon: Decimal, delta: str, rows: int) -> None:
    """The charge of one unit, with all its rows, is at most the label's ε, and within 3 % of it."""
    parameters = complete(DpmmMst(), {"epsilon": format(epsilon, "f"), "delta": delta})
    stated = DpmmMst().mechanism(declaration(rows), parameters)
    assert stated.rho is not None
    assert Decimal(stated.rho) > 0
    cost = cost_of(Mechanism(stated.kind, rho=Decimal(stated.rho), group_size=stated.group_size))
    charged = epsilon_of(cost.renyi, Decimal(delta))
    assert charged <= epsilon
    assert charged >= epsilon * Decimal("0.97")
