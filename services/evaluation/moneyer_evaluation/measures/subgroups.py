"""Fidelity within each protected group: a table can be faithful on average and wrong about the few.

A few rows lie far from anything by chance alone, so a group's made rows are held beside as many of its people held out.
"""

import numpy as np
from scipy import stats

from moneyer_evaluation.measures.fairness import SMALL_GROUP, groupings_of
from moneyer_evaluation.measures.fidelity import distance
from moneyer_evaluation.measures.reference import Array, Tables, codes
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni

METRIC = "subgroup-tvd-excess-max"
RESAMPLES = 100
MOST_GROUPS = 100


def measure(tables: Tables) -> list[Measured]:
    """How much farther the worst group's columns lie from the people learned from than as many people held out do."""
    if not tables.columns("protected"):
        return [NotEstimable(METRIC, "the source declares no protected column")]
    large, small = _groups(tables)
    if not large:
        return [NotEstimable(METRIC, f"no group has {SMALL_GROUP} rows learned from, held out and made")]
    random = tables.random(METRIC)
    found = {name: _excess(tables, rows, random) for name, rows in large[:MOST_GROUPS]}
    z = float(stats.norm.ppf((1 + bonferroni(len(found))) / 2))
    worst = max(found, key=lambda name: found[name][0])
    details = {
        "worst": worst,
        "groups": {name: round(value, 6) for name, (value, _) in found.items()},
        "small-groups": small,
        "groups-not-looked-at": [name for name, _ in large[MOST_GROUPS:]],
        "advice": [f"ask for a stratum of {worst}, or for more budget: it is the least faithfully made"],
    }
    method = (
        "mean total variation of columns within a group, made minus as many held out, both from those learned from; "
        f"the largest; spread of {RESAMPLES} multinomial draws, normal at Bonferroni's level"
    )
    lower, upper = (max(value + sign * z * error for value, error in found.values()) for sign in (-1, 1))
    return [Estimate(METRIC, found[worst][0], lower, upper, len(tables.asset), method, tables.seed, details)]


Rows = tuple[Array, Array, Array]


def _groups(tables: Tables) -> tuple[list[tuple[str, Rows]], list[str]]:
    """The groups large enough, with their rows of (train, holdout, asset), and the names of those that are not."""
    large: list[tuple[str, Rows]] = []
    small: list[str] = []
    for grouping in groupings_of(tables):
        for place, name in enumerate(grouping.names):
            train, holdout, asset = (
                np.flatnonzero(part == place) for part in (grouping.train, grouping.holdout, grouping.asset)
            )
            if min(len(train), len(holdout), len(asset)) < SMALL_GROUP:
                small.append(name)
            else:
                large.append((name, (train, holdout, asset)))
    return large, small


def _excess(tables: Tables, rows: Rows, random: np.random.Generator) -> tuple[float, float]:
    """(mean excess over columns, its standard error) of one group."""
    train, holdout, asset, sizes = codes(tables)
    size = min(len(rows[1]), len(rows[2]))
    made, held_out = (
        part[random.choice(chosen, size, replace=False)] for part, chosen in ((asset, rows[2]), (holdout, rows[1]))
    )
    values, draws = [], []
    for place, width in enumerate(sizes):
        learned = np.bincount(train[rows[0], place], minlength=width)
        share = learned / learned.sum()
        counts = [np.bincount(part[:, place], minlength=width) for part in (made, held_out)]
        values.append(distance(counts[0], learned) - distance(counts[1], learned))
        redrawn = [random.multinomial(size, part / size, RESAMPLES) / size for part in counts]
        far = [np.abs(part - share).sum(axis=1) / 2 for part in redrawn]
        draws.append(far[0] - far[1])
    return float(np.mean(values)), float(np.std(np.mean(draws, axis=0), ddof=1))
