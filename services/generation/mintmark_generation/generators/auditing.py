"""Runs of an engine on a public table with and without one worst-case record, scored by who sees only what it makes.

The record holds a category that nobody else has. A score is the share of made rows that hold it too: the more, the
surer that the record was there. Nothing here is anybody's data, so nothing is charged.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa

from mintmark_generation.generators.protocol import Engine
from mintmark_shared.contracts.generation import CategoricalDomain, Column, SourceDeclaration
from mintmark_shared.exact import arrow_schema

RARE = "rare"
PEOPLE, MADE = 100, 2_000
TABLE = SourceDeclaration(
    name="audit",
    description="A made-up table of a hundred people, and one more whose category nobody shares.",
    population_id=UUID(int=0),
    target="b",
    columns=[
        Column(name="a", domain=CategoricalDomain(kind="categorical", categories=["x", "y", RARE])),
        Column(name="b", domain=CategoricalDomain(kind="categorical", categories=["x", "y"])),
    ],
)


def people(*, with_record: bool) -> pa.Table:
    """The public table; with its worst-case record or without."""
    a, b = ["x", "y"] * (PEOPLE // 2), ["x", "x", "y", "y"] * (PEOPLE // 4)
    record = [[RARE], ["x"]] if with_record else [[], []]
    return pa.table({"a": a + record[0], "b": b + record[1]}, schema=arrow_schema(TABLE.columns))


def scores(engine: Engine, parameters: Mapping[str, Any], fits: int) -> Iterator[tuple[bool, float]]:
    """(whether the record was there, the score) of so many fits, half of them each way; no seed: the noise is fresh."""
    for number in range(fits):
        present = number % 2 == 0
        fitted = engine.fit(people(with_record=present), TABLE, parameters, None, lambda _: None)
        made = fitted.sample(MADE, None)
        yield present, made["a"].to_pylist().count(RARE) / MADE
