"""Tables that are broken in one way each: an estimate, or a stated reason why not; never a crash, a silent zero or a NaN."""

from collections.abc import Callable
from math import isfinite

import numpy as np
import pyarrow as pa
import pytest
from evaluation.test_measures import DECLARATION, population

from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.measures.suite import assay
from moneyer_evaluation.rules import NotEstimable
from moneyer_shared.contracts.generation import SourceDeclaration


def constant(table: pa.Table, name: str, value: object) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, name, pa.array([value] * table.num_rows, table.schema.field(name).type))


def all_constant(table: pa.Table) -> pa.Table:
    for name, value in (("age", 7), ("income", 0.5), ("region", "a"), ("ill", "no")):
        table = constant(table, name, value)
    return table


Three = tuple[pa.Table, pa.Table, pa.Table]
BROKEN: dict[str, Callable[[], Three]] = {
    "one row each": lambda: (population(1, 1), population(1, 2), population(1, 3)),
    "one row made": lambda: (population(900, 1), population(400, 2), population(1, 3)),
    "nothing made": lambda: (population(900, 1), population(400, 2), population(0, 3)),
    "few held out": lambda: (population(900, 1), population(3, 2), population(900, 3)),
    "constant columns": lambda: tuple(all_constant(population(500, seed)) for seed in (1, 2, 3)),  # type: ignore[return-value]
    "constant asset": lambda: (population(900, 1), population(400, 2), all_constant(population(900, 3))),
    "one class made": lambda: (population(900, 1), population(400, 2), constant(population(900, 3), "ill", "yes")),
    "a group of nobody": lambda: (population(900, 1), population(400, 2), constant(population(900, 3), "region", "f")),
    "all missing": lambda: (population(900, 1), population(400, 2), constant(population(900, 3), "income", None)),
    "one missing everywhere": lambda: tuple(constant(population(500, seed), "income", None) for seed in (1, 2, 3)),  # type: ignore[return-value]
    "a category nobody had": lambda: (
        constant(population(900, 1), "region", "a"),
        constant(population(400, 2), "region", "a"),
        population(900, 3),
    ),
}


def sound(tables: Tables) -> None:
    for one in assay(tables):
        if isinstance(one, NotEstimable):
            assert one.because
            continue
        assert all(map(isfinite, (one.value, one.lower, one.upper))), one
        assert one.lower <= one.value + 1e-9, one
        assert one.value <= one.upper + 1e-9, one
        assert one.n > 0, one


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.filterwarnings("error")
def test_a_broken_table_is_judged_or_refused_with_a_reason(name: str) -> None:
    sound(Tables.of(DECLARATION, *BROKEN[name](), 0))


def test_three_hundred_columns() -> None:
    names = [f"n{i}" for i in range(150)] + [f"c{i}" for i in range(150)]
    columns = [
        {"name": name, "domain": {"kind": "number", "minimum": 0, "maximum": 1}}
        if name[0] == "n" else {"name": name, "domain": {"kind": "categorical", "categories": list("xyz")}}
        for name in names
    ]  # fmt: skip
    columns[0]["role"], columns[200]["role"], columns[201]["role"] = "quasi-identifier", "protected", "sensitive"
    declared = SourceDeclaration.model_validate(DECLARATION.model_dump() | {"columns": columns, "target": "c0"})

    def made(seed: int) -> pa.Table:
        random = np.random.default_rng(seed)
        return pa.table(
            {name: random.random(150) if name[0] == "n" else random.choice(list("xyz"), 150) for name in names}
        )

    sound(Tables.of(declared, made(1), made(2), made(3), 0))


def test_many_categories() -> None:
    """A category of a thousand values costs no more than the rows that hold them."""
    columns = [
        {"name": name, "domain": {"kind": "categorical", "categories": [f"v{i}" for i in range(1000)]}} for name in "ab"
    ]
    declared = SourceDeclaration.model_validate(DECLARATION.model_dump() | {"columns": columns, "target": None})

    def made(seed: int) -> pa.Table:
        random = np.random.default_rng(seed)
        return pa.table({name: [f"v{i}" for i in random.integers(0, 1000, 800)] for name in "ab"})

    sound(Tables.of(declared, made(1), made(2), made(3), 0))
