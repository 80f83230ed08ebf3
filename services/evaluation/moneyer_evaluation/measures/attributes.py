"""Attribute inference: who knows all else about a person guesses a sensitive value from the nearest synthetic row.

After Giomi et al. 2023 ("A Unified Framework for Quantifying Privacy Risk in Synthetic Data"): what is guessed of
people the generator never saw is what the population tells; only what is guessed better of those it saw is its doing.
"""

import numpy as np

from moneyer_evaluation.measures.neighbours import nearest, targets
from moneyer_evaluation.measures.reference import Array, Tables, bounds, features, places_of
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni, newcombe
from moneyer_shared.contracts.generation import Column

METRIC = "attribute-inference-risk"
LEAST_TARGETS = 50
NEAR = 0.05
"""A number is guessed if it is off by less than this share of its declared range."""


def measure(tables: Tables) -> list[Measured]:
    """The largest excess over sensitive columns of guesses right on members; all columns' intervals hold together."""
    sensitive = tables.columns("sensitive")
    if not sensitive:
        return [NotEstimable(METRIC, "the source declares no sensitive column")]
    if len(tables.declaration.learned) < 2:  # noqa: PLR2004
        return [NotEstimable(METRIC, "there is no column to know people by")]
    members, outsiders = targets(tables, METRIC)
    if len(members) < LEAST_TARGETS or not len(tables.asset):
        return [NotEstimable(METRIC, f"fewer than {LEAST_TARGETS} people to attack")]
    confidence = bonferroni(len(sensitive))
    found = {column.name: _attack(tables, column, members, outsiders) for column in sensitive}
    n = len(members)
    bounds = [newcombe(right, n, baseline, n, confidence) for right, baseline, _ in found.values()]
    value, lower, upper = (max(bound[i] for bound in bounds) for i in range(3))
    details = {
        name: {"right": right / n, "baseline": baseline / n, "most-common": common}
        for name, (right, baseline, common) in found.items()
    }
    method = (
        "the sensitive value of the nearest synthetic row on all other columns; right on members minus right on people "
        "held out; Newcombe at Bonferroni's level"
    )
    return [Estimate(METRIC, value, lower, upper, n, method, tables.seed, {"columns": details})]


def _attack(tables: Tables, column: Column, members: Array, outsiders: Array) -> tuple[int, int, float]:
    """(right on members, right on people held out, share that the commonest value alone would get right)."""
    names = [other.name for other in tables.declaration.learned if other.name != column.name]
    places = places_of(tables, names)
    train, holdout, asset = features(tables)
    made = asset[:, places]
    guesses = tables.asset[column.name].to_numpy()
    found = [
        right(column, guesses[nearest(rows, made)[:, 0]], frame[column.name].to_numpy()[chosen])
        for rows, frame, chosen in (
            (train[np.ix_(members, places)], tables.train, members),
            (holdout[np.ix_(outsiders, places)], tables.holdout, outsiders),
        )
    ]
    common = tables.train[column.name].value_counts(normalize=True, dropna=False)
    return found[0], found[1], round(float(common.iloc[0]), 6)


def right(column: Column, guesses: Array, truth: Array) -> int:
    """How many guesses of a column are right: the category itself, or a number close to it."""
    if column.domain.kind == "categorical":
        return int((guesses.astype(str) == truth.astype(str)).sum())
    low, high = bounds(column)
    off = np.abs(guesses.astype(np.float64) - truth.astype(np.float64))
    return int((off <= NEAR * ((high - low) or 1)).sum())
