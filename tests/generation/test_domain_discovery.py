"""Domains measured under budget: what one unit can change, what it costs, and what is found (I10)."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from math import exp, sqrt
from statistics import NormalDist
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer_generation.generators import domain_discovery as here
from moneyer_generation.generators.catalogue import CATALOGUE, DISCOVERY, engine_named, offered_named
from moneyer_generation.generators.cells import cells_of, in_words, outward
from moneyer_generation.generators.domain_discovery import clipped, least_label, sigma_of, to_measure
from moneyer_generation.generators.protocol import check_source, complete
from moneyer_policy.budgets.rules.accounting import cost_of, epsilon_of
from moneyer_policy.budgets.use_cases.charges import mechanism_of
from moneyer_shared.contracts.domains import TextDomain, UnmeasuredDomain
from moneyer_shared.contracts.generation import Column, PrivacyUnit, SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import arrow_schema

KINDS = ("integer", "number", "decimal", "date", "timestamp", "category")


def declared(*kinds: Any, rows: int = 1) -> SourceDeclaration:
    """One unmeasured column a kind; people own up to so many rows where that is more than one."""
    who = Column(name="who", domain=TextDomain(kind="text"), role="identifier")
    asked = [Column(name=f"c{i}", domain=UnmeasuredDomain(kind="unmeasured", of=of)) for i, of in enumerate(kinds)]
    unit = PrivacyUnit(column="who", maximum_rows=rows) if rows > 1 else PrivacyUnit()
    return SourceDeclaration(
        name=f"s-{uuid4().hex[:6]}", description="d", population_id=uuid4(), columns=[who, *asked], privacy_unit=unit
    )


def measured(declaration: SourceDeclaration, columns: dict[str, Any], **parameters: Any) -> Any:
    rows = len(next(iter(columns.values())))
    table = pa.table({"who": [f"p{i}" for i in range(rows)]} | columns, schema=arrow_schema(declaration.widest.columns))
    asked = complete(DISCOVERY, {"epsilon": "5"} | parameters)
    return DISCOVERY.measure(to_measure(table, declaration), declaration, asked, lambda _: None).columns


# --- what one unit can change ----------------------------------------------------------------


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8)), max_size=60),
    st.lists(st.integers(0, 20), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_one_unit_more_changes_so_many_counts_by_one(
    others: list[tuple[int, int]], added: list[int], most: int
) -> None:
    """However many rows the unit owns: the squared L2-sensitivity is what the noise is scaled to."""
    units = np.array([unit for unit, _ in others] + [99] * len(added))
    values = np.array([value for _, value in others] + added)
    counted = clipped(np.full(len(added), 99), np.array(added), most)
    assert len(counted) == len(set(counted)) == min(most, len(set(added)))
    assert set(counted) <= set(added)
    # What a unit is counted in is drawn for it alone, so that the others' counts are as without it.
    assert len(clipped(units, values, most)) == sum(
        min(most, len({value for one, value in zip(units, values, strict=True) if one == unit}))
        for unit in set(units.tolist())
    )


@given(st.integers(1, 10**15), st.integers(1, 100))
def test_sigma_pays_for_itself_exactly(rho: int, most: int) -> None:
    asked = Fraction(rho, 10**15)
    assert Fraction(most) / (2 * Fraction(sigma_of(asked, most)) ** 2) <= asked


@pytest.mark.parametrize("sigma", [0.7, 3.0, 40.0])
@pytest.mark.parametrize(("most", "delta"), [(1, 1e-3), (4, 1e-6), (100, 1e-9)])
def test_a_label_of_one_unit_is_told_with_probability_delta_at_most(sigma: float, most: int, delta: float) -> None:
    """By the discrete Gaussian's own weights, not by the bound that the threshold is made with."""
    beyond = least_label(sigma, most, delta) - 1
    reach = range(-int(50 * sigma) - 50, int(50 * sigma) + 50)
    whole = sum(exp(-(x**2) / (2 * sigma**2)) for x in reach)
    tail = sum(exp(-(x**2) / (2 * sigma**2)) for x in reach if x >= beyond)
    assert most * tail / whole <= delta
    assert beyond <= sigma * NormalDist().inv_cdf(1 - delta / most) + 3, "no more is left out than must be"


def test_the_noise_is_the_discrete_gaussian_of_that_sigma() -> None:
    drawn = np.array(here.noised(np.zeros(20_000, dtype=np.int64), 12.5))
    assert drawn.dtype.kind == "i"
    assert abs(drawn.mean()) < 5 * 12.5 / sqrt(20_000)
    assert abs(drawn.var() / 12.5**2 - 1) < 0.06


# --- what it costs ----------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.decimals("0.01", "20", places=2).map(str),
    st.sampled_from(["0.001", "0.000001", "0.000000000001"]),
    st.integers(1, 10_000),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    st.integers(1, 100),
)
def test_what_is_charged_is_what_the_noise_spends_and_no_more_than_is_stated(
    epsilon: str, delta: str, rows: int, kinds: list[str], most: int
) -> None:
    declaration = declared(*kinds, rows=rows)
    parameters = complete(DISCOVERY, {"epsilon": epsilon, "delta": delta, "values_per_unit": most})
    stated = DISCOVERY.mechanism(declaration, parameters)
    cost = cost_of(mechanism_of(stated))
    own = Decimal(cost.delta).scaleb(-30)
    assert stated.group_size == rows
    assert (own > 0) == ("category" in kinds)
    charged = epsilon_of(cost.renyi, Decimal(delta) - own)
    assert charged <= Decimal(epsilon) <= charged * Decimal("1.1")
    told = Fraction(stated.rho or "0") * rows**2
    of_each = Fraction(min(most, rows)) / (2 * Fraction(sigma_of(told / len(kinds), min(most, rows))) ** 2)
    assert of_each * len(kinds) <= told


# --- what is found ----------------------------------------------------------------------------


def test_bounds_of_every_kind_are_rounded_outward_to_public_edges() -> None:
    random, rows = np.random.default_rng(0), 4000
    days = [date(1984, 1, 1).toordinal() + int(day) for day in random.integers(0, 9000, rows)]
    columns = {
        "c0": random.integers(17, 91, rows),
        "c1": random.uniform(-3, 140, rows),
        "c2": [Decimal(int(step)).scaleb(-2) for step in random.integers(0, 90_000, rows)],
        "c3": [date.fromordinal(day) for day in days],
        "c4": [datetime.fromordinal(day) for day in days],
        "c5": random.choice(["x", "y", "z"], rows),
    }
    found = measured(declared(*KINDS), columns)
    told = [column.domain.model_dump(mode="json") for column in found]
    assert [(one["minimum"], one["maximum"]) for one in told[:5]] == [
        (10, 99), (-5.0, 200.0), ("0", "999.99"), ("1980-01-01", "2009-12-31"),
        ("1980-01-01T00:00:00", "2009-12-31T23:59:59"),
    ]  # fmt: skip
    assert told[5]["categories"] == ["x", "y", "z"]
    assert all(abs(one.units - rows / 3) < 300 for one in found[5].found)


def test_one_record_shows_in_nothing() -> None:
    """A far value and a label of its own, in a hundred measurements."""
    declaration = declared("integer", "category")
    columns = {"c0": [30] * 500 + [10**14], "c1": ["usual"] * 500 + ["alone"]}
    for _ in range(100):
        numbers, labels = measured(declaration, columns)
        assert (numbers.domain.minimum, numbers.domain.maximum) == (20, 49)
        assert labels.domain.categories == ["usual"]


def test_nothing_is_said_of_too_few() -> None:
    numbers, labels = measured(declared("integer", "category"), {"c0": [1, 2], "c1": ["a", "b"]}, epsilon="0.1")
    assert (numbers.domain, labels.domain, numbers.found, labels.found) == (None, None, [], [])


def test_nulls_and_many_rows_of_one_unit_are_counted_once() -> None:
    declaration = declared("integer", rows=10_000)
    columns = declaration.columns
    table = pa.table(
        {"who": ["one"] * 9_000 + [f"p{i}" for i in range(900)], "c0": [10**9] * 9_000 + [7] * 900},
        schema=arrow_schema(declaration.widest.columns),
    )
    asked = complete(DISCOVERY, {"epsilon": "1"})
    (found,) = DISCOVERY.measure(to_measure(table, declaration), declaration, asked, lambda _: None).columns
    assert (found.domain.minimum, found.domain.maximum) == (5, 9), "one person's nine thousand rows are one"  # type: ignore[union-attr]
    assert columns == declaration.columns


@given(st.sampled_from(["integer", "number", "decimal", "date", "timestamp"]), st.data())
def test_every_value_lies_in_a_cell_of_its_own(of: Any, data: st.DataObject) -> None:
    domain = UnmeasuredDomain(kind="unmeasured", of=of)
    cells, widest = cells_of(domain), domain.widest
    low, high = getattr(widest, "bounds", None) or (widest.minimum, widest.maximum)  # type: ignore[union-attr]
    draw = st.floats(low, high) if of == "number" else st.integers(low, high)
    value = data.draw(draw)
    place = int(cells.places(np.array([value], dtype=cells.lows.dtype))[0])
    first, last = cells.ends(place)
    assert first <= value <= last
    assert low <= first
    assert last <= high
    assert in_words(domain, first, last)
    assert outward(domain, first, last)[0] <= first


# --- what it may be asked of -----------------------------------------------------------------


def test_nothing_else_learns_of_a_source_until_it_is_measured() -> None:
    declaration = declared("integer")
    check_source(DISCOVERY, declaration)
    for engine in CATALOGUE.values():
        with pytest.raises(Invalid) as refused:
            check_source(engine, declaration)
        if engine.needs == "rows":
            assert refused.value.problem_code == "domain-unmeasured"
            assert "Measure it under budget" in str(refused.value)
    known = SourceDeclaration.model_validate(
        declaration.model_dump()
        | {"columns": [{"name": "c", "domain": {"kind": "integer", "minimum": 0, "maximum": 1}}]}
    )
    with pytest.raises(Invalid, match="unmeasured"):
        check_source(DISCOVERY, known)


def test_it_is_offered_and_makes_no_table() -> None:
    assert offered_named("domain-discovery") is DISCOVERY
    with pytest.raises(Invalid, match="makes no table"):
        engine_named("domain-discovery")


@pytest.mark.parametrize(
    "changes",
    [
        {"for_linkage": True},
        {"target": "who"},
        {"partition_column": "c0"},
        {"privacy_unit": {"column": "nobody"}},
    ],
)
def test_what_an_unmeasured_column_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"register|target|partition|column"):
        SourceDeclaration.model_validate(declared("category").model_dump() | changes)


@pytest.mark.parametrize(("rows", "most"), [(1, 1), (30, 1), (30, 5)])
def test_the_columns_share_what_is_charged(rows: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise that is drawn, added up over all columns, spends no more than the ledger is told."""
    drawn: list[float] = []

    def told(counts: Any, sigma: float) -> list[int]:
        drawn.append(sigma)
        return [int(count) for count in counts]

    monkeypatch.setattr(here, "noised", told)
    declaration = declared("integer", "date", "category", rows=rows)
    table = pa.table(
        {"who": ["a", "b"], "c0": [1, 2], "c1": [date(2000, 1, 1)] * 2, "c2": ["x", "y"]},
        schema=arrow_schema(declaration.widest.columns),
    )
    asked = complete(DISCOVERY, {"epsilon": "1", "values_per_unit": most})
    DISCOVERY.measure(to_measure(table, declaration), declaration, asked, lambda _: None)
    stated = DISCOVERY.mechanism(declaration, asked)
    assert len(drawn) == 3
    assert sum(Fraction(min(most, rows)) / (2 * Fraction(sigma) ** 2) for sigma in drawn) <= Fraction(
        stated.rho or "0"
    ) * (rows**2)
