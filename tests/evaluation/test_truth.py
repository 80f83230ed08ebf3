"""Ground truth: intervals cover what is known to be true as often as they promise, over many draws."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from evaluation.test_measures import DECLARATION, figure, population
from scipy import stats

from moneyer_evaluation.measures import (
    attributes,
    copies,
    fairness,
    likeness,
    linkability,
    membership,
    reidentification,
    shadow,
    singling_out,
    subgroups,
    validity,
)
from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.rules import Estimate

pytestmark = pytest.mark.long
DRAWS = 40
MOST_MISSES = int(stats.binom.ppf(0.999, DRAWS, 0.05))
"""More misses of a 95 % interval than this happen once in a thousand times by chance."""
NOTHING = {
    "membership-auc": 0.5, "membership-density-auc": 0.5, "membership-isolated-auc": 0.5, "singling-out-risk": 0.0,
    "linkability-risk": 0.0, "attribute-inference-risk": 0.0, "exact-copy-excess": 0.0, "near-copy-excess": 0.0,
    "membership-shadow-auc": 0.5, "membership-group-auc": 0.5, "singling-out-univariate-risk": 0.0,
    "unseen-combinations-excess": 0.0, "subgroup-tvd-excess-max": 0.0, "reidentification-excess": 0.0, "detection-auc": 0.5, "representation-gap-max": 0.0, "missingness-difference-max": 0.0,
}  # fmt: skip


def drawn(seed: int, leaked: float = 0.0, rows: int = 1000) -> Tables:
    """Train, holdout, and an asset that is an independent draw of the population but for the rows it leaks."""
    train, holdout, asset = (population(rows, 1000 * place + seed) for place in (1, 2, 3))
    count = round(leaked * rows)
    asset = pa.concat_tables([train.slice(0, count), asset.slice(0, rows - count)])
    return Tables.of(DECLARATION, train, holdout, asset, seed)


def test_on_an_independent_draw_of_the_population_intervals_cover_nothing() -> None:
    missed: Counter[str] = Counter()
    for seed in range(DRAWS):
        tables = drawn(seed)
        measures = (
            membership,
            shadow,
            singling_out,
            linkability,
            attributes,
            copies,
            reidentification,
            validity,
            subgroups,
        )
        found = [one for module in measures for one in module.measure(tables)]
        found += [likeness.detection(tables), likeness.missingness(tables)]
        found += [fairness.presence(tables, fairness.groupings_of(tables))]
        for one in found:
            if one.metric in NOTHING:
                assert isinstance(one, Estimate), one
                missed[one.metric] += not one.lower <= NOTHING[one.metric] <= one.upper
    assert set(missed) == set(NOTHING)
    assert all(count <= MOST_MISSES for count in missed.values()), missed


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.2])
def test_a_known_share_of_leaked_rows_is_covered(share: float) -> None:
    missed = 0
    for seed in range(DRAWS):
        tables = drawn(seed, leaked=share)
        found = figure(copies.measure(tables), "exact-copy-excess")
        # Of the rows not leaked, a few are copied by chance; the holdout says how many.
        missed += not found.lower <= share <= found.upper
    assert missed <= MOST_MISSES


@pytest.mark.parametrize("metric", ["membership-auc", "attribute-inference-risk", "linkability-risk"])
def test_what_an_attacker_gains_grows_with_what_is_leaked(metric: str) -> None:
    module = {"membership-auc": membership, "attribute-inference-risk": attributes}.get(metric, linkability)
    gains = [
        np.mean([figure(module.measure(drawn(seed, leaked=share)), metric).value for seed in range(6)])
        for share in (0.0, 0.2, 0.6, 1.0)
    ]
    assert gains == sorted(gains)
    assert gains[-1] > gains[0] + 0.2
