"""Likeness beyond counts: correlations, whether a classifier can tell, how real rows are covered, what is missing."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from xgboost import XGBClassifier

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable, bonferroni, magnitude, newcombe, wilson
from mintmark_evaluation.measures.fidelity import centred
from mintmark_evaluation.measures.reference import Array, Tables, features
from mintmark_evaluation.measures.roc import areas

RESAMPLES = 100
MOST_TOLD_APART, LEAST_TOLD_APART = 10_000, 100
MOST_COVERED, LEAST_COVERED = 2_000, 50
NEIGHBOURS = 5


def measure(tables: Tables) -> list[Measured]:
    return [correlation(tables), detection(tables), *coverage(tables), missingness(tables)]


def correlation(tables: Tables) -> Measured:
    """Mean over pairs of numeric columns of half the difference between their correlations (0 the same, 1 opposite)."""
    metric = "correlation-difference-mean"
    names = [column.name for column in tables.declaration.learned if column.domain.kind != "categorical"]
    train, asset = (_numbers(frame, names) for frame in (tables.train, tables.asset))
    if len(names) < 2 or min(len(train), len(asset)) < 3:  # noqa: PLR2004 - a correlation takes two columns and three rows
        return NotEstimable(metric, "there are fewer than two numeric columns, or three rows")
    pairs = np.triu_indices(len(names), 1)
    random = tables.random(metric)

    def difference(learned: Array, made: Array) -> float:
        return float(np.abs(_correlations(learned)[pairs] - _correlations(made)[pairs]).mean() / 2)

    value = difference(train, asset)
    draws = np.array([
        difference(*(rows[random.integers(0, len(rows), len(rows))] for rows in (train, asset)))
        for _ in range(RESAMPLES)
    ])  # fmt: skip
    lower, upper = centred(value, draws)
    method = f"half of |r - r'|, Pearson, missing values at their mean; bootstrap of rows, {RESAMPLES} draws"
    details = {"pairs": len(pairs[0])}
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), len(asset), method, tables.seed, details)


def _numbers(frame: pd.DataFrame, names: list[str]) -> Array:
    numbers = np.asarray(frame[names].to_numpy(dtype=np.float64, na_value=np.nan))
    missing = np.isnan(numbers)
    counts = (~missing).sum(axis=0)
    means = np.where(counts, np.where(missing, 0, numbers).sum(axis=0) / np.maximum(counts, 1), 0)
    return np.where(missing, means, numbers)


def _correlations(numbers: Array) -> Array:
    """Pearson's, 0 where a column holds one value; shape (columns, columns)."""
    centred_numbers = numbers - numbers.mean(axis=0)
    scale = np.sqrt((centred_numbers**2).sum(axis=0))
    scaled = np.divide(centred_numbers, scale, out=np.zeros_like(centred_numbers), where=scale > 0)
    return np.asarray(scaled.T @ scaled)


def detection(tables: Tables) -> Measured:
    """AUC of a classifier shown half of asset and holdout and asked about the other half (Lopez-Paz & Oquab 2017)."""
    metric = "detection-auc"
    _, holdout, asset = features(tables)
    size = min(MOST_TOLD_APART, len(holdout), len(asset))
    if size < LEAST_TOLD_APART:
        return NotEstimable(metric, f"fewer than {LEAST_TOLD_APART} rows held out or made")
    random = tables.random(metric)
    real, made = (rows[random.choice(len(rows), size, replace=False)] for rows in (holdout, asset))
    half = size // 2
    shown, labels = np.vstack([real[:half], made[:half]]), np.repeat([0, 1], half)
    learner = XGBClassifier(n_estimators=60, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
    learner.fit(shown, labels)
    scores = [learner.predict_proba(rows[half:])[:, 1] for rows in (made, real)]
    value, lower, upper = areas(scores[0][None, :], scores[1][None, :]).interval(np.ones(1))
    method = "gradient-boosted trees on half of both, asked about the other half; DeLong's variance"
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), 2 * (size - half), method, tables.seed)


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
    how = f"balls to the {NEIGHBOURS}th neighbour of {size} real rows"
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
