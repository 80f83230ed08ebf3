"""Fidelity within each protected group: a table can be faithful on average and wrong about the few."""

import numpy as np
from scipy import stats

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable, bonferroni
from mintmark_evaluation.measures.fairness import SMALL_GROUP, groupings_of
from mintmark_evaluation.measures.fidelity import distance, redrawn
from mintmark_evaluation.measures.reference import Array, Tables, codes

METRIC = "subgroup-tvd-excess-max"
RESAMPLES = 100
MOST_GROUPS = 100


def measure(tables: Tables) -> list[Measured]:
    """How much farther the worst group's columns lie from its real rows than the whole table's from all of them."""
    if not tables.columns("protected"):
        return [NotEstimable(METRIC, "the source declares no protected column")]
    train, _, asset, sizes = codes(tables)
    large, small = _groups(tables)
    if not large:
        return [NotEstimable(METRIC, f"no group has {SMALL_GROUP} rows learned from and made")]
    random = tables.random(METRIC)
    whole = _marginals(train, asset, sizes, random)
    found = {
        name: _marginals(train[learned], asset[made], sizes, random) for name, learned, made in large[:MOST_GROUPS]
    }
    # A group's own draws lie above its estimate by the noise of few rows; taking it off leaves what is not noise.
    excess = {name: _denoised(one) - _denoised(whole) for name, one in found.items()}
    worst = max(excess, key=lambda name: excess[name])
    z = float(stats.norm.ppf((1 + bonferroni(len(found))) / 2))
    halves = {name: z * float(np.std(one[1:] - whole[1:], ddof=1)) for name, one in found.items()}
    details = {
        "worst": worst,
        "groups": {name: round(value, 6) for name, value in excess.items()},
        "small-groups": small,
        "groups-not-looked-at": [name for name, _, _ in large[MOST_GROUPS:]],
        "advice": [f"ask for a stratum of {worst}, or for more budget: it is the least faithfully made"],
    }
    method = (
        "mean total variation of columns within a group, less that of few rows, minus the whole table's; the worst; "
        f"spread of {RESAMPLES} multinomial draws, normal at Bonferroni's level"
    )
    lower, upper = (max(excess[name] + sign * halves[name] for name in found) for sign in (-1, 1))
    return [Estimate(METRIC, excess[worst], lower, upper, len(asset), method, tables.seed, details)]


def _groups(tables: Tables) -> tuple[list[tuple[str, Array, Array]], list[str]]:
    """(name, train rows, asset rows) of the groups large enough, and the names of those that are not."""
    large: list[tuple[str, Array, Array]] = []
    small: list[str] = []
    for grouping in groupings_of(tables):
        for place, name in enumerate(grouping.names):
            learned, made = np.flatnonzero(grouping.train == place), np.flatnonzero(grouping.asset == place)
            if min(len(learned), len(made)) < SMALL_GROUP:
                small.append(name)
            else:
                large.append((name, learned, made))
    return large, small


def _marginals(train: Array, asset: Array, sizes: list[int], random: np.random.Generator) -> Array:
    """Mean distance of the columns, and so many redrawn ones after it; shape (1 + draws,)."""
    values, draws = [], []
    for place, size in enumerate(sizes):
        counts = [np.bincount(part[:, place], minlength=size) for part in (train, asset)]
        values.append(distance(counts[0], counts[1]))
        draws.append(redrawn(counts[0], counts[1], RESAMPLES, random))
    return np.concatenate([[np.mean(values)], np.mean(draws, axis=0)])


def _denoised(marginals: Array) -> float:
    """Twice the estimate less the mean of its draws: the bootstrap's correction of bias (Efron & Tibshirani 1993)."""
    return float(2 * marginals[0] - marginals[1:].mean())
