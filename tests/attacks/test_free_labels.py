"""Labels nobody pays for: a generation service that is wrong, or lied to, offers them; the gate refuses."""

from typing import Any

import pytest
from policy.conftest import World, labelled

PROVEN: dict[str, dict[str, Any]] = {
    "no rho": {"kind": "zcdp", "rho": "0"},
    "no epsilon": {"kind": "pure", "epsilon": "0.000000000000"},
    "next to no rho": {"kind": "zcdp", "rho": "0.000000000000000000000000000001"},
    "next to no epsilon": {"kind": "pure", "epsilon": "0.000000000000000000000000000001"},
    "noise without end": {"kind": "gaussian", "noise_multiplier": "999999999999999999"},
    "sampling next to nobody": {
        "kind": "subsampled-gaussian", "noise_multiplier": "999999", "sampling_probability": "0.000000000000001",
        "steps": 1,
    },
    "nothing at all": {"kind": "none"},
    "a model that is not named": {"kind": "post-processing"},
}  # fmt: skip


async def codes(policy: World, request: dict[str, Any]) -> set[str]:
    answer = await policy.decide(request)
    if answer.status_code == 422:
        return {answer.json()["code"]}
    assert answer.status_code == 201, answer.text
    return {clause["code"] for clause in answer.json()["clauses"]}


@pytest.mark.parametrize("name", PROVEN)
async def test_a_proven_label_costs_what_it_says(policy: World, name: str) -> None:
    await policy.set_up()
    request = policy.request()
    request["offer"]["mechanism"] = PROVEN[name]
    request["offer"]["guarantee"]["epsilon"] = "0.5"
    assert await codes(policy, request) & {"guarantee.paid-for", "model.may-be-sampled"}
    assert (await policy.budget())["epsilon_held"] == "0"


@pytest.mark.parametrize(
    "mechanism",
    [
        {"kind": "subsampled-gaussian", "noise_multiplier": "1", "sampling_probability": "0", "steps": 10},
        {"kind": "subsampled-gaussian", "noise_multiplier": "1", "sampling_probability": "0.1"},
        {"kind": "gaussian", "noise_multiplier": "0"},
        {"kind": "zcdp", "rho": "0.01", "delta": "0.000001"},
    ],
)
async def test_a_mechanism_that_does_nothing_is_none(policy: World, mechanism: dict[str, Any]) -> None:
    await policy.set_up()
    request = labelled(policy.request())
    request["offer"]["mechanism"] = mechanism
    sent = await policy.call(
        "generation", "POST", "/v1/decisions", json=request, headers={"Idempotency-Key": request["run_id"]}
    )
    assert (sent.status_code, sent.json()["code"]) in {
        (422, "mechanism-incomplete"), (422, "mechanism-unaccountable"),
    }  # fmt: skip


@pytest.mark.parametrize("amounts", [{"rho": "-0.01"}, {"rho": "1e-30"}, {"rho": "NaN"}])
async def test_amounts_are_decimals_above_nothing(policy: World, amounts: dict[str, str]) -> None:
    await policy.set_up()
    request = labelled(policy.request())
    request["offer"]["mechanism"] = {"kind": "zcdp"} | amounts
    headers = {"Idempotency-Key": request["run_id"]}
    assert (await policy.call("generation", "POST", "/v1/decisions", json=request, headers=headers)).status_code == 422


@pytest.mark.parametrize(
    "label",
    [{"epsilon": "0.1"}, {"epsilon": "0"}, {"epsilon": "5"}, {"delta": None}, {"delta": "0"}, {"epsilon": None}],
)
async def test_a_label_says_what_its_mechanism_is_charged_for(policy: World, label: dict[str, Any]) -> None:
    """Less would overstate it; much more would have a plan pay less than it names; nothing at all says nothing."""
    await policy.set_up()
    request = labelled(policy.request())
    request["offer"]["guarantee"] |= label
    assert "guarantee.paid-for" in await codes(policy, request)


async def test_a_claim_without_a_charge_is_refused(policy: World) -> None:
    await policy.set_up(minimum_guarantee="claimed")
    request = policy.request(requested_guarantee="claimed")
    request["offer"]["guarantee"] |= {"level": "claimed", "epsilon": "0"}
    request["offer"]["mechanism"] = {"kind": "claimed", "epsilon": "0"}
    assert await codes(policy, request) == {"guarantee.paid-for"}


async def test_a_model_sampled_again_keeps_the_label_of_its_own_run(policy: World) -> None:
    await policy.set_up()
    first = policy.request()
    paid = (await policy.decide(first)).json()
    await policy.redeem(paid)
    await policy.settle(paid)
    again = labelled(policy.request(model=first["run_id"]))
    again["offer"]["mechanism"] = {"kind": "post-processing"}
    better = again | {"offer": again["offer"] | {"guarantee": again["offer"]["guarantee"] | {"epsilon": "0.001"}}}
    assert await codes(policy, better) == {"model.may-be-sampled"}
