"""Runs of an engine on a public table with and without one record, scored by who sees only what the engine makes.

Half of a small table holds a category, and the record is one more that does; a score is the share of made rows that
hold it. A category nobody else has would be the worst case for a count, but mechanisms that drop small counts show
none of it.

What measures a domain is audited on a table of its own: the record is a person with as many rows as one may own, all
of them far from everybody else's and of a label that nobody else has, beside a value and a label that many hold. A
score is the noisy counts of those, and much more if what the person alone holds is told.

Nothing here is anybody's data, so nothing is charged.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa

from moneyer_generation.documents.measurements import Measurement
from moneyer_generation.generators.catalogue import engine_named
from moneyer_generation.generators.domain_discovery import DomainDiscovery, to_measure
from moneyer_generation.generators.protocol import Described, Engine, Needs
from moneyer_shared.contracts.domains import CategoricalDomain, TextDomain, UnmeasuredDomain
from moneyer_shared.contracts.generation import Column, PrivacyUnit, SourceDeclaration
from moneyer_shared.exact import arrow_schema

AUDITED: frozenset[Needs] = frozenset({"rows", "unmeasured"})
"""What an engine must learn from to be audited."""
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
CROWD, ROWS, USUAL, FAR, ALONE = 400, 32, 30, 10**12, "alone"
TO_MEASURE = SourceDeclaration(
    name="audit-of-measurements",
    description="A made-up table of four hundred people with one value, and one more far away.",
    population_id=UUID(int=0),
    privacy_unit=PrivacyUnit(column="person", maximum_rows=ROWS),
    columns=[
        Column(name="person", domain=TextDomain(kind="text"), role="identifier"),
        *(Column(name=name, domain=UnmeasuredDomain(kind="unmeasured", of="integer")) for name in ("common", "far")),
        *(Column(name=name, domain=UnmeasuredDomain(kind="unmeasured", of="category")) for name in ("label", "alone")),
    ],
)
SURELY = 10**9
"""Beyond every noisy count."""


def table_for(engine: Described) -> SourceDeclaration:
    """The declaration of the table that an engine is audited on."""
    return TO_MEASURE if engine.needs == "unmeasured" else TABLE


def people(*, with_record: bool) -> pa.Table:
    """The public table; with the record or without."""
    a, b = [HELD] * HOLDERS + ["other"] * HOLDERS, ["x", "y"] * HOLDERS
    record = [[HELD], ["x"]] if with_record else [[], []]
    return pa.table({"a": a + record[0], "b": b + record[1]}, schema=arrow_schema(TABLE.columns))


def crowd(*, with_record: bool) -> pa.Table:
    """The table to measure; with the record or without."""
    one_more = ROWS if with_record else 0
    columns = {
        "person": [f"p{number}" for number in range(CROWD)] + ["outlier"] * one_more,
        "common": [USUAL] * (CROWD + one_more),
        "far": [USUAL] * CROWD + [FAR] * one_more,
        "label": [HELD] * (CROWD + one_more),
        "alone": [HELD] * CROWD + [ALONE] * one_more,
    }
    return pa.table(columns, schema=arrow_schema(TO_MEASURE.widest.columns))


def scores(engine: Described, parameters: Mapping[str, Any], fits: int) -> Iterator[tuple[bool, float]]:
    """(whether the record was there, the score) of so many runs, half of them each way; no seed: the noise is fresh."""
    for number in range(fits):
        present = number % 2 == 0
        if isinstance(engine, DomainDiscovery):
            yield present, _score_of_measurement(engine, parameters, present=present)
        else:
            yield present, _score_of_table(engine_named(engine.name), parameters, present=present)


def _score_of_table(engine: Engine, parameters: Mapping[str, Any], *, present: bool) -> float:
    fitted = engine.fit(people(with_record=present), TABLE, parameters, None, lambda _: None)
    made = fitted.sample(MADE, None)
    return float(made["a"].to_pylist().count(HELD) / MADE)


def _score_of_measurement(engine: DomainDiscovery, parameters: Mapping[str, Any], *, present: bool) -> float:
    table = to_measure(crowd(with_record=present), TO_MEASURE)
    return score_of(engine.measure(table, TO_MEASURE, parameters, lambda _: None))


def score_of(measured: Measurement) -> float:
    """How surely a measurement shows that the record was there."""
    common, far, label, alone = measured.columns
    shown = [found.what == ALONE for found in alone.found]
    shown += [found.what.startswith(str(FAR)) for found in far.found]
    return SURELY * sum(shown) + sum(found.units for column in (common, label) for found in column.found)
