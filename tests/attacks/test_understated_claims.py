"""Claims that would be charged less than they say: their δ in no account, their groups forgotten."""

from decimal import Decimal
from typing import Any

from generation.intake.conftest import World as Intake
from policy.conftest import World, labelled


def claim(policy: World, *, epsilon: str = "0.01", delta: str | None = "0.000000032", rows: int = 1) -> dict[str, Any]:
    request = policy.request(requested_guarantee="claimed")
    request["offer"]["guarantee"] |= {"level": "claimed", "delta": "0.000001"}
    mechanism = {"kind": "claimed", "epsilon": epsilon, "delta": delta, "group_size": rows}
    request["offer"]["mechanism"] = mechanism
    return labelled(request)


async def clauses(policy: World, request: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {clause["code"]: clause for clause in (await policy.decide(request)).json()["clauses"]}


async def test_the_delta_of_claims_is_added_up_and_comes_to_an_end(policy: World) -> None:
    """A hundred runs at δ 3.2e-8 once came to 0.0000032 in no account."""
    await policy.set_up(minimum_guarantee="claimed", approximate="0.0000001")
    verdicts = [(await policy.decide(claim(policy))).json()["verdict"] for _ in range(5)]
    assert verdicts == ["permit"] * 3 + ["deny"] * 2
    budget = await policy.budget()
    assert (Decimal(budget["delta_held"]), budget["approximate_delta"]) == (Decimal("0.000000096"), "0.0000001")
    refused = (await clauses(policy, claim(policy)))["budget.allocation"]
    assert "0.0000001 for mechanisms that fail" in refused["expected"]
    assert "0.000000128" in refused["actual"]


async def test_a_budget_that_sets_no_delta_aside_admits_no_claim_with_one(policy: World) -> None:
    await policy.set_up(minimum_guarantee="claimed")
    assert set(await clauses(policy, claim(policy))) == {"budget.population", "budget.allocation"}


async def test_what_is_set_aside_is_gone_for_the_conversion(policy: World) -> None:
    """Σδ of claims and the δ of the conversion together are the budget's: the caps are those of the rest."""
    await policy.set_up(minimum_guarantee="claimed", approximate="0.000009")
    ((aside, whole),) = [
        (row["approximate_delta"], row["delta"])
        for row in await policy.sql("SELECT approximate_delta, delta FROM accounts WHERE charter_id IS NULL")
    ]
    assert aside < whole
    body = {"name": "p", "privacy_unit": "row", "epsilon": "1", "delta": "0.000001", "approximate_delta": "0.000001"}
    refused = await policy.call("steward", "POST", "/v1/populations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "budget-invalid")


async def test_a_claim_of_one_row_is_charged_for_all_rows_of_a_unit_delta_too(policy: World) -> None:
    await policy.set_up(minimum_guarantee="claimed", approximate="0.000001")
    request = claim(policy, rows=3)
    assert (await policy.decide(request)).json()["verdict"] == "permit"
    # (1 + e^ε + e^2ε) δ
    assert Decimal("0.000000096") < Decimal((await policy.budget())["delta_held"]) < Decimal("0.000000098")
    for wrong in ({"epsilon": "0.01"}, {"delta": "0.00000005"}):
        understated = claim(policy, rows=3)
        understated["offer"]["guarantee"] |= wrong
        assert "guarantee.paid-for" in await clauses(policy, understated)


async def test_a_claim_states_its_delta(policy: World) -> None:
    await policy.set_up(minimum_guarantee="claimed", approximate="0.000001")
    silent = claim(policy)
    silent["offer"]["guarantee"]["delta"] = None
    assert {"guarantee.paid-for", "delta.within-budget"} <= set(await clauses(policy, silent))
    large = claim(policy)
    large["offer"]["guarantee"]["delta"] = "0.0001"
    assert "delta.within-budget" in await clauses(policy, large)


async def test_what_was_found_to_claim_falsely_is_offered_no_more(intake: Intake) -> None:
    offered = (await intake.call("scientist", "GET", "/v1/generators")).json()
    assert "privbayes" not in {engine["name"] for engine in offered}
    (gone,) = (await intake.call("scientist", "GET", "/v1/generators/withdrawn")).json()
    assert gone["name"] == "privbayes"
    assert "nothing of its counts is private" in gone["reason"]
    body = {"generator": "privbayes", "parameters": {}, "fits": 20}
    refused = await intake.call("steward", "POST", "/v1/audits", json=body)
    assert refused.status_code in {403, 422}
    for engine in offered:
        if engine["guarantee"] == "claimed":
            assert "delta" in engine["parameters"]["properties"], engine["name"]
            assert "released" not in engine["statement"]
