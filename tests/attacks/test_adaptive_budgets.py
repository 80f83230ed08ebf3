"""Somebody who asks for each next mechanism by what the last one showed."""

from typing import Any

from policy.adversary import FOLDS, composed_delta
from policy.conftest import World


async def test_a_second_step_chosen_by_the_first_ones_outcome_stays_within_the_budget(policy: World) -> None:
    """A requester reads off forecasts what the gate would admit after a first run, and takes what its outcome makes best."""
    await policy.set_up(epsilon="1", allocated="1", delta="0.000001", population_delta="0.000001")
    first = 0.0004863629
    paid = (await policy.decide(rho=f"{first:.10f}")).json()
    assert (await policy.redeem(paid)).status_code == 200

    async def runs(**mechanism: Any) -> int:
        path = f"/v1/populations/{policy.population_id}:forecast"
        body = {"charter_id": policy.charter_id, "mechanism": mechanism}
        found: int = (await policy.post("scientist", path, 200, body))["runs"]
        return found

    async def most(kind: str, name: str, fold: int, top: float) -> float:
        low, high = 0.0, top
        for _ in range(20):
            middle = (low + high) / 2
            fits = await runs(kind=kind, **{name: f"{middle:.15f}"}) >= fold
            low, high = (middle, high) if fits else (low, middle)
        return low

    second = await most("zcdp", "rho", 1, 1.0)
    responses = {fold: await most("pure", "epsilon", fold, 2.0) for fold in FOLDS}
    assert composed_delta(1.0, first, second, responses) <= 1e-6
    # The forecast tells the truth: one more of a fold than it says is refused at the gate.
    for number in range(3):
        asked = policy.request()
        asked["offer"]["mechanism"] = {"kind": "pure", "epsilon": f"{responses[2]:.12f}"}
        verdict = (await policy.decide(asked)).json()["verdict"]
        assert verdict == ("permit" if number < 2 else "deny")


async def test_the_order_is_fixed_when_the_account_is_opened(policy: World) -> None:
    """Neither what was spent nor a voted budget moves it."""
    await policy.set_up(epsilon="2", allocated="2")
    before = await policy.get(f"/v1/populations/{policy.population_id}")
    assert (await policy.decide(rho="0.05")).json()["verdict"] == "permit"
    path = f"/v1/populations/{policy.population_id}/budget-versions"
    body = {"epsilon": "6", "delta": "0.00001", "reason": "r"}
    asked = await policy.post("steward", path, 202, body)
    await policy.approve(asked["review_id"])
    after = await policy.get(f"/v1/populations/{policy.population_id}")
    assert after["budget"]["order"] == before["budget"]["order"]
    assert after["budget"]["epsilon"] == "6"


async def test_orders_that_are_not_of_the_grid_are_refused(policy: World) -> None:
    body = {"name": "p", "privacy_unit": "row", "epsilon": "1", "delta": "0.000001"}
    for order in ("1", "99999", "17.0", "34/2"):
        refused = await policy.call("steward", "POST", "/v1/populations", json=body | {"order": order})
        assert refused.status_code == 422, order
    made = await policy.post("steward", "/v1/populations", 201, body | {"order": "16385"})
    assert (await policy.get(f"/v1/populations/{made['id']}"))["budget"]["order"] == "16385"
