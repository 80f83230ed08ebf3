"""Likeness beyond counts: correlations, whether a classifier can tell, how real rows are covered, what is missing."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from xgboost import XGBClassifier

from moneyer_evaluation.measures.fidelity import centred
from moneyer_evaluation.measures.reference import Array, Tables, features
from moneyer_evaluation.measures.roc import areas
from moneyer_evaluation.rules import (
    CONFIDENCE,
    Estimate,
    Measured,
    NotEstimable,
    bonferroni,
    magnitude,
    newcombe,
    wilson,
)

RESAMPLES = 100
MOST_TOLD_APART, LEAST_TOLD_APART = 10_000, 100
MOST_COVERED, LEAST_COVERED = 2_000, 50
NEIGHBOURS = 5
BLOCKS = 500
MOST_PAIRS_SHOWN = 20


def measure(tables: Tables) -> list[Measured]:
    return [correlation(tables), detection(tables), *coverage(tables), missingness(tables)]


def correlation(tables: Tables) -> Measured:
    """Mean over pairs of numeric columns of half the difference between their correlations (0 the same, 1 opposite)."""
    metric = "correlation-difference-mean"
    numeric = [column.name for column in tables.declaration.learned if column.domain.kind != "categorical"]
    # What does not vary among the real rows has no correlation to be like.
    names = [name for name in numeric if _varies(tables.train[name])]
    if len(names) < 2 or min(len(tables.train), len(tables.asset)) < 3:  # noqa: PLR2004 - it takes two columns, three rows
        return NotEstimable(metric, "there are fewer than two numeric columns that vary, or three rows")
    if sum(_varies(tables.asset[name]) for name in names) < 2:  # noqa: PLR2004 - as above
        return NotEstimable(metric, "fewer than two numeric columns of the asset hold different values")
    train, asset = (_numbers(frame, names) for frame in (tables.train, tables.asset))
    pairs = np.triu_indices(len(names), 1)
    random = tables.random(metric)
    learned, made = (_moments(rows, random) for rows in (train, asset))

    def difference(one: Array, two: Array) -> Array:
        return np.asarray(np.abs(_correlations(one)[pairs] - _correlations(two)[pairs]) / 2)

    by_pair = difference(learned.sum(axis=0), made.sum(axis=0))
    value = float(by_pair.mean())
    draws = np.array(
        [difference(*(_redrawn(blocks, random) for blocks in (learned, made))).mean() for _ in range(RESAMPLES)]
    )
    lower, upper = centred(value, draws)
    method = f"half of |r - r'|, Pearson, missing values at their mean; bootstrap of random blocks, {RESAMPLES} draws"
    worst = np.argsort(-by_pair)[:MOST_PAIRS_SHOWN]
    details = {
        "pairs": len(pairs[0]),
        "left-out": [name for name in numeric if name not in names],
        "largest": {f"{names[pairs[0][i]]} · {names[pairs[1][i]]}": round(float(by_pair[i]), 6) for i in worst},
    }
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), len(asset), method, tables.seed, details)


def _varies(values: pd.Series) -> bool:
    """Whether at least two values that differ are there."""
    return int(values.nunique()) > 1


def _numbers(frame: pd.DataFrame, names: list[str]) -> Array:
    numbers = np.asarray(frame[names].to_numpy(dtype=np.float64, na_value=np.nan))
    missing = np.isnan(numbers)
    counts = (~missing).sum(axis=0)
    means = np.where(counts, np.where(missing, 0, numbers).sum(axis=0) / np.maximum(counts, 1), 0)
    return np.where(missing, means, numbers)


def _moments(numbers: Array, random: np.random.Generator) -> Array:
    """Sums of the products of (1, columns) over random blocks of rows; shape (blocks, 1 + columns, 1 + columns).

    Blocks of independent rows are as good to draw as rows are, and all that a correlation needs of them is their sums.
    """
    # Near its mean a column's sums lose no digits.
    widened = np.column_stack([np.ones(len(numbers)), numbers - numbers.mean(axis=0)])
    parts = np.array_split(random.permutation(len(numbers)), min(BLOCKS, len(numbers)))
    return np.array([widened[rows].T @ widened[rows] for rows in parts])


def _redrawn(blocks: Array, random: np.random.Generator) -> Array:
    """The sum of as many blocks drawn with replacement."""
    return np.asarray(blocks[random.integers(0, len(blocks), len(blocks))].sum(axis=0))


def _correlations(moments: Array) -> Array:
    """Pearson's, 0 where a column holds one value; shape (columns, columns)."""
    n, sums = moments[0, 0], moments[0, 1:]
    spread = moments[1:, 1:] - np.outer(sums, sums) / n
    scale = np.sqrt(np.clip(np.diagonal(spread), 0, None))
    # What is left of a constant column is rounding.
    scale = np.where(scale**2 > 1e-12 * np.diagonal(moments)[1:], scale, 0)
    outer = np.outer(scale, scale)
    return np.asarray(np.divide(spread, outer, out=np.zeros_like(spread), where=outer > 0))


def detection(tables: Tables) -> Measured:
    """AUC of a classifier shown half of asset and holdout and asked about the other half (Lopez-Paz & Oquab 2017)."""
    metric = "detection-auc"
    _, holdout, asset = features(tables)
    size = min(MOST_TOLD_APART, len(holdout), len(asset))
    if size < LEAST_TOLD_APART:
        return NotEstimable(metric, f"fewer than {LEAST_TOLD_APART} rows held out or made")
    value, lower, upper, n = told_apart(holdout, asset, tables.random(metric), tables.seed)
    method = "gradient-boosted trees on half of both, asked about the other half; DeLong's variance"
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), n, method, tables.seed)


def told_apart(
    one: Array, two: Array, random: np.random.Generator, seed: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float, int]:
    """(AUC, lower, upper, n) of a classifier shown half of as many rows of both and asked about the other half."""
    size = min(MOST_TOLD_APART, len(one), len(two))
    real, made = (rows[random.choice(len(rows), size, replace=False)] for rows in (one, two))
    half = size // 2
    shown, labels = np.vstack([real[:half], made[:half]]), np.repeat([0, 1], half)
    learner = XGBClassifier(n_estimators=60, max_depth=5, tree_method="hist", n_jobs=1, random_state=seed)
    learner.fit(shown, labels)
    scores = [learner.predict_proba(rows[half:])[:, 1] for rows in (made, real)]
    interval = areas(scores[0][None, :], scores[1][None, :]).interval(np.ones(1), confidence)
    return (*interval, 2 * (size - half))


def coverage(tables: Tables) -> list[Measured]:
    """Density and coverage (Naeem et al. 2020) of balls around real rows that reach their fifth neighbour."""
    train, _, asset = features(tables)
    size = min(MOST_COVERED, len(train), len(asset))
    if size < LEAST_COVERED:
        because = f"fewer than {LEAST_COVERED} rows to learn from or made"
        return [NotEstimable("coverage", because), NotEstimable("density", because)]
    random = tables.random("coverage")
    real, made = (rows[random.choice(len(rows), size, replace=False)] for rows in (train, asset))
    radii = NearestNeighbors(n_neighbors=NEIGHBOURS + 1, n_jobs=1).fit(real).kneighbors(real)[0][:, -1]
    nearest = NearestNeighbors(n_neighbors=1, n_jobs=1).fit(made).kneighbors(real)[0][:, 0]
    covered = int((nearest <= radii).sum())
    lower, upper = wilson(covered, size)
    inside = _balls_around(made, real, radii) / NEIGHBOURS
    half = float(stats.norm.ppf(0.975) * inside.std(ddof=1) / np.sqrt(size))
    mean = float(inside.mean())
    how = f"balls to the {NEIGHBOURS}th neighbour of as many real rows"
    return [
        Estimate("coverage", covered / size, lower, upper, size, f"{how}; Wilson", tables.seed),
        Estimate("density", mean, max(0.0, mean - half), mean + half, size, f"{how}; normal", tables.seed),
    ]


def _balls_around(rows: Array, centres: Array, radii: Array, chunk: int = 500) -> Array:
    """How many balls each row lies in, shape (n,)."""
    squares = (centres**2).sum(axis=1)
    counts = []
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk]
        distances = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ centres.T
        counts.append((distances <= (radii**2)[None, :] + 1e-9).sum(axis=1))
    return np.asarray(np.concatenate(counts), dtype=np.float64)


def missingness(tables: Tables) -> Measured:
    """The largest difference in the share of missing values of a column, all columns' intervals holding together."""
    metric = "missingness-difference-max"
    names = [column.name for column in tables.declaration.learned if column.nullable]
    if not names or not len(tables.train) or not len(tables.asset):
        return NotEstimable(metric, "no column may be missing")
    confidence = bonferroni(len(names))
    shares = {}
    for name in names:
        counts = [int(frame[name].isna().sum()) for frame in (tables.asset, tables.train)]
        shares[name] = newcombe(counts[0], len(tables.asset), counts[1], len(tables.train), confidence)
    bounds = [magnitude(*interval) for interval in shares.values()]
    value, lower, upper = (max(bound[i] for bound in bounds) for i in range(3))
    details = {name: round(interval[0], 6) for name, interval in shares.items()}
    method = "difference of shares, asset minus train; Newcombe at Bonferroni's level"
    return Estimate(metric, value, lower, upper, len(tables.asset), method, tables.seed, details)
