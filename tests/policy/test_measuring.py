"""A measured domain is charged like any other run, its δ beside its ρ, and leaves no asset and no look behind."""

from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy.conftest import World
from policy.test_release_api import release

from moneyer_policy.budgets.rules.accounting import DELTA_SCALE, Mechanism, cost_of, epsilon_of, event_of
from moneyer_shared.errors import Invalid

RHO, OWN, DELTA = "0.004", "0.0000005", "0.000001"
ENGINE = {"generator": "domain-discovery", "parameters": {"epsilon": "0.5", "delta": DELTA, "values_per_unit": 1}}
CONFIGURATION = {
    "generator": "domain-discovery",
    "parameters": {
        "epsilon": {"minimum": "0.01", "maximum": "1"},
        "delta": {"minimum": "0.000000001", "maximum": DELTA},
        "values_per_unit": {"minimum": "1", "maximum": "4"},
    },
}


@given(st.decimals("0.000001", "1", places=12), st.decimals("0", "0.01", places=30), st.integers(1, 1000))
def test_approximate_zcdp_costs_its_rho_and_its_delta_beside(rho: Decimal, delta: Decimal, group: int) -> None:
    """Bun & Steinke 2016, Def. 8.1; the δ is the whole unit's, whatever it owns."""
    plain = cost_of(Mechanism("zcdp", rho=rho, group_size=group))
    cost = cost_of(asked := Mechanism("approximate-zcdp", rho=rho, delta=delta, group_size=group))
    assert cost.renyi == plain.renyi
    assert Fraction(cost.delta, DELTA_SCALE) == Fraction(delta)
    told = event_of(asked) or {}
    assert (told["name"], Fraction(told["rho"])) == ("ZCDpEvent", Fraction(rho) * group**2)
    assert Fraction(told.get("but_for_delta", "0")) == Fraction(delta)


def test_no_other_proof_fails_with_a_delta_of_its_own() -> None:
    for stated in (Mechanism("pure", epsilon=Decimal(1)), Mechanism("zcdp", rho=Decimal(1))):
        with pytest.raises(Invalid, match="no δ of its own"):
            cost_of(Mechanism(**(vars(stated) | {"delta": Decimal("1e-6")})))


def measuring(world: World, *, own: str = OWN, at: Decimal | None = None) -> dict[str, Any]:
    """A request to measure; its label's ε is converted at what the mechanism leaves of δ, unless said."""
    asked = world.request(**ENGINE, rows=1)
    cost = cost_of(Mechanism("zcdp", rho=Decimal(RHO)))
    charged = epsilon_of(cost.renyi, at or Decimal(DELTA) - Decimal(own))
    asked["offer"]["mechanism"] = {"kind": "approximate-zcdp", "rho": RHO, "delta": own}
    asked["offer"]["guarantee"] |= {"epsilon": f"{charged:f}", "delta": DELTA}
    return asked | {"run_id": str(uuid4())}


async def test_a_measurement_is_charged_once_and_takes_no_look(world: World) -> None:
    await world.set_up(approximate="0.000002", looks=1, configurations=[CONFIGURATION])
    for _ in range(2):
        decision = (await world.decide(measuring(world))).json()
        assert decision["verdict"] == "permit", decision
        await world.redeem(decision, key=decision["run_id"])
        await world.redeem(decision, key=decision["run_id"])
        assert (await world.settle(decision, "measured")).status_code == 204
        assert (await release(world, decision["run_id"])).json()["code"] == "not-redeemed", "it is no asset"
    kinds = [entry["kind"] for entry in await world.ledger()]
    assert kinds.count("spend") == kinds.count("reserve") == 4, "two runs, each in two accounts"
    statement = await world.get(f"/v1/populations/{world.population_id}/statement")
    for account in statement["accounts"]:
        (charge,) = account["charges"]
        assert charge["event"]["dp_event"]["but_for_delta"] == OWN
        assert Decimal(account["delta_held"]) == 2 * Decimal(OWN)


async def test_a_budget_without_room_for_its_delta_refuses_it(world: World) -> None:
    await world.set_up(configurations=[CONFIGURATION])
    denied = (await world.decide(measuring(world))).json()
    assert {clause["code"] for clause in denied["clauses"]} == {"budget.population", "budget.allocation"}
    assert "mechanisms that fail with one of their own" in denied["clauses"][0]["expected"]


async def test_a_charter_that_does_not_name_it_refuses_it(world: World) -> None:
    await world.set_up(approximate="0.000002")
    denied = (await world.decide(measuring(world))).json()
    assert "configuration.approved" in {clause["code"] for clause in denied["clauses"]}


async def test_a_label_that_spends_its_delta_twice_is_refused(world: World) -> None:
    """Its ε is converted at all of δ, of which the thresholds have taken a half already."""
    await world.set_up(approximate="0.000002", configurations=[CONFIGURATION])
    denied = (await world.decide(measuring(world, at=Decimal(DELTA)))).json()
    assert [clause["code"] for clause in denied["clauses"]] == ["guarantee.paid-for"]
