"""What is earned over a domain that was read from the rows, and who may say that one was measured (I10)."""

from typing import Any
from uuid import uuid4

import pytest
from generation.conftest import World, caller_of

from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.planning.orders import earned_over
from moneyer_generation.use_cases.sources import register_source
from moneyer_generation.work import Work
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import Invalid

KINDS = ("dictionary", "person", "standard", "measured", "data")


def declared(*origins: str | None) -> SourceDeclaration:
    columns = [
        Column.model_validate({"name": f"c{i}", "domain": {"kind": "integer", "minimum": 0, "maximum": 9}}
        | ({"origin": {"kind": origin}} if origin else {}))
        for i, origin in enumerate(origins)
    ]  # fmt: skip
    return SourceDeclaration(name=f"s-{uuid4().hex[:6]}", description="d", population_id=uuid4(), columns=columns)


def defaults(name: str) -> dict[str, Any]:
    return {key: spec.default for key, spec in engine_named(name).parameters.items()}


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name.startswith("dpmm")])
@pytest.mark.parametrize("origin", [None, *KINDS])
def test_a_domain_read_from_the_rows_earns_no_proven_label(name: str, origin: str | None) -> None:
    source = declared("standard", origin)
    guarantee = engine_named(name).guarantee(source, defaults(name))
    earned = earned_over(source, guarantee)
    assert earned.level == ("claimed" if origin == "data" else "proven")
    if origin == "data":
        assert "c1 were read from the real rows" in earned.gaps[0]
        assert "measured under budget" in earned.gaps[0]
        assert (earned.epsilon, earned.delta) == (guarantee.epsilon, guarantee.delta)
    else:
        assert earned == guarantee


async def test_a_plan_over_such_a_source_is_offered_as_claimed_with_its_columns(world: World) -> None:
    asked: list[Any] = []
    decide = world.policy.decide

    async def told(request: Any) -> Any:
        asked.append(request)
        return await decide(request)

    world.policy.decide = told  # type: ignore[method-assign]
    await world.run(origin={"kind": "data", "reference": "the file itself"})
    assert (asked[0].offer.guarantee.level, asked[0].offer.data_domains) == ("claimed", ["c"])
    await world.run()
    assert (asked[1].offer.guarantee.level, asked[1].offer.data_domains) == ("proven", [])


@pytest.mark.parametrize("origin", [None, *KINDS])
async def test_nobody_outside_says_that_a_domain_was_measured(world: World, origin: str | None) -> None:
    async with world.dependencies.begin(Work, caller_of("steward")) as work:
        if origin == "measured":
            with pytest.raises(Invalid) as refusal:
                await register_source(work, declared("data", origin))
            assert refusal.value.problem_code == "origin-measured"
            return
        kept = await register_source(work, declared("data", origin))
    assert kept.declaration.columns_from("data") == (["c0", "c1"] if origin == "data" else ["c0"])


def test_a_declaration_of_before_says_what_it_said() -> None:
    assert declared(None).columns[0].origin is None
