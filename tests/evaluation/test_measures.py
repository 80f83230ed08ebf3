"""Measures: right on tables whose truth is known, repeatable, and honest where they cannot tell."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from moneyer_evaluation.documents import estimate_of
from moneyer_evaluation.measures import fidelity, membership, singling_out, utility
from moneyer_evaluation.measures.reference import Tables, codes
from moneyer_evaluation.measures.roc import areas
from moneyer_evaluation.measures.suite import assay
from moneyer_evaluation.rules import Estimate, NotEstimable, clopper_pearson, newcombe, next_step, wilson
from moneyer_shared.contracts.generation import SourceDeclaration

DECLARATION = SourceDeclaration.model_validate(
    {
        "name": "s", "description": "d", "population_id": "00000000-0000-0000-0000-000000000000", "target": "ill",
        "columns": [
            {"name": "age", "domain": {"kind": "integer", "minimum": 0, "maximum": 99}, "role": "quasi-identifier"},
            {"name": "income", "domain": {"kind": "number", "minimum": -10, "maximum": 10}, "nullable": True, "role": "sensitive"},
            {"name": "region", "domain": {"kind": "categorical", "categories": list("abcdef")}, "role": "protected"},
            {"name": "ill", "domain": {"kind": "categorical", "categories": ["no", "yes"]}},
        ],
    }
)  # fmt: skip


def population(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    age = random.integers(0, 100, rows)
    income = np.clip(random.normal(age / 20 - 2, 2), -10, 10)
    ill = np.where(random.random(rows) < 1 / (1 + np.exp(-(age - 60) / 8)), "yes", "no")
    return pa.table(
        {
            "age": age,
            "income": pa.array(income, mask=random.random(rows) < 0.05),
            "region": random.choice(list("abcdef"), rows),
            "ill": ill,
        }
    )


def tables(asset: pa.Table, *, train: pa.Table | None = None, seed: int = 0) -> Tables:
    return Tables.of(DECLARATION, train or population(2000, 1), population(1000, 2), asset, seed)


def figure(found: list[object], metric: str) -> Estimate:
    (one,) = [entry for entry in found if entry.metric == metric]
    assert isinstance(one, Estimate), one
    return one


UNASKED = {
    "membership-tpr-at-0.1pct-fpr": "five hundred people held out on a side cannot tell one in a thousand",
    "constraint-violations": "no rule is declared",
    "external-linkage-risk": "no table to link with is given",
    "reference-share-gap-max": "no shares are published",
}
TRAIN = population(2000, 1)
INDEPENDENT = population(2000, 3)


def test_an_independent_copy_of_the_population_is_near_and_leaks_nothing() -> None:
    """One draw; how often such an interval misses is the coverage test's matter."""
    found = assay(tables(INDEPENDENT, seed=1))
    assert figure(found, "marginal-tvd-mean").upper < 0.08
    nothing_leaks = {
        "membership-auc": 0.5, "membership-density-auc": 0.5, "membership-isolated-auc": 0.5, "detection-auc": 0.5,
        "singling-out-risk": 0.0, "linkability-risk": 0.0, "attribute-inference-risk": 0.0, "exact-copy-excess": 0.0,
        "near-copy-excess": 0.0, "reidentification-excess": 0.0, "utility-gap": 0.0, "utility-gap-linear": 0.0,
        "representation-gap-max": 0.0,
    }  # fmt: skip
    for metric, nothing in nothing_leaks.items():
        estimate = figure(found, metric)
        assert estimate.lower <= nothing <= estimate.upper, estimate


def test_the_train_rows_themselves_are_caught() -> None:
    """The asset that is the source: identical marginals, and every attacker succeeds."""
    found = assay(tables(TRAIN))
    assert figure(found, "marginal-tvd-mean").value == 0
    assert figure(found, "membership-auc").lower > 0.9
    assert figure(found, "membership-tpr-at-1pct-fpr").lower > 0.5
    assert figure(found, "singling-out-risk").lower > 0.2
    assert figure(found, "membership-isolated-auc").lower > 0.9
    assert figure(found, "membership-density-auc").lower > 0.5
    assert figure(found, "exact-copy-excess").lower > 0.9
    assert figure(found, "linkability-risk").lower > 0.04
    assert figure(found, "attribute-inference-risk").lower > 0.2
    assert figure(found, "coverage").lower > 0.9


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_leaking_more_rows_is_a_larger_risk(share: float) -> None:
    leaked = int(2000 * share)
    mixed = pa.concat_tables([TRAIN.slice(0, leaked), INDEPENDENT.slice(0, 2000 - leaked)])
    assert figure(membership.measure(tables(mixed)), "membership-auc").lower > 0.5 + share / 5


def test_noise_is_far_and_useless() -> None:
    random = np.random.default_rng(9)
    noise = pa.table(
        {
            "age": random.integers(0, 5, 2000),
            "income": random.uniform(9, 10, 2000),
            "region": ["f"] * 2000,
            "ill": random.choice(["no", "yes"], 2000),
        }
    )
    found = assay(tables(noise))
    assert figure(found, "marginal-tvd-mean").lower > 0.4
    assert figure(found, "utility-gap").lower > 0.2
    assert figure(found, "detection-auc").lower > 0.9
    assert figure(found, "coverage").upper < 0.1
    assert figure(found, "representation-gap-max").lower > 0.5
    assert figure(found, "query-count-error-mean").lower > 0.1
    assert figure(found, "missingness-difference-max").lower > 0.03


@pytest.mark.long
def test_the_same_tables_and_seed_give_the_same_figures() -> None:
    assert assay(tables(INDEPENDENT, seed=4), workers=1) == assay(tables(INDEPENDENT, seed=4), workers=3)
    assert assay(tables(INDEPENDENT, seed=4)) != assay(tables(INDEPENDENT, seed=5))


ELSEWHERE = """
import sys
sys.path[:0] = sys.argv[2:]
from evaluation.test_measures import INDEPENDENT, assay, tables
print(repr(assay(tables(INDEPENDENT, seed=4), workers=int(sys.argv[1]))))
"""


@pytest.mark.long
def test_another_process_finds_the_same_figures_bit_for_bit() -> None:
    """Whatever its workers, and in whatever order it walks its sets."""
    told = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", ELSEWHERE, workers, *sys.path],
            env=os.environ | {"PYTHONHASHSEED": workers}, capture_output=True, text=True, check=True,
        ).stdout
        for workers in ("1", "2")
    ]  # fmt: skip
    assert told[0] == told[1] == repr(assay(tables(INDEPENDENT, seed=4))) + "\n"


def test_every_figure_has_its_bounds_in_order_its_n_and_its_method() -> None:
    found = assay(tables(INDEPENDENT))
    for estimate in found:
        if isinstance(estimate, NotEstimable):
            assert estimate.metric in UNASKED, estimate
            continue
        assert estimate.lower <= estimate.value <= estimate.upper, estimate
        assert estimate.n > 0
        assert estimate.method
    assert len({entry.metric for entry in found}) == len(found) >= 30


def test_total_variation_is_the_textbooks() -> None:
    shifted = TRAIN.set_column(3, "ill", pa.array(["yes"] * 2000))
    found = figure(fidelity.measure(tables(shifted)), "marginal-tvd-max")
    sick = np.mean(np.array(TRAIN["ill"].to_pylist()) == "yes")
    assert found.value == pytest.approx(1 - sick)


def test_coverage_of_the_membership_interval_under_no_leak() -> None:
    """On independent copies the 95 % interval misses one half about one time in twenty, not more."""
    missed = 0
    for seed in range(30):
        made = Tables.of(
            DECLARATION, population(600, 100 + seed), population(600, 200 + seed), population(600, 300 + seed), seed
        )
        found = figure(membership.measure(made), "membership-auc")
        missed += not found.lower <= 0.5 <= found.upper
    assert missed <= stats.binom.ppf(0.999, 30, 0.05)


# --- where nothing can be told --------------------------------------------------------------


def test_tiny_tables_are_not_estimable_and_do_not_crash() -> None:
    one = Tables.of(DECLARATION, population(2, 1), population(2, 2), population(1, 3), 0)
    found = assay(one)
    because = {entry.metric for entry in found if isinstance(entry, NotEstimable)}
    assert {
        "membership-auc", "membership-tpr-at-1pct-fpr", "utility-gap", "singling-out-risk", "linkability-risk",
        "attribute-inference-risk", "reidentification-excess", "exact-copy-excess", "detection-auc", "coverage",
    } <= because  # fmt: skip


def test_a_target_of_one_class_and_a_missing_target_are_said() -> None:
    single = population(2000, 1).set_column(3, "ill", pa.array(["no"] * 2000))
    assert all(isinstance(found, NotEstimable) for found in utility.measure(tables(single, train=single)))
    untargeted = Tables.of(DECLARATION.model_copy(update={"target": None}), TRAIN, population(100, 2), INDEPENDENT, 0)
    assert isinstance(utility.measure(untargeted)[0], NotEstimable)


def test_a_numeric_target_is_scored_by_r_squared() -> None:
    numeric = DECLARATION.model_copy(update={"target": "age"})
    made = Tables.of(numeric, TRAIN, population(1000, 2), INDEPENDENT, 0)
    found = figure(utility.measure(made), "utility-gap")
    assert found.details["score"] == "R²"
    assert found.lower <= 0 <= found.upper


def test_a_constant_asset_has_nothing_to_single_out() -> None:
    constant = pa.concat_tables([TRAIN.slice(0, 1)] * 500)
    assert isinstance(singling_out.measure(tables(constant))[0], NotEstimable)


def test_one_column_has_no_pairs() -> None:
    narrow = DECLARATION.model_copy(update={"columns": DECLARATION.columns[:1], "target": None})
    found = assay(Tables.of(narrow, TRAIN, population(1000, 2), INDEPENDENT, 0))
    assert NotEstimable("pairwise-tvd-mean", "the table has fewer than two columns") in found


def test_codes_stay_in_their_sizes_whatever_the_asset_holds() -> None:
    *parts, sizes = codes(tables(INDEPENDENT))
    for part in parts:
        assert (part >= 0).all()
        assert (part < np.array(sizes)).all()


# --- statistics ---------------------------------------------------------------------------


@given(st.integers(1, 200), st.data())
def test_proportion_bounds_agree_with_scipy(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    exact = stats.binomtest(successes, n).proportion_ci(0.95, "exact")
    assert clopper_pearson(successes, n) == pytest.approx((exact.low, exact.high), abs=1e-9)
    score = stats.binomtest(successes, n).proportion_ci(0.95, "wilson")
    assert wilson(successes, n) == pytest.approx((score.low, score.high), abs=1e-9)


def test_newcombe_is_newcombes() -> None:
    """Newcombe 1998, Table II, (a): 56/70 against 48/80, method 10."""
    difference, lower, upper = newcombe(56, 70, 48, 80)
    assert (difference, lower, upper) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-4)


@given(st.integers(0, 2**32 - 1))
def test_areas_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    positive, negative = random.integers(0, 5, 30).astype(float), random.integers(0, 4, 40).astype(float)
    found = areas(positive[None, :], negative[None, :])
    labels = np.r_[np.ones(30), np.zeros(40)]
    assert found.values[0] == pytest.approx(roc_auc_score(labels, np.r_[positive, negative]))


def test_delongs_variance_matches_the_spread_over_draws() -> None:
    random = np.random.default_rng(0)
    draws = [areas(random.normal(1, 1, (1, 80)), random.normal(0, 1, (1, 80))) for _ in range(400)]
    spread = np.var([draw.values[0] for draw in draws])
    assert np.mean([draw.covariance[0, 0] for draw in draws]) == pytest.approx(spread, rel=0.2)


def test_bounds_on_the_wire_never_look_tighter() -> None:
    estimate = Estimate("m", 0.12345678, 0.1000004, 0.2000004, 10, "m", 0)
    wired = estimate_of(estimate)
    assert float(wired.lower) <= estimate.lower
    assert float(wired.upper) >= estimate.upper


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("queued", "measure"),
        ("measuring", "measure"),
        ("measured", "ask-release"),
        ("done", "rest"),
        ("failed", "rest"),
    ],
)
def test_the_next_step_of_an_assay(state: str, step: str) -> None:
    assert next_step(state) == step
