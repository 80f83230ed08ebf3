"""A measurement as a run: charged once, no table, read for nothing, and a source declared by it and by nothing forged."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from generation.conftest import KEY, World, caller_of

from moneyer_generation.documents.measurements import NewName
from moneyer_generation.documents.sources import SourceVersion
from moneyer_generation.generators import child
from moneyer_generation.store.sources import SealedVersion
from moneyer_generation.use_cases.measurements import draft_measured_source, get_measured_domain
from moneyer_generation.use_cases.plans import offer_for, request_generation
from moneyer_generation.use_cases.runs import carry_run
from moneyer_generation.use_cases.sources import register_source
from moneyer_generation.work import Work
from moneyer_shared import custody
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Plan
from moneyer_shared.drafting.answers import read_answers
from moneyer_shared.drafting.rules import with_rules
from moneyer_shared.errors import Forbidden, Invalid, MoneyerError, NotFound
from moneyer_shared.exact import arrow_schema

AGES = {"kind": "integer", "minimum": 10, "maximum": 99, "bins": 32}
LABELS = {"kind": "categorical", "categories": ["no", "yes"]}
TOLD = {
    "columns": [
        {"name": "age", "domain": AGES, "found": [{"what": "20 to 49", "units": 61}], "least": 20},
        {"name": "ill", "domain": LABELS, "found": [{"what": "no", "units": 50}, {"what": "yes", "units": 31}], "least": 22},
        {"name": "rare", "domain": None, "found": [], "least": 22},
    ],
    "digest": "sha256:" + "0" * 64,
    "environment": {},
}  # fmt: skip


def to_measure(population_id: UUID) -> SourceDeclaration:
    columns = [("age", "integer"), ("ill", "category"), ("rare", "category")]
    return SourceDeclaration.model_validate(
        {
            "name": f"s-{uuid4().hex[:6]}",
            "description": "d",
            "population_id": str(population_id),
            "columns": [{"name": name, "domain": {"kind": "unmeasured", "of": of}} for name, of in columns],
        }
    )


async def source(world: World, declaration: SourceDeclaration, by: str = "steward") -> UUID:
    async with world.dependencies.begin(Work, caller_of(by)) as work:
        source_id = (await register_source(work, declaration)).id
        version = SourceVersion(
            id=uuid4(), source_id=source_id, train_rows=100, holdout_rows=10, sealed_bytes=1, uploaded_by=by,
            uploaded_at=datetime.now(UTC),
        )  # fmt: skip
        await work.sources.add_version(SealedVersion(version, uuid4(), "t", "h"))
    return source_id


def plan(source_id: UUID, **changes: Any) -> Plan:
    made = {
        "charter_id": uuid4(), "use_case": "u", "audience": "a", "source_id": str(source_id),
        "generator": "domain-discovery", "rows": 1, "rationale": "r",
    }  # fmt: skip
    return Plan.model_validate(made | changes)


async def run_of(world: World, source_id: UUID, **changes: Any) -> UUID:
    return (await request_generation(world.flow("scientist"), plan(source_id, **changes), uuid4().hex)).id


async def measured_run(world: World, population_id: UUID | None = None) -> UUID:
    run_id = await run_of(world, await source(world, to_measure(population_id or uuid4())))
    world.messages[:] = [{"progress": 0.5}, {"fitted": True}, {"measured": TOLD}]
    await carry_run(world.flow(), run_id)
    return run_id


async def drafted(world: World, run_id: UUID) -> SourceDeclaration:
    async with world.dependencies.begin(Work, caller_of("steward"), read_only=True) as work:
        return await draft_measured_source(work, run_id, NewName(name=f"m-{uuid4().hex[:6]}"))


async def test_a_run_that_measures_ends_measured_with_its_permit_settled_so(world: World) -> None:
    run_id = await measured_run(world)
    run = await world.row(run_id)
    assert (run.state, run.settled, run.redeemed, run.asset) == ("measured", True, True, None)
    assert world.policy.said == ["redeem", "settle measured"]
    assert (run.guarantee, run.offer.mechanism.kind, run.offer.mechanism.delta) == (
        "proven",
        "approximate-zcdp",
        "0.0000005",
    )
    await carry_run(world.flow(), run_id)
    assert world.policy.said == ["redeem", "settle measured"], "an end is an end"


async def test_what_was_measured_is_read_by_its_two_owners_alone(world: World) -> None:
    run_id = await measured_run(world)
    for person in ("steward", "scientist"):
        async with world.dependencies.begin(Work, caller_of(person), read_only=True) as work:
            shown = await get_measured_domain(work, run_id)
        assert [column.name for column in shown.columns] == ["age", "ill", "rare"]
        assert (shown.run_id, shown.rarer, shown.guarantee.level) == (run_id, "refused", "proven")
    async with world.dependencies.begin(Work, caller_of("stranger"), read_only=True) as work:
        with pytest.raises(Forbidden):
            await get_measured_domain(work, run_id)
        with pytest.raises(Forbidden):
            await draft_measured_source(work, run_id, NewName(name="n"))


async def test_nothing_of_what_was_found_is_told_to_the_record(world: World) -> None:
    run_id = await measured_run(world)
    async with world.dependencies.begin(Work, caller_of("steward")) as work:
        from moneyer_generation.tables import journal

        rows = (await work.connection.execute(journal.outbox.select())).all()
    told = [row.payload for row in rows if str(run_id) in json.dumps(row.payload)]
    facets = [p["run"]["facets"] for p in told if "run" in p]
    (facet,) = [one["moneyer_measurement"] for one in facets if "moneyer_measurement" in one]
    assert (facet["columns"], facet["noise"], facet["digest"]) == (3, "fresh", TOLD["digest"])
    assert facet["guarantee"]["epsilon"] == "0.5"
    assert not any(word in json.dumps(told) for word in ("20 to 49", '"minimum"', '"yes"'))


async def test_a_run_that_made_a_table_measured_nothing(world: World) -> None:
    run_id = await world.run()
    async with world.dependencies.begin(Work, caller_of("scientist"), read_only=True) as work:
        with pytest.raises(NotFound):
            await get_measured_domain(work, run_id)


async def test_what_becomes_of_what_was_not_found_is_asked_and_answered(world: World) -> None:
    """Of rare labels and far amounts a person decides; the label they name is listed beside those that were paid for."""
    population = uuid4()
    run_id = await measured_run(world, population)
    async with world.dependencies.begin(Work, caller_of("steward"), read_only=True) as work:
        asked = (await get_measured_domain(work, run_id)).questions
    assert [(one.answer, one.columns) for one in asked] == [("age=outside ", ["age"]), ("ill=unlisted ", ["ill"])]
    assert all(one.default == "refused, with column and row" for one in asked)
    declaration = await drafted(world, run_id)
    assert not any(column.replaces for column in declaration.columns), "nothing is decided for them"
    answers = read_answers(["age=outside nearest", "ill=unlisted other"])
    ruled = with_rules(declaration, answers)
    ruled = ruled.model_copy(update={"columns": ruled.columns[:2]})
    assert (ruled.column("age").rule, ruled.column("ill").rule) == ("nearest", "other")
    _, offer, _ = await offer_for(world.flow(), plan(await source(world, ruled), generator="dpmm-fixed", rows=10))
    assert offer.guarantee.level == "proven"
    assert "of 2 column(s) were replaced beforehand" in offer.guarantee.statement
    forged = ruled.column("ill").model_copy(
        update={"domain": CategoricalDomain(kind="categorical", categories=["no", "yes", "sometimes", "other"])}
    )
    with pytest.raises(Invalid, match="none of this population"):
        await source(world, ruled.model_copy(update={"columns": [ruled.columns[0], forged], "name": "f"}))
    for wrong in ("age=integer 0..5", "ill=outside nearest", "age=unlisted other"):
        with pytest.raises(Invalid):
            with_rules(declaration, read_answers([wrong]))


async def test_a_source_declared_by_a_measurement_earns_proven_and_its_label_says_what_was_paid(world: World) -> None:
    population = uuid4()
    run_id = await measured_run(world, population)
    declaration = await drafted(world, run_id)
    age, ill, rare = declaration.columns
    assert age.origin is not None
    assert (age.origin.kind, age.origin.reference) == ("measured", str(run_id))
    assert (age.domain.model_dump(mode="json"), ill.domain.model_dump(mode="json")) == (AGES, LABELS)
    assert (rare.domain.kind, rare.origin) == ("unmeasured", None), "nobody knows more of it"
    found = declaration.model_copy(update={"columns": [age, ill]})
    _, offer, _ = await offer_for(world.flow(), plan(await source(world, found), generator="dpmm-fixed", rows=10))
    assert (offer.guarantee.level, offer.data_domains) == ("proven", [])
    assert f"run {run_id} under (0.5, 0.000001)" in offer.guarantee.statement
    assert "charged to the same population" in offer.guarantee.statement


def _other_run(document: dict[str, Any]) -> None:
    document["columns"][0]["origin"]["reference"] = str(uuid4())


def _no_run(document: dict[str, Any]) -> None:
    document["columns"][0]["origin"]["reference"] = "somewhere"


def _nothing(document: dict[str, Any]) -> None:
    document["columns"][0]["origin"]["reference"] = None


def _narrower(document: dict[str, Any]) -> None:
    document["columns"][0]["domain"]["maximum"] = 87


def _one_label_more(document: dict[str, Any]) -> None:
    document["columns"][1]["domain"]["categories"].append("maybe")


def _other_column(document: dict[str, Any]) -> None:
    document["columns"][0]["name"] = "wealth"


def _other_population(document: dict[str, Any]) -> None:
    document["population_id"] = str(uuid4())


@pytest.mark.parametrize(
    "forge", [_other_run, _no_run, _nothing, _narrower, _one_label_more, _other_column, _other_population]
)
async def test_a_forged_reference_to_a_measurement_is_refused(world: World, forge: Any) -> None:
    declaration = await drafted(world, await measured_run(world))
    document = declaration.model_dump(mode="json")
    document["columns"] = document["columns"][:2]
    forge(document)
    async with world.dependencies.begin(Work, caller_of("steward")) as work:
        with pytest.raises(Invalid) as refused:
            await register_source(work, SourceDeclaration.model_validate(document))
    assert refused.value.problem_code == "origin-measured"


async def test_a_run_that_did_not_end_well_measured_nothing_to_refer_to(world: World) -> None:
    declaration = await drafted(world, run_id := await measured_run(world))
    async with world.dependencies.begin(Work, caller_of("steward")) as work:
        from sqlalchemy import update

        from moneyer_generation.tables import runs

        await work.connection.execute(update(runs).where(runs.c.id == run_id).values(state="failed"))
        with pytest.raises(Invalid):
            await register_source(work, declaration)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rows": 100}, "makes-no-table"),
        ({"seed": 1}, "makes-no-table"),
        ({"blend": {"share": "0.1"}}, "makes-no-table"),
        ({"generator": "dpmm-mst", "rows": 10}, "domain-unmeasured"),
    ],
)
async def test_what_cannot_be_asked_of_a_source_to_measure(world: World, changes: dict[str, Any], code: str) -> None:
    source_id = await source(world, to_measure(uuid4()))
    with pytest.raises(MoneyerError) as refused:
        await run_of(world, source_id, **changes)
    assert refused.value.problem_code == code


async def test_a_measurement_is_no_model_to_sample(world: World) -> None:
    run_id = await measured_run(world)
    source_id = (await world.row(run_id)).plan.source_id
    with pytest.raises(Invalid) as refused:
        await run_of(world, source_id, model=str(run_id))
    assert refused.value.problem_code == "no-model"
    async with world.dependencies.begin(Work, caller_of("steward"), read_only=True) as work:
        assert run_id not in [model.id for model in await work.runs.models(None)]


# --- in the child ----------------------------------------------------------------------------


def child_job(tmp_path: Path, declaration: SourceDeclaration) -> dict[str, Any]:
    store = custody.open_store(tmp_path.as_uri())
    table = pa.table(
        {"age": [30] * 300, "ill": ["yes"] * 150 + ["no"] * 150, "rare": [f"r{i}" for i in range(300)]},
        schema=arrow_schema(declaration.widest.columns),
    )
    key = b64encode(b"k" * 32).decode()
    custody.put_new(store, "t", custody.seal_table(table.to_batches(), table.schema, b"k" * 32, "t"))
    return {
        "objects_url": tmp_path.as_uri(), "declaration": declaration.model_dump(mode="json"),
        "generator": "domain-discovery", "parameters": {"epsilon": "5", "delta": "0.000001", "values_per_unit": 1},
        "train_object": "t", "model_object": "m", "source_key": key, "asset_key": KEY, "model_key": KEY,
    }  # fmt: skip


def test_the_child_measures_once_and_tells_the_same_again(tmp_path: Path) -> None:
    """What was sealed before a crash is that one execution's result: it is told again, and not measured again."""
    job = child_job(tmp_path, to_measure(uuid4()))
    first: list[dict[str, Any]] = []
    child.measure(job, first.append)
    told = first[-1]["measured"]
    assert [column["domain"] is None for column in told["columns"]] == [False, False, True]
    assert {"fitted": True} in first
    again: list[dict[str, Any]] = []
    child.measure(job | {"source_key": None}, again.append)
    assert again[-1]["measured"] == told
