"""A source whose unit is smaller than its population's: charged for a row, while a person owns many."""

from typing import Any

import pytest
from generation.intake.conftest import World as Intake
from policy.conftest import World, labelled

from moneyer_shared.contracts.policy import PopulationUnit

PATIENTS = {"kind": "person", "identified_by": "patient"}


async def codes(policy: World, unit: dict[str, Any] | None, **mechanism: Any) -> set[str]:
    request = labelled(policy.request())
    request["offer"] |= {"privacy_unit": unit}
    request["offer"]["mechanism"] |= mechanism
    return {clause["code"] for clause in (await policy.decide(request)).json()["clauses"]}


@pytest.mark.parametrize(
    "unit",
    [{}, {"identified_by": "visit", "maximum_rows": 1}, None, {"identified_by": "Patient", "maximum_rows": 1}],
)
async def test_rows_of_persons_are_not_charged_by_the_row(policy: World, unit: dict[str, Any] | None) -> None:
    """Seven rows a person charged ε 1 are 8.6 per person."""
    await policy.set_up(unit=PATIENTS)
    assert "source.population-unit" in await codes(policy, unit)
    assert "source.population-unit" not in await codes(policy, {"identified_by": "patient", "maximum_rows": 1})


async def test_a_charge_is_for_all_rows_a_unit_may_own(policy: World) -> None:
    await policy.set_up(unit=PATIENTS)
    assert "source.population-unit" in await codes(policy, {"identified_by": "patient", "maximum_rows": 7})


async def test_persons_hold_in_a_population_of_rows(policy: World) -> None:
    await policy.set_up()
    assert await codes(policy, {"identified_by": "patient", "maximum_rows": 1}) == set()


async def test_no_person_sets_the_unit_aside(policy: World) -> None:
    await policy.set_up()
    body = {"rule": "source.population-unit", "reason": "r", "valid_until": "2099-01-01T00:00:00Z"}
    path = f"/v1/charters/{policy.charter_id}/exceptions"
    refused = await policy.call("scientist", "POST", path, json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "rule-not-waivable")


async def test_nobody_knows_what_an_undeclared_unit_is(policy: World) -> None:
    """What was written in words before units were declared is held against nothing until a steward says it, once."""
    await policy.set_up()
    await policy.sql("UPDATE populations SET unit_kind = 'undeclared'")
    assert "source.population-unit" in await codes(policy, {})
    path = f"/v1/populations/{policy.population_id}:declare-unit"
    await policy.post("steward", path, 204, {"kind": "row"})
    assert await codes(policy, {}) == set()
    await policy.post("steward", path, 409, PATIENTS)


@pytest.mark.parametrize("unit", [{"kind": "person"}, {"kind": "row", "identified_by": "x"}, {"kind": "household"}])
async def test_a_unit_is_declared_whole(policy: World, unit: dict[str, Any]) -> None:
    body = {"name": "p", "privacy_unit": "one row", "unit": unit, "epsilon": "1", "delta": "0.000001"}
    assert (await policy.call("steward", "POST", "/v1/populations", json=body)).status_code == 422


async def test_words_that_could_mean_anything_declare_nothing(policy: World) -> None:
    body = {"name": "p", "privacy_unit": "one person", "epsilon": "1", "delta": "0.000001"}
    refused = await policy.call("steward", "POST", "/v1/populations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "unit-undeclared")


@pytest.mark.parametrize(
    ("unit", "status"),
    [
        ({}, 422),
        ({"column": "person", "maximum_rows": 7}, 422),
        ({"column": "person", "maximum_rows": 7, "identifies": "patient"}, 201),
    ],
)
async def test_a_source_is_registered_with_its_populations_unit(
    intake: Intake, unit: dict[str, Any], status: int
) -> None:
    intake.policy.unit = PopulationUnit(kind="person", identified_by="patient")
    answer = await intake.declare(privacy_unit=unit)
    assert answer.status_code == status, answer.text
    if status != 201:
        assert answer.json()["code"] == "privacy-unit-mismatch"
        assert "identifies: patient" in answer.json()["detail"]


async def test_a_source_of_a_population_without_a_unit_is_not_registered(intake: Intake) -> None:
    intake.policy.unit = None
    assert (await intake.declare()).status_code == 422
