"""Drift: figures by the textbook, no false alarms however often one looks, and the audit of ε bounded from below."""

from math import exp, pi

import numpy as np
import pytest
from evaluation.test_measures import DECLARATION, population
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from moneyer_evaluation.measures import drift
from moneyer_evaluation.measures.drift import Change, histograms
from moneyer_evaluation.measures.guarantee import lower_bound
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.rules import Estimate, level_of_look
from moneyer_evaluation.use_cases.looks import breached

LIMITS = {"psi-max": "0", "tvd-max": "0", "ks": "0", "drift-auc": "0.5"}


def drawn(random: np.random.Generator, rows: int = 1000, tilt: float = 0.0) -> np.ndarray:
    share = np.array([0.3, 0.25, 0.2, 0.15, 0.1]) + tilt * np.array([-1, -1, 0, 1, 1])
    return random.multinomial(rows, share)


def test_the_index_is_the_symmetrised_divergence_less_its_mean_without_drift() -> None:
    before, after = np.array([400.0, 300, 300]), np.array([200.0, 300, 500])
    share = [(part + 0.5) / (part.sum() + 1.5) for part in (before, after)]
    by_hand = float(((share[1] - share[0]) * np.log(share[1] / share[0])).sum())
    value, error = Change(before, after).index()
    assert value == pytest.approx(by_hand - 2 / 500)
    random = np.random.default_rng(0)
    spread = [
        Change(random.multinomial(1000, before / 1000), random.multinomial(1000, after / 1000)).index()[0]
        for _ in range(400)
    ]
    assert error == pytest.approx(np.std(spread), rel=0.15)


def test_the_chi_squared_is_scipys() -> None:
    before, after = np.array([40, 30, 30]), np.array([25, 30, 60])
    theirs = stats.chi2_contingency(np.array([before, after]) + 0.5, correction=False).pvalue
    assert Change(before, after).p_value() == pytest.approx(theirs, rel=0.15)
    shares = np.array([0.4, 0.3, 0.3])
    theirs = stats.chisquare(after, shares * after.sum()).pvalue
    assert np.log(Change(shares, after, exact=True).p_value()) == pytest.approx(np.log(theirs), rel=0.05)


@given(st.integers(1, 200), st.floats(0.001, 0.2))
def test_the_levels_of_all_looks_stay_within_what_is_allowed(number: int, allowed: float) -> None:
    spent = sum(level_of_look(one, allowed) for one in range(1, number + 1))
    assert spent < allowed
    assert level_of_look(1, allowed) == pytest.approx(allowed * 6 / pi**2)


def test_however_often_it_looks_a_monitor_rarely_cries_for_nothing() -> None:
    """Two hundred monitors of a still population, ten looks each, limits of nought: one in twenty may err, ever."""
    random, cried = np.random.default_rng(0), 0
    for _ in range(200):
        first = drawn(random)
        for number in range(1, 11):
            found = drift.of_scores(
                first.repeat(20) // 20, drawn(random).repeat(20) // 20, 1 - level_of_look(number, 0.05)
            )
            if breached([one for one in found if isinstance(one, Estimate)], LIMITS):
                cried += 1
                break
    assert cried <= stats.binom.ppf(0.999, 200, 0.05)


def test_real_drift_is_found_and_small_drift_is_let_pass() -> None:
    random = np.random.default_rng(1)
    for tilt, limits, cries in ((0.08, LIMITS, True), (0.08, {"psi-max": "0.5", "tvd-max": "0.4"}, False)):
        found = histograms({"c": Change(drawn(random, 3000), drawn(random, 3000, tilt))}, 0.99, 0)
        assert bool(breached(found, limits)) is cries


def test_of_fifty_columns_the_one_that_moved_is_named() -> None:
    random = np.random.default_rng(2)
    changes = {f"c{i}": Change(drawn(random, 2000), drawn(random, 2000)) for i in range(49)}
    changes["moved"] = Change(drawn(random, 2000), drawn(random, 2000, 0.08))
    index, variation = histograms(changes, 0.95, 0)
    assert index.lower > 0
    assert variation.lower > 0
    assert index.details["told-from-chance"] == ["moved"]


def test_rows_of_one_population_are_not_told_apart_and_of_two_they_are() -> None:
    def between(later: int, **changes: object) -> dict[str, Estimate]:
        after = population(1500, later)
        if changes:
            after = after.set_column(2, "region", changes["region"])
        made = Tables.of(DECLARATION, population(1500, 1), population(10, 2), after, 0)
        return {one.metric: one for one in drift.between(made, 0.95) if isinstance(one, Estimate)}

    calm = between(3)
    assert calm["drift-auc"].lower <= 0.5
    assert calm["psi-max"].lower == 0
    moved = between(3, region=[["a"] * 1500])
    assert moved["drift-auc"].lower > 0.6
    assert moved["psi-max"].lower > 1
    assert max(moved["psi-max"].details["columns"], key=moved["psi-max"].details["columns"].__getitem__) == "region"


def test_too_few_to_tell_is_said() -> None:
    made = Tables.of(DECLARATION, population(10, 1), population(10, 2), population(10, 3), 0)
    assert all(not isinstance(one, Estimate) for one in drift.between(made, 0.95))
    assert all(not isinstance(one, Estimate) for one in drift.of_scores([3] * 5, [2] * 5, 0.95))


# --- ε from below ---------------------------------------------------------------------------


def laplace_scores(random: np.random.Generator, epsilon: float, runs: int) -> tuple[list[float], list[float]]:
    """A count with and without a record under the Laplace mechanism, whose ε is what it says."""
    return tuple((here + random.laplace(0, 1 / epsilon, runs)).tolist() for here in (1.0, 0.0))


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_the_bound_stays_below_what_is_true(epsilon: float) -> None:
    random = np.random.default_rng(0)
    above = sum(lower_bound(*laplace_scores(random, epsilon, 200), 0.0).lower > epsilon for _ in range(60))
    assert above <= stats.binom.ppf(0.999, 60, 0.05)


def test_the_bound_grows_with_what_leaks_and_with_the_runs() -> None:
    random = np.random.default_rng(1)
    assert lower_bound(*laplace_scores(random, 4.0, 4000), 0.0).lower > 1.5
    told_apart = ([1.0] * 100, [0.0] * 100)
    assert lower_bound(*told_apart, 0.0).lower == pytest.approx(np.log((1 - bound(50)) / bound(50)))
    assert lower_bound([0.5] * 100, [0.5] * 100, 0.0).lower == 0
    assert exp(lower_bound([1.0] * 2000, [0.0] * 2000, 0.0).lower) > 200


def test_scores_that_lie_apart_are_told_apart_whichever_half_they_fall_in() -> None:
    """The threshold lies in the gap, not at its edge, beyond which the judged half goes by chance."""
    for seed in range(50):
        random = np.random.default_rng(seed)
        found = lower_bound(1 + random.normal(0, 0.01, 20), random.normal(0, 0.01, 20), 0.0)
        assert (found.details["missed"], found.details["alarmed"]) == (0, 0)


def bound(runs: int) -> float:
    return float(1 - 0.025 ** (1 / runs))
