"""What a plan would get is told before anything is paid, and what cannot be is refused before the gate is asked."""

from typing import Any
from uuid import uuid4

import pytest
from generation.conftest import World, caller_of, world
from generation.test_capacity import declared, integer, number, words

from moneyer_generation.documents.sources import SourceVersion
from moneyer_generation.execution.children import ChildFailed
from moneyer_generation.store.sources import SealedVersion
from moneyer_generation.use_cases.runs import PAID, carry_run
from moneyer_generation.use_cases.sources import register_source
from moneyer_generation.work import Work
from moneyer_shared.contracts.generation import SourceDeclaration

__all__ = ["world"]


async def plan(world: World, declaration: SourceDeclaration, rows: int = 1000, **changes: Any) -> dict[str, Any]:
    """A plan over a source so declared, of which so many rows were uploaded."""
    async with world.dependencies.begin(Work, caller_of("steward")) as work:
        source_id = (await register_source(work, declaration.model_copy(update={"name": f"s-{uuid4().hex[:6]}"}))).id
        version = SourceVersion(
            id=uuid4(),
            source_id=source_id,
            train_rows=rows,
            holdout_rows=10,
            sealed_bytes=1,
            uploaded_by="s",
            uploaded_at=work.now,
        )
        await work.sources.add_version(SealedVersion(version, uuid4(), "t", "h"))
    return {
        "charter_id": str(uuid4()), "use_case": "u", "audience": "a", "source_id": str(source_id), "generator": "dpmm-mst",
        "rows": 10, "rationale": "r",
    } | changes  # fmt: skip


async def ask(world: World, path: str, body: dict[str, Any], person: str = "scientist") -> Any:
    return await world.call(person, "POST", path, json=body, headers={"Idempotency-Key": uuid4().hex})


async def test_an_offer_asks_for_nothing_and_says_what_will_be_lost(world: World) -> None:
    asked: list[Any] = []
    world.policy.decide = asked.append  # type: ignore[method-assign]
    body = await plan(world, declared(number(0, 35_000), words(3)), 60, parameters={"epsilon": "0.1"})
    answer = await ask(world, "/v1/generations:offer", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["plan"]["parameters"]["iterations"] == 2500, "defaults are filled in"
    assert told["offer"]["mechanism"]["kind"] == "zcdp"
    assert [word for word in ("drowns", "exactly 0") if word in " ".join(told["offer"]["cautions"])] == [
        "drowns",
        "exactly 0",
    ]
    assert "of about 60 rows" in " ".join(told["offer"]["cautions"])
    assert (asked, world.policy.said) == ([], [])
    assert (await world.call("scientist", "GET", "/v1/generations")).json() == []


async def test_the_offer_of_a_run_says_the_same(world: World) -> None:
    body = await plan(world, declared(number(0, 35_000), words(3)), 60, parameters={"epsilon": "0.1"})
    offered = (await ask(world, "/v1/generations:offer", body)).json()["offer"]
    run = await ask(world, "/v1/generations", body)
    assert run.status_code == 202, run.text
    assert run.json()["offer"] == offered


async def test_nobody_is_offered_somebody_elses_model(world: World) -> None:
    body = await plan(world, declared(words(2)))
    run = (await ask(world, "/v1/generations", body)).json()["id"]
    other = await world.call(
        "stranger", "POST", "/v1/generations:offer", scope="generation:runs:write", json=body | {"model": run}
    )
    assert (other.status_code, other.json()["code"]) == (403, "not-yours")


async def test_how_many_rows_there_are_is_told_roughly(world: World) -> None:
    """Two sources that differ in a person get the same offer."""
    told = []
    for rows in (1234, 1233):
        body = await plan(world, declared(words(3)), rows, parameters={"epsilon": "0.01"})
        told.append((await ask(world, "/v1/generations:offer", body)).json()["offer"]["cautions"])
    assert told[0] == told[1]
    assert "of about 1200 rows" in " ".join(told[0])


DOOMED: dict[str, tuple[SourceDeclaration, dict[str, Any], str]] = {
    "a shape no row holds": (
        declared(number(0, 1), number(0, 1)),
        {"shape": {"constraints": [{"left": "x0", "relation": one, "right": "x1"} for one in "<>"]}},
        "shape-impossible",
    ),
    "a range without a whole number": (
        declared(integer(0, 100), words(2)),
        {"shape": {"where": [{"column": "x0", "minimum": "10.5", "maximum": "10.9"}]}},
        "condition-impossible",
    ),
    "one category alone": (declared(words(1)), {}, "nothing-to-learn"),
    "a width that overflows": (declared(number(-1e308, 1e308)), {}, "numbers-too-far"),
    "whole integers": (declared(integer(-(2**50), 2**50)), {"generator": "marginal-distributions"}, "too-many-values"),
    "more variety than is declared": (
        SourceDeclaration.model_validate(
            declared(words(2), words(2)).model_dump()
            | {"columns": [
                {"name": "x0", "domain": words(2), "role": "quasi-identifier"},
                {"name": "x1", "domain": words(2), "role": "sensitive"},
            ]}
        ),
        {"suppression": {"l": 3}},
        "suppression-impossible",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOOMED)
async def test_a_doomed_plan_reaches_neither_gate_nor_purse(world: World, name: str) -> None:
    asked: list[Any] = []
    world.policy.decide = asked.append  # type: ignore[method-assign]
    declaration, changes, code = DOOMED[name]
    body = await plan(world, declaration, **changes)
    for path in ("/v1/generations:offer", "/v1/generations"):
        answer = await ask(world, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (asked, world.policy.said) == ([], [])


async def test_what_only_the_rows_tell_ends_with_its_reason_and_says_what_stays_charged(world: World) -> None:
    body = await plan(world, declared(words(2)))
    run = (await ask(world, "/v1/generations", body)).json()["id"]
    world.messages.append(ChildFailed("no column of the source varies"))
    await carry_run(world.flow(), run)
    failure = (await world.call("scientist", "GET", f"/v1/generations/{run}")).json()["failure"]
    assert failure == "The generator failed: no column of the source varies" + PAID


async def test_every_generator_says_what_it_carries(world: World) -> None:
    told = {one["name"]: one["capacity"] for one in (await world.call("scientist", "GET", "/v1/generators")).json()}
    assert told["dpmm-mst"]["most_columns"] == 64
    assert told["dpmm-fixed"]["pairs"] == "target"
    assert told["marginal-distributions"]["most_span"] == 2**24
    assert told["ctgan"]["most_places"] == 2**31
