"""Runs of an engine on a public table with and without one record, scored by who sees only what the engine makes.

Half of a small table holds a category, and the record is one more that does; a score is the share of made rows that
hold it. A category nobody else has would be the worst case for a count, but mechanisms that drop small counts show
none of it. Nothing here is anybody's data, so nothing is charged.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa

from moneyer_generation.generators.protocol import Engine
from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_schema

HELD = "held"
HOLDERS, MADE = 40, 20_000
TABLE = SourceDeclaration(
    name="audit",
    description="A made-up table of eighty people, half of whom hold a category, and one more who does.",
    population_id=UUID(int=0),
    target="b",
    columns=[
        Column(name="a", domain=CategoricalDomain(kind="categorical", categories=[HELD, "other"])),
        Column(name="b", domain=CategoricalDomain(kind="categorical", categories=["x", "y"])),
    ],
)


def people(*, with_record: bool) -> pa.Table:
    """The public table; with the record or without."""
    a, b = [HELD] * HOLDERS + ["other"] * HOLDERS, ["x", "y"] * HOLDERS
    record = [[HELD], ["x"]] if with_record else [[], []]
    return pa.table({"a": a + record[0], "b": b + record[1]}, schema=arrow_schema(TABLE.columns))


def scores(engine: Engine, parameters: Mapping[str, Any], fits: int) -> Iterator[tuple[bool, float]]:
    """(whether the record was there, the score) of so many fits, half of them each way; no seed: the noise is fresh."""
    for number in range(fits):
        present = number % 2 == 0
        fitted = engine.fit(people(with_record=present), TABLE, parameters, None, lambda _: None)
        made = fitted.sample(MADE, None)
        yield present, made["a"].to_pylist().count(HELD) / MADE
