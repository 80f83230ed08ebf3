"""What no row can hold is refused before anything is paid; whatever some row can hold is not. Held against all rows."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer_generation.generators.shaping import holds, keeps
from moneyer_generation.planning.satisfiability import Asked, held, values_of
from moneyer_generation.planning.shapes import check_shape
from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee
from moneyer_shared.contracts.shape import Condition, Constraint, Shape
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

NUMBERS, WORDS = ("a", "b", "c"), ("x", "y")
PROVEN = Guarantee(level="proven", unit="one row", statement="s")


@st.composite
def columns(draw: st.DrawFn) -> list[Column]:
    found = []
    for name in NUMBERS:
        low, width = draw(st.integers(-2, 2)), draw(st.integers(0, 3))
        domain = IntegerDomain(kind="integer", minimum=low, maximum=low + width)
        found.append(Column(name=name, domain=domain, nullable=draw(st.booleans())))
    for name in WORDS:
        categories = draw(st.lists(st.sampled_from("pqr"), min_size=1, max_size=3, unique=True))
        domain = CategoricalDomain(kind="categorical", categories=categories)
        found.append(Column(name=name, domain=domain, nullable=draw(st.booleans())))
    return found


@st.composite
def conditions(draw: st.DrawFn, most: int = 3) -> list[Condition]:
    found = []
    for name in draw(st.lists(st.sampled_from(NUMBERS + WORDS), max_size=most, unique=True)):
        if draw(st.integers(0, 5)) == 0:
            found.append(Condition(column=name, missing=draw(st.booleans())))
        elif name in WORDS:
            found.append(Condition(column=name, one_of=draw(st.lists(st.sampled_from("pqr"), min_size=1, max_size=2))))
        else:
            ends = draw(st.lists(st.sampled_from(["-1.5", "-1", "0", "0.5", "1", "2"]), min_size=1, max_size=2))
            low, high = ends[0], ends[-1]
            way: dict[str, Any] = draw(
                st.sampled_from([{"minimum": low}, {"maximum": high}, {"minimum": low, "maximum": high}])
            )
            found.append(Condition(column=name, **way))
    return found


@st.composite
def relations(draw: st.DrawFn) -> list[Constraint]:
    relation = st.sampled_from(["<", "<=", "=", "!=", ">=", ">"])
    found = [
        Constraint(left=draw(st.sampled_from(NUMBERS)), relation=draw(relation), right=draw(st.sampled_from(NUMBERS)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    if draw(st.booleans()):
        found.append(Constraint(left="x", relation=draw(st.sampled_from(["=", "!="])), right="y"))
    return found


def every_row(columns: Sequence[Column], *, in_full: Sequence[str] = ()) -> pa.Table:
    """All rows of a domain; of the columns ``in_full`` none with a missing value."""
    lists = [_values(column, missing=column.nullable and column.name not in in_full) for column in columns]
    rows = [dict(zip([column.name for column in columns], row, strict=True)) for row in product(*lists)]
    return pa.Table.from_pylist(rows, schema=arrow_schema(columns))


def _values(column: Column, *, missing: bool) -> Iterator[Any]:
    match column.domain:
        case CategoricalDomain(categories=categories):
            yield from categories
        case IntegerDomain(minimum=low, maximum=high):
            yield from range(low, high + 1)
    if missing:
        yield None


@settings(max_examples=400, deadline=None)
@given(columns(), conditions(), relations())
def test_a_no_is_a_no_and_a_yes_a_yes(declared: list[Column], where: list[Condition], asked: list[Constraint]) -> None:
    rows = every_row(declared)
    some = bool((holds(rows, where) & keeps(rows, asked)).any())
    decided = Asked(declared, asked)
    assert decided.possible(decided.row(where)) == some
    gone = {one.column for one in where if one.missing}
    full = every_row(declared, in_full=[column.name for column in declared if column.name not in gone])
    some = bool((holds(full, where) & keeps(full, asked)).any())
    assert decided.possible_in_full(decided.row(where)) == some


@settings(max_examples=300, deadline=None)
@given(columns(), conditions(), relations(), st.lists(conditions(), max_size=4))
def test_what_strata_leave_is_found(
    declared: list[Column], where: list[Condition], asked: list[Constraint], strata: list[list[Condition]]
) -> None:
    rows = every_row(declared)
    free = holds(rows, where) & keeps(rows, asked)
    for stratum in strata:
        free &= ~holds(rows, stratum)
    decided = Asked(declared, asked)
    assert decided.outside(decided.row(where), strata) == bool(free.any())


@given(st.integers(0, 50), st.integers(0, 50), st.sampled_from(["number", "integer"]))
def test_ends_are_read_as_they_are_written(low: int, high: int, kind: str) -> None:
    """A tenth is a tenth on both sides, though no float is."""
    domain: Any = {"kind": kind, "minimum": 0.3 if kind == "number" else 0, "maximum": 3.3 if kind == "number" else 3}
    column = Column.model_validate({"name": "n", "domain": domain})
    asked = Condition(column="n", minimum=f"{low / 10}", maximum=f"{high / 10}")
    whole = [n for n in range(4) if low <= 10 * n <= high]
    real = max(Fraction(3), low) <= min(Fraction(33), high)
    assert held(values_of(column), asked).empty == (not whole if kind == "integer" else not real)


def number(name: str, low: float = 0, high: float = 100, **more: Any) -> dict[str, Any]:
    return {"name": name, "domain": {"kind": "number", "minimum": low, "maximum": high}, **more}


def integer(name: str, low: int = 0, high: int = 100, **more: Any) -> dict[str, Any]:
    return {"name": name, "domain": {"kind": "integer", "minimum": low, "maximum": high}, **more}


def words(name: str, categories: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "domain": {"kind": "categorical", "categories": list(categories)}, **more}


DAYS = {"kind": "date", "minimum": "2020-01-01", "maximum": "2020-12-31"}
DECLARATION = SourceDeclaration.model_validate({
    "name": "s", "description": "d", "population_id": uuid4(), "columns": [
        number("start"), number("end"), number("middle"), integer("age"), integer("one", 1, 1), integer("bit", 0, 1),
        integer("bat", 0, 1), integer("bot", 0, 1), words("sex", "fm"), words("kin", "fm"), words("pet", "fm"),
        words("ward", "abc", nullable=True), integer("visits", 0, 9, nullable=True), integer("stays", 0, 9, nullable=True),
        {"name": "born", "domain": DAYS}, {"name": "died", "domain": DAYS},
    ],
})  # fmt: skip


def says(*told: str) -> list[dict[str, str]]:
    return [dict(zip(("left", "relation", "right"), one.split(), strict=True)) for one in told]


OLD, YOUNG = {"column": "age", "minimum": "60"}, {"column": "age", "maximum": "50"}
WOMEN, MEN = ({"column": "sex", "one_of": [one]} for one in "fm")
DOOMED: dict[str, tuple[dict[str, Any], str]] = {
    "both ways": ({"constraints": says("start < end", "start > end")}, "shape-impossible"),
    "alike and unlike": ({"constraints": says("start = end", "start != end")}, "shape-impossible"),
    "a cycle": ({"constraints": says("start < middle", "middle <= end", "end <= start")}, "shape-impossible"),
    "below itself": ({"constraints": says("start < start")}, "constraint-impossible"),
    "unlike itself": ({"constraints": says("sex != sex")}, "constraint-impossible"),
    "a chain too long": ({"constraints": says("bit < age", "age < one")}, "shape-impossible"),
    "whole numbers between": ({"constraints": says("bit < age", "age < bat")}, "shape-impossible"),
    "three unlike of two": ({"constraints": says("bit != bat", "bat != bot", "bot != bit")}, "shape-impossible"),
    "three unlike words of two": ({"constraints": says("sex != kin", "kin != pet", "pet != sex")}, "shape-impossible"),
    "a condition against a relation": ({"where": [OLD, {"column": "start", "maximum": "59"}], "constraints": says("age <= start")}, "shape-impossible"),
    "alike of other words": ({"where": [WOMEN, {"column": "kin", "one_of": ["m"]}], "constraints": says("sex = kin")}, "shape-impossible"),
    "days the wrong way": ({"where": [{"column": "born", "minimum": "2020-06-01"}, {"column": "died", "maximum": "2020-05-31"}], "constraints": says("born <= died")}, "shape-impossible"),
    "no whole number": ({"where": [{"column": "age", "minimum": "10.2", "maximum": "10.8"}]}, "condition-impossible"),
    "no number at all": ({"where": [{"column": "start", "minimum": "10.8", "maximum": "10.2"}]}, "condition-impossible"),
    "missing or in order": ({"constraints": says("visits < stays", "stays < visits")}, "shape-impossible"),
    "a stratum against all": ({"where": [OLD], "strata": [{"name": "young", "where": [YOUNG], "share": "0.5"}]}, "stratum-impossible"),
    "a stratum inside another": ({"strata": [{"name": "old", "where": [OLD], "share": "0.2"}, {"name": "oldest", "where": [{"column": "age", "minimum": "80"}], "share": "0.1"}]}, "stratum-covered"),
    "a stratum inside two": ({"strata": [{"name": "f", "where": [WOMEN], "share": "0.2"}, {"name": "m", "where": [MEN], "share": "0.2"}, {"name": "old", "where": [OLD], "share": "0.1"}]}, "stratum-covered"),
    "a stratum by another's relation": ({"constraints": says("age >= start"), "strata": [{"name": "old", "where": [{"column": "start", "minimum": "60"}, YOUNG], "times": "2"}]}, "stratum-impossible"),
    "no rest": ({"strata": [{"name": "f", "where": [WOMEN], "share": "0.5"}, {"name": "m", "where": [MEN], "share": "0.3"}]}, "rest-impossible"),
    "more than all": ({"strata": [{"name": "all", "where": [{"column": "age", "minimum": "0"}], "times": "2"}]}, "stratum-everything"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOOMED)
def test_what_cannot_be_is_refused_before_it_is_paid_for(name: str) -> None:
    shape, code = DOOMED[name]
    with pytest.raises(Invalid) as refused:
        check_shape(Shape.model_validate(shape), DECLARATION, PROVEN)
    assert refused.value.problem_code == code, refused.value.detail


@pytest.mark.parametrize(
    "shape",
    [
        {"constraints": says("start < middle", "middle < end", "start != end")},
        {"constraints": says("bit <= bat", "bat <= bot", "bot <= bit")},
        {"constraints": says("visits < stays", "stays < visits"), "where": [{"column": "visits", "missing": True}]},
        {"strata": [{"name": "f", "where": [WOMEN], "share": "0.5"}, {"name": "m", "where": [MEN], "share": "0.5"}]},
        {"strata": [{"name": "f", "where": [WOMEN], "share": "0.5"}, {"name": "none", "where": [WOMEN], "share": "0"}]},
        {"strata": [{"name": "f", "where": [WOMEN], "times": "2"}, {"name": "m", "where": [MEN], "times": "0.5"}]},
        {"strata": [{"name": "wards", "where": [{"column": "ward", "one_of": list("abc")}], "share": "0.9"}]},
        {"constraints": says("born <= died"), "where": [{"column": "born", "minimum": "2020-12-31"}]},
    ],
)
def test_what_can_be_is_not_refused(shape: dict[str, Any]) -> None:
    check_shape(Shape.model_validate(shape), DECLARATION, PROVEN)


def test_a_refusal_names_what_contradicts_and_nothing_else() -> None:
    shape = {"where": [MEN, OLD], "constraints": says("bit < bat", "start > age", "start < one", "end > start")}
    with pytest.raises(Invalid) as refused:
        check_shape(Shape.model_validate(shape), DECLARATION, PROVEN)
    told = "No row can hold all of this: age from 60; start > age; start < one. Take one of it back."
    assert refused.value.detail == told
