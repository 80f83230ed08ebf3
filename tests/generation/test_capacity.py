"""What an engine cannot carry is refused before a permit is asked for, by what is declared and about so many rows."""

from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from moneyer_generation.generators.catalogue import CATALOGUE, engine_named
from moneyer_generation.generators.protocol import CannotLearn, Capacity, complete
from moneyer_generation.generators.shaping import LEAST_DRAWN, ShapeUnreachable, shaped
from moneyer_generation.generators.synthcity_plugin import FittedPlugin
from moneyer_generation.planning.capacity import check_capacity
from moneyer_generation.planning.cautions import cautions_of
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.shape import Shape
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

Domain = dict[str, Any]


def words(count: int) -> Domain:
    return {"kind": "categorical", "categories": [f"v{i}" for i in range(count)]}


def number(low: float, high: float) -> Domain:
    return {"kind": "number", "minimum": low, "maximum": high}


def integer(low: int, high: int, bins: int = 32) -> Domain:
    return {"kind": "integer", "minimum": low, "maximum": high, "bins": bins}


def moments(low: str, high: str, resolution: str = "second") -> Domain:
    return {"kind": "timestamp", "minimum": low, "maximum": high, "resolution": resolution}


def declared(*domains: Domain, nullable: bool = False, **more: Any) -> SourceDeclaration:
    columns = [{"name": f"x{i}", "domain": domain, "nullable": nullable} for i, domain in enumerate(domains)]
    return SourceDeclaration.model_validate(
        {"name": "s", "description": "d", "population_id": UUID(int=0), "columns": columns, **more}
    )


ROWS = (
    "dpmm-mst",
    "dpmm-fixed",
    "bayesian-network",
    "arf",
    "marginal-distributions",
    "ctgan",
    "dpgan",
    "pategan",
    "aim",
)
WIDE = words(10_000)
REFUSED: dict[str, tuple[tuple[str, ...], SourceDeclaration, int, str]] = {
    "one category alone": (ROWS, declared(words(1)), 1000, "nothing-to-learn"),
    "one whole number alone": (ROWS, declared(integer(5, 5)), 1000, "nothing-to-learn"),
    "one day alone": (ROWS, declared({"kind": "date", "minimum": "2020-01-01", "maximum": "2020-01-01"}), 9, "nothing-to-learn"),
    "single values alone": (ROWS, declared(words(1), integer(0, 0), words(1)), 1000, "nothing-to-learn"),
    "a width that overflows": (ROWS, declared(number(-1e308, 1e308), words(3)), 1000, "numbers-too-far"),
    "half of that": (ROWS, declared(number(-8e307, 8e307), words(3)), 1000, "numbers-too-far"),
    "beyond single precision": (ROWS, declared(number(0, 1e39)), 1000, "numbers-too-far"),
    "whole integers listed": (("marginal-distributions",), declared(integer(-(2**50), 2**50), words(3)), 9, "too-many-values"),
    "seconds of ten years listed": (("marginal-distributions",), declared(moments("2020-01-01T00:00:00", "2030-01-01T00:00:00")), 9, "too-many-values"),
    "milliseconds of a day listed": (("marginal-distributions",), declared(moments("2020-01-01T00:00:00", "2020-01-02T00:00:00", "millisecond")), 9, "too-many-values"),
    "two wide columns counted": (("dpmm-mst", "bayesian-network"), declared(WIDE, WIDE), 1000, "too-many-values"),
    "many wide columns counted": (("dpmm-mst",), declared(*[words(4000)] * 8), 1000, "too-many-values"),
    "a wide target": (("dpmm-fixed",), declared(WIDE, WIDE, words(2), target="x0"), 1000, "too-many-values"),
    "places beyond memory": (("ctgan", "arf", "dpgan", "pategan"), declared(*[WIDE] * 40), 60_000, "too-many-values"),
}  # fmt: skip
CARRIED: dict[str, tuple[tuple[str, ...], SourceDeclaration, int]] = {
    "one category that may be missing": (ROWS, declared(words(1), nullable=True), 1000),
    "one beside another": (ROWS, declared(words(1), words(2)), 1000),
    "one column of numbers": (ROWS, declared(number(-1e37, 1e37)), 12),
    "the smallest width": (ROWS, declared(number(0, 5e-324)), 12),
    "whole integers in bins": (tuple(name for name in ROWS if name != "marginal-distributions"), declared(integer(-(2**50), 2**50)), 12),
    "wide columns that are not paired": (("dpmm-fixed",), declared(WIDE, WIDE), 1000),
    "wide columns beside a narrow target": (("dpmm-fixed",), declared(WIDE, WIDE, words(2), target="x2"), 1000),
    "NHANES": (ROWS[1:2] + ROWS[5:6], declared(*[words(12)] * 100, *[number(0, 1)] * 65), 10_000),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_engine_cannot_carry_is_refused_by_what_is_declared(name: str) -> None:
    engines, declaration, rows, code = REFUSED[name]
    for engine in engines:
        with pytest.raises(Invalid) as refused:
            check_capacity(engine_named(engine), declaration, rows)
        assert refused.value.problem_code == code, engine
        assert str(rows) not in str(refused.value.detail).split(), "no count of rows is told"


@pytest.mark.parametrize("name", CARRIED)
def test_what_it_carries_is_let_pass(name: str) -> None:
    engines, declaration, rows = CARRIED[name]
    for engine in engines:
        check_capacity(engine_named(engine), declaration, rows)


def test_the_memory_a_job_may_take_counts() -> None:
    wide = declared(*[words(8000)] * 3)
    check_capacity(engine_named("ctgan"), wide, 60_000)
    with pytest.raises(Invalid, match="more memory than a job may take"):
        check_capacity(engine_named("ctgan"), wide, 60_000, 12_000)
    check_capacity(engine_named("dpmm-mst"), declared(words(3000), words(3000)), 60_000, 12_000)


def test_an_engine_that_needs_rows_says_so_and_tells_no_count() -> None:
    class Needy:
        name, capacity = "needy", Capacity(least_rows=30)

    check_capacity(Needy(), declared(words(2)), 30)  # type: ignore[arg-type]
    with pytest.raises(Invalid) as refused:
        check_capacity(Needy(), declared(words(2)), 29)  # type: ignore[arg-type]
    assert refused.value.problem_code == "too-few-rows"
    assert "29" not in str(refused.value.detail)


# --- what only the rows tell -------------------------------------------------------------------


def same(rows: int) -> tuple[pa.Table, SourceDeclaration]:
    declaration = declared(number(0, 1), words(3), integer(0, 9), nullable=True)
    made = pa.table(
        {"x0": [0.5] * rows, "x1": [None] * rows, "x2": [7] * rows}, schema=arrow_schema(declaration.learned)
    )
    return made, declaration


@pytest.mark.parametrize("name", ["bayesian-network", "arf", "tvae", "nflow", "ddpm", "ctgan"])
def test_rows_that_are_all_alike_are_made_again_and_no_plugin_is_asked(name: str) -> None:
    """Some libraries end in an index of nothing, and one in an endless loop."""
    table, declaration = same(50)
    engine = engine_named(name)
    loader, constants = engine._loader(table, declaration)  # type: ignore[attr-defined]
    assert loader is None
    fitted = FittedPlugin(None, constants, declaration)
    loaded = FittedPlugin(*_unpickled(fitted.dump()), declaration)
    made = loaded.sample(30, 1)
    assert made.equals(table.slice(0, 30))


def _unpickled(model: bytes) -> tuple[Any, Any]:
    import pickle

    plugin, constants = pickle.loads(model)
    return plugin, constants


@pytest.mark.parametrize("name", ["dpgan", "pategan"])
def test_a_private_plugin_does_not_repeat_the_only_row(name: str) -> None:
    table, declaration = same(50)
    with pytest.raises(CannotLearn, match="nothing to learn privately"):
        engine_named(name)._loader(table, declaration)  # type: ignore[attr-defined]


@pytest.mark.parametrize("rows", [50, 20_000])
def test_what_a_model_never_makes_is_not_sought_for_ever(rows: int) -> None:
    drawn = 0

    class Monotone:
        def sample(self, rows: int, seed: int | None) -> pa.Table:
            nonlocal drawn
            drawn += rows
            return pa.table({"x0": ["v0"] * rows, "x1": np.zeros(rows)})

        def dump(self) -> bytes:
            return b""

    strata = [{"name": "often", "where": [{"column": "x0", "one_of": ["v0"]}], "share": "0.5"}]
    with pytest.raises(ShapeUnreachable, match=r"0 of \d+ rows drawn fit rest"):
        shaped(Monotone(), rows, 1, Shape.model_validate({"strata": strata}))
    assert drawn <= 2 * max(LEAST_DRAWN, 100_000)


# --- cautions ----------------------------------------------------------------------------------


def cautions(engine: str, declaration: SourceDeclaration, rows: int, **given: Any) -> str:
    carried = engine_named(engine)
    return "\n".join(cautions_of(carried, declaration, complete(carried, given), rows))


def owned(rows: int) -> SourceDeclaration:
    """Purchases of people who have at most so many."""
    who = {"name": "who", "domain": {"kind": "text"}, "role": "identifier"}
    columns = [who, {"name": "spent", "domain": words(20)}, {"name": "paid", "domain": words(2)}]
    unit = {"column": "who", "maximum_rows": rows}
    return SourceDeclaration.model_validate(
        {"name": "s", "description": "d", "population_id": UUID(int=0), "columns": columns, "privacy_unit": unit}
    )


def test_noise_is_told_beside_the_size_of_the_table() -> None:
    assert cautions("dpmm-mst", owned(3), 50_000) == ""
    told = cautions("dpmm-mst", owned(3000), 5000)
    assert "Nearly all of the table drowns" in told
    assert "It is 3000 times what one row of each who would need" in told
    assert "What few rows have in common is lost" in cautions("dpmm-fixed", owned(1), 300, epsilon="1")
    assert "larger epsilon" in cautions("dpmm-fixed", owned(1), 300, epsilon="0.1")
    assert cautions("arf", owned(3000), 5000) == "", "no noise is added"


def test_the_noise_that_is_told_is_the_one_that_is_added() -> None:
    engine = engine_named("dpmm-mst")
    one, many = (engine.noise(owned(rows), complete(engine, {})) for rows in (1, 3000))
    assert one is not None
    assert many is not None
    assert many / one == pytest.approx(3000, rel=1e-3)
    assert one == pytest.approx(np.sqrt(3 / (2 * 0.0244)), rel=0.02)


def test_equal_parts_are_told_where_a_number_is_learned_by_them() -> None:
    skewed = declared(number(0, 35_000), integer(0, 31), integer(0, 32), words(3))
    told = cautions("dpmm-mst", skewed, 20_000)
    assert "x0, x2: learned by their place in equal parts" in told
    assert "exactly 0" in told
    assert cautions("arf", skewed, 20_000) == ""


def test_what_is_invented_joins_nothing_and_the_offer_says_so() -> None:
    key = {"name": "pid", "domain": {"kind": "text", "replacement": "number"}, "role": "identifier"}
    people = SourceDeclaration.model_validate(
        declared(words(2)).model_dump() | {"columns": [key, {"name": "x", "domain": words(2)}]}
    )
    assert "pid: invented for this table alone" in cautions("arf", people, 1000)
    assert "joining" not in cautions("arf", declared(words(2)), 1000)


def test_every_engine_says_what_it_carries() -> None:
    for engine in CATALOGUE.values():
        assert engine.capacity.most_columns >= 64
        if engine.name not in {"dpmm-mst", "dpmm-fixed", "aim", "marginal-distributions"}:
            assert engine.capacity.most_places is not None, engine.name
    with pytest.raises(ValidationError):
        declared()
