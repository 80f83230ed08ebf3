"""Shaped synthesis: exact counts, honest reports, and refusals before anything is paid."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from moneyer_generation.generators.shaping import ShapeUnreachable, shaped
from moneyer_generation.planning.shapes import check_shape
from moneyer_generation.rules.quotas import quotas
from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain, TextDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee
from moneyer_shared.contracts.shape import Shape
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

PROVEN = Guarantee(level="proven", unit="one row", statement="s")
NONE = Guarantee(level="none", unit="one row", statement="s")
DECLARATION = SourceDeclaration(
    name="s",
    description="d",
    population_id=uuid4(),
    columns=[
        Column(name="sex", domain=CategoricalDomain(kind="categorical", categories=["f", "m"]), role="quasi-identifier"),
        Column(name="insured", domain=CategoricalDomain(kind="categorical", categories=["no", "yes"]), nullable=True),
        Column(name="age", domain=IntegerDomain(kind="integer", minimum=18, maximum=99), role="quasi-identifier"),
        Column(name="visits", domain=NumberDomain(kind="number", minimum=0, maximum=20)),
        Column(name="late", domain=IntegerDomain(kind="integer", minimum=120, maximum=200)),
        Column(name="ward", domain=CategoricalDomain(kind="categorical", categories=["w1", "w2"])),
        Column(name="person", domain=TextDomain(kind="text"), role="identifier"),
    ],
)  # fmt: skip


class Model:
    """A model whose every column is drawn by itself."""

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        random = np.random.default_rng(seed)
        arrays = [
            pa.array(random.choice(["f", "m"], rows, p=[0.25, 0.75])),
            pa.array(random.choice(["no", "yes"], rows, p=[0.1, 0.9]), mask=random.random(rows) < 0.2),
            pa.array(random.integers(18, 100, rows)),
            pa.array(random.uniform(0, 20, rows)),
            pa.array(random.integers(120, 201, rows)),
            pa.array(random.choice(["w1", "w2"], rows)),
        ]
        return pa.Table.from_arrays(arrays, schema=arrow_schema(DECLARATION.learned))

    def dump(self) -> bytes:
        return b""


def make(rows: int = 500, seed: int | None = 1, **shape: Any) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    table, report = shaped(Model(), rows, seed, Shape.model_validate(shape))
    assert table.num_rows == rows
    return table.to_pylist(), {part["name"]: part for part in report}


OVER_60: dict[str, Any] = {"column": "age", "minimum": "61"}
WOMEN: dict[str, Any] = {"column": "sex", "one_of": ["f"]}
UNINSURED: dict[str, Any] = {"column": "insured", "one_of": ["no"]}


# --- shares -------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.lists(st.integers(0, 1000), max_size=8))
def test_quotas_add_up_and_are_within_one_row_of_their_share(rows: int, weights: Sequence[int]) -> None:
    whole = max(sum(weights), 1000)
    shares = [Decimal(weight) / whole for weight in weights]
    found = quotas(rows, shares)
    assert sum(found) == rows
    assert all(abs(part - rows * share) < 1 for part, share in zip(found, shares, strict=False))


def test_quotas_refuse_more_than_the_whole() -> None:
    for shares in ([Decimal("0.6"), Decimal("0.5")], [Decimal("-0.1")]):
        with pytest.raises(ValueError, match="whole"):
            quotas(10, shares)


# --- tables -------------------------------------------------------------------------------


def test_every_row_holds_the_conditions_and_the_constraints() -> None:
    rows, _ = make(
        where=[WOMEN, {"column": "age", "minimum": "30", "maximum": "40"}, {"column": "insured", "missing": False}],
        constraints=[{"left": "visits", "relation": "<=", "right": "age"}],
    )
    assert all(row["sex"] == "f" and 30 <= row["age"] <= 40 and row["insured"] is not None for row in rows)


def test_strata_get_exactly_their_shares_and_the_rest_fits_none() -> None:
    strata = [
        {"name": "women", "where": [WOMEN], "share": "0.5"},
        {"name": "old", "where": [OVER_60], "share": "0.333"},
    ]
    rows, report = make(rows=1000, strata=strata)
    women = [row for row in rows if row["sex"] == "f"]
    old_men = [row for row in rows if row["sex"] == "m" and row["age"] > 60]
    assert (len(women), len(old_men)) == (500, 333)
    assert [report[name]["made"] for name in ("women", "old", "rest")] == [500, 333, 167]
    assert report["women"]["share_of_model"] == pytest.approx(0.25, abs=0.03)
    assert [row["sex"] for row in rows] != sorted(row["sex"] for row in rows), "strata do not stand in blocks"


def test_a_scenario_doubles_a_part_of_the_model() -> None:
    strata = [{"name": "uninsured-over-60", "where": [UNINSURED, OVER_60], "times": "2"}]
    rows, report = make(rows=4000, strata=strata)
    part = [row for row in rows if row["insured"] == "no" and row["age"] > 60]
    assert len(part) == report["uninsured-over-60"]["asked"]
    assert len(part) / 4000 == pytest.approx(2 * 0.08 * 39 / 82, abs=0.02)


def test_the_same_seed_makes_the_same_table_and_none_makes_another() -> None:
    assert make(where=[WOMEN]) == make(where=[WOMEN])
    assert make(where=[WOMEN], seed=None) != make(where=[WOMEN], seed=None)


def test_what_the_model_hardly_makes_ends_with_a_reason() -> None:
    class Monotone(Model):
        def sample(self, rows: int, seed: int | None) -> pa.Table:
            made = super().sample(rows, seed)
            return made.set_column(0, made.schema.field("sex"), pa.array(["m"] * rows))

    with pytest.raises(ShapeUnreachable, match="fit rest"):
        shaped(Monotone(), 50, 1, Shape.model_validate({"where": [WOMEN]}))
    strata = [{"name": "a", "where": [{"column": "age", "minimum": "18"}], "times": "3"}]
    with pytest.raises(ShapeUnreachable, match="more than the whole"):
        make(strata=strata)


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        ({"where": [{"column": "height", "minimum": "1"}]}, "column-unknown"),
        ({"where": [{"column": "person", "one_of": ["p1"]}]}, "unsafe"),
        ({"where": [{"column": "sex", "one_of": ["x"]}]}, "condition-impossible"),
        ({"where": [{"column": "age", "minimum": "100"}]}, "condition-impossible"),
        ({"where": [{"column": "age", "minimum": "50", "maximum": "40"}]}, "condition-impossible"),
        ({"where": [{"column": "age", "missing": True}]}, "condition-impossible"),
        ({"where": [{"column": "age", "one_of": ["50"]}]}, "condition-kind"),
        ({"where": [{"column": "sex", "minimum": "1"}]}, "condition-kind"),
        ({"where": [OVER_60, {"column": "age", "maximum": "70"}]}, "condition-repeats"),
        ({"constraints": [{"left": "late", "relation": "<", "right": "age"}]}, "constraint-impossible"),
        ({"constraints": [{"left": "sex", "relation": "=", "right": "ward"}]}, "constraint-impossible"),
        ({"constraints": [{"left": "sex", "relation": "<", "right": "ward"}]}, "constraint-kind"),
        ({"constraints": [{"left": "sex", "relation": "=", "right": "age"}]}, "constraint-kind"),
        (
            {"strata": [{"name": n, "where": [WOMEN], "share": "0.6"} for n in ("a", "b")]},
            "shares-above-one",
        ),
    ],
)
def test_a_shape_that_cannot_be_is_refused(shape: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_shape(Shape.model_validate(shape), DECLARATION, PROVEN)
    assert refused.value.problem_code == code


def test_nobody_is_singled_out_of_a_model_that_may_remember() -> None:
    one = Shape.model_validate({"where": [WOMEN, {"column": "age", "minimum": "50", "maximum": "50.0"}]})
    check_shape(one, DECLARATION, PROVEN)
    with pytest.raises(Invalid) as refused:
        check_shape(one, DECLARATION, NONE)
    assert refused.value.problem_code == "unsafe"
    check_shape(Shape.model_validate({"where": [WOMEN, OVER_60]}), DECLARATION, NONE)


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"where": [{"column": "age"}]},
        {"where": [{"column": "age", "minimum": "1", "one_of": ["a"]}]},
        {"strata": [{"name": "a", "where": [WOMEN]}]},
        {"strata": [{"name": "a", "where": [WOMEN], "share": "0.1", "times": "2"}]},
        {"strata": [{"name": "a", "where": [WOMEN], "share": "0.1"}] * 2},
    ],
)
def test_a_shape_says_what_it_asks_for_once(shape: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Shape.model_validate(shape)
