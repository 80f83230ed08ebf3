"""A rounded figure says what its interval supports, however often it is asked for."""

from decimal import Decimal
from math import sqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_shared.figures import about, criterion_at, figure_of, rounded

values = st.decimals(-2, 1000, places=6)
halves = st.decimals("0", "0.5", places=6)
sizes = st.integers(1, 10**7)


def step_of(value: Decimal, half: Decimal, n: int) -> Decimal:
    """What a figure is told in whole steps of, by the definition."""
    widest = max(float(half), max(1.0, abs(float(value))) / sqrt(n))
    steps = [Decimal(part).scaleb(power) for power in range(-8, 5) for part in (1, 2, 5)]
    return min(step for step in steps if float(step) >= widest * (1 - 1e-12))


@given(values, halves, sizes)
def test_bounds_are_rounded_outward_to_whole_steps(value: Decimal, half: Decimal, n: int) -> None:
    shown = rounded(value, value - half, value + half, n)
    assert shown is not None
    step = step_of(value, half, n)
    assert shown.lower <= value - half
    assert shown.upper >= value + half
    assert abs(shown.value - value) <= step / 2
    assert all(end % step == 0 for end in (shown.value, shown.lower, shown.upper))


@given(values, halves, sizes, st.lists(st.decimals("-0.49", "0.49", places=6), max_size=20))
def test_many_looks_tell_no_more_than_the_interval(value: Decimal, half: Decimal, n: int, moves: list[Decimal]) -> None:
    """However often a figure is asked for, and wherever in its step it lies: it is never told finer than half its
    interval, and all that lie in one step are told as one.
    """
    step = step_of(value, half, n)
    assert step >= half
    assert float(step) >= 1 / sqrt(n) * (1 - 1e-9), "nor finer than so many people support"
    middle = (value / step).to_integral_value() * step
    told = {
        shown.value
        for move in moves
        if step_of(middle + move * step, half, n) == step
        and (shown := rounded(middle + move * step, middle + move * step - half, middle + move * step + half, n))
    }
    assert len(told) <= 1


@given(st.integers(2, 10**6), st.data())
def test_one_person_moves_no_step_further_than_the_next(n: int, data: st.DataObject) -> None:
    """A share of known people, whose interval has no width: the count behind it cannot be had back."""
    count = data.draw(st.integers(0, n - 1))
    first, second = (
        rounded(share, share, share, n) for share in (Decimal(count) / Decimal(n), Decimal(count + 1) / Decimal(n))
    )
    assert first is not None
    assert second is not None
    assert (
        len({rounded(Decimal(k) / n, Decimal(k) / n, Decimal(k) / n, n) for k in range(min(n, 200))}) <= 3 * sqrt(n) + 2
    )
    assert abs(first.value - second.value) <= step_of(Decimal(1), Decimal(0), n)


@pytest.mark.parametrize(("n", "lower", "upper"), [(0, "0", "1"), (-1, "0", "1"), (10, "1", "0")])
def test_what_nothing_supports_is_not_told(n: int, lower: str, upper: str) -> None:
    assert rounded(Decimal("0.5"), Decimal(lower), Decimal(upper), n) is None
    assert figure_of({"value": "0.5", "lower": lower, "upper": upper, "n": n}) is None
    assert figure_of({"value": "0.5", "lower": lower, "upper": upper}) is None


@given(st.integers(0, 10**12))
def test_a_count_is_told_to_two_figures(count: int) -> None:
    assert len(str(about(count)).rstrip("0")) <= 2
    assert abs(about(count) - count) <= 0.05 * count


def result(**changes: Any) -> dict[str, Any]:
    return {
        "metric": "m", "expected": "upper bound at most 0.5", "actual": "0.523817 in [0.501234, 0.543217]", "met": False,
        "shortfall": "0.043217", "at_most": "0.5", "at_least": None, "value": "0.523817", "lower": "0.501234",
        "upper": "0.543217", "n": 1234,
    } | changes  # fmt: skip


@given(values, halves, sizes, values)
def test_a_shortfall_is_that_of_the_rounded_bound(value: Decimal, half: Decimal, n: int, limit: Decimal) -> None:
    ends = {"value": str(value), "lower": str(value - half), "upper": str(value + half), "n": n}
    met = value + half <= limit
    told = criterion_at(result(**ends, at_most=str(limit), met=met), "rounded")
    shown = figure_of(told | ends)
    assert shown is not None
    assert Decimal(told["shortfall"]) == (0 if met else max(Decimal(0), shown.upper - limit))


def test_an_old_result_without_its_interval_says_met_or_missed() -> None:
    old = {name: value for name, value in result().items() if name not in {"value", "lower", "upper", "n"}}
    assert criterion_at(old, "rounded")["actual"] == "missed"
    assert criterion_at(result(), "withheld")["actual"] == "missed"
    assert criterion_at(result(actual="not estimated", value=None), "rounded")["actual"] == "not estimated"
    assert criterion_at(result(), "raw") == result()
