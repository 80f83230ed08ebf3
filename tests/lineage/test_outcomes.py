"""What worked on tables like this: past configurations, found by what became of them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from lineage.conftest import World, event

SOURCE, CHARTER = str(UUID(int=1)), str(UUID(int=2))


def facet(**body: Any) -> dict[str, Any]:
    return {"_producer": "https://p.example", "_schemaURL": "https://s.example"} | body


def story(
    number: int, generator: str, *, gap: str | None, verdict: str | None, decision: str = "permit"
) -> list[dict[str, Any]]:
    """The events of one run as the services tell them."""
    asset, assay = str(UUID(int=100 + number)), str(UUID(int=900 + number))
    plan = facet(
        charter_id=CHARTER, use_case="research", generator=generator, parameters={"epsilon": str(number)}, rows=100,
        rationale="why not", guarantee={"level": "proven"},
    )  # fmt: skip
    decided = facet(id=str(uuid4()), verdict=decision, failed=[] if decision == "permit" else ["budget.enough"])
    told = [
        event(asset, [f"moneyer.source/{SOURCE}"], [], moneyer_plan=plan),
        event(asset, [], [], moneyer_policyDecision=decided),
    ]
    if decision == "permit":
        told.append(event(asset, [], [], moneyer_charge=facet(epsilon=str(number), delta="0.1", releases=0)))
    if gap is not None:
        figure = {
            "metric": "utility-gap",
            "value": gap,
            "lower": str(float(gap) - 0.01),
            "upper": str(float(gap) + 0.01),
        }
        judged = facet(asset_id=asset, purpose="release", estimates=[figure])
        told.append(event(assay, [], [], moneyer_evaluation=judged))
        told.append(event(asset, [], [], moneyer_release=facet(verdict=verdict)))
    begun = datetime(2026, 1, number + 1, tzinfo=UTC)
    return [one | {"eventTime": (begun + timedelta(minutes=place)).isoformat()} for place, one in enumerate(told)]


@pytest.fixture
async def tried(world: World) -> World:
    """Four runs, told in no order."""
    told = [
        *story(1, "dpmm-mst", gap="0.20", verdict="rejected"),
        *story(2, "dpmm-mst", gap="0.10", verdict="released"),
        *story(3, "dpmm-mst", gap="0.05", verdict="released"),
        *story(4, "aim", gap=None, verdict=None, decision="deny"),
    ]
    random.Random(0).shuffle(told)
    await world.deliver(*told)
    return world


async def found(world: World, query: str, status: int = 200) -> Any:
    answer = await world.call("auditor", "GET", f"/v1/outcomes{query}")
    assert answer.status_code == status, answer.text
    return answer.json()


def numbers(rows: list[Any]) -> list[int]:
    return [UUID(row["asset_id"]).int - 100 for row in rows]


async def test_what_was_tried_is_found_by_what_became_of_it(tried: World) -> None:
    assert numbers(await found(tried, "")) == [4, 3, 2, 1], "the latest first"
    assert numbers(await found(tried, "?verdict=released&generator=dpmm-mst")) == [3, 2]
    assert numbers(await found(tried, f"?source={SOURCE}&charter={CHARTER}&decision=deny")) == [4]
    assert numbers(await found(tried, "?metric=utility-gap&at_most=0.11")) == [3, 2], "by the bound, not the estimate"
    assert numbers(await found(tried, "?metric=utility-gap&at_most=0.105")) == [3]
    assert numbers(await found(tried, f"?after={UUID(int=103)}")) == [2, 1]
    (one,) = await found(tried, "?metric=utility-gap&at_least=0.15")
    assert (one["verdict"], one["epsilon"], one["rationale"], one["parameters"]) == (
        "rejected",
        "1",
        "why not",
        {"epsilon": "1"},
    )
    (denied,) = await found(tried, "?generator=aim")
    assert (denied["failed"], denied["figures"], denied["epsilon"]) == (["budget.enough"], None, None)


async def test_generators_are_summed_up(tried: World) -> None:
    groups = {one["generator"]: one for one in await found(tried, "/summary?metric=utility-gap")}
    mine = groups["dpmm-mst"]
    assert {name: mine[name] for name in ("planned", "released", "rejected", "denied", "measured")} == {
        "planned": 3, "released": 2, "rejected": 1, "denied": 0, "measured": 3,
    }  # fmt: skip
    assert mine["median"] == pytest.approx(0.10)
    assert mine["correlation_with_epsilon"] < -0.9, "here a larger ε goes with a smaller loss"
    assert (groups["aim"]["denied"], groups["aim"]["median"]) == (1, None)


async def test_bad_questions_are_refused(tried: World) -> None:
    assert (await found(tried, "?at_most=1", 422))["code"] == "bound-of-nothing"
    await found(tried, "?metric=utility-gap&at_most=NaN", 422)
    await found(tried, "?nothing=1", 422)
    await found(tried, f"?after={uuid4()}", 404)
