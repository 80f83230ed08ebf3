"""A workload of random questions, as analysts ask: how many rows lie in such ranges, and what is their mean there."""

import numpy as np
import pandas as pd

from moneyer_evaluation.measures.reference import Array, Tables, bounds
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable
from moneyer_shared.contracts.generation import Column

COUNTS, MEANS = "query-count-error-mean", "query-mean-error-mean"
QUERIES = 300
LEAST_ANSWERS = 20
LEAST_ROWS = 30
MOST_ROWS = 100_000
"""As many rows of a table are asked: a share is then off by 0.003 at most, nineteen times in twenty."""
WIDEST = 3


def measure(tables: Tables) -> list[Measured]:
    """Mean error of shares of rows, and of means in units of a column's range; the holdout's answers are the truth."""
    if min(len(tables.holdout), len(tables.asset)) < LEAST_ROWS:
        return [NotEstimable(metric, f"fewer than {LEAST_ROWS} rows held out or made") for metric in (COUNTS, MEANS)]
    asked_of = [
        frame.iloc[tables.at_most(len(frame), MOST_ROWS, f"queries of {i}")]
        for i, frame in enumerate((tables.holdout, tables.asset))
    ]
    random = tables.random("queries")
    columns = tables.declaration.learned
    numeric = [column for column in columns if column.domain.kind != "categorical"]
    counts, means = [], []
    for _ in range(QUERIES):
        width = int(random.integers(1, min(WIDEST, len(columns)) + 1))
        asked = [columns[i] for i in random.choice(len(columns), width, replace=False)]
        masks = _answered(asked_of, asked, random)
        counts.append(abs(masks[0].mean() - masks[1].mean()))
        if numeric and min(mask.sum() for mask in masks) >= LEAST_ROWS:
            means.append(_mean_error(asked_of, numeric[int(random.integers(len(numeric)))], masks))
    known = np.array([error for error in means if not np.isnan(error)])
    how = "ranges and sets over one to three columns, holdout against asset"
    return [
        _estimate(tables, COUNTS, np.array(counts), f"|difference of shares|, {QUERIES} random {how}"),
        _estimate(tables, MEANS, known, f"|difference of means| over the column's declared range, random {how}")
        if len(known) >= LEAST_ANSWERS
        else NotEstimable(MEANS, "too few questions about numbers have an answer"),
    ]


def _answered(frames: list[pd.DataFrame], asked: list[Column], random: np.random.Generator) -> list[Array]:
    """Which rows of (holdout, asset) the question is about."""
    masks = [np.ones(len(frame), dtype=bool) for frame in frames]
    for column in asked:
        values = [frame[column.name] for frame in frames]
        if column.domain.kind == "categorical":
            categories = column.domain.categories
            some = random.choice(len(categories), int(random.integers(1, len(categories) + 1)), replace=False)
            chosen = {categories[i] for i in some}
            masks = [mask & part.isin(chosen).to_numpy() for mask, part in zip(masks, values, strict=True)]
        else:
            low, high = np.sort(random.uniform(0, 1, 2))
            ends = values[0].dropna().to_numpy(dtype=np.float64)
            if len(ends):
                begin, end = np.quantile(ends, [low, high])
                masks = [mask & _between(part, begin, end) for mask, part in zip(masks, values, strict=True)]
    return masks


def _between(values: pd.Series, begin: float, end: float) -> Array:
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray((numbers >= begin) & (numbers <= end))


def _mean_error(frames: list[pd.DataFrame], column: Column, masks: list[Array]) -> float:
    means = [frame[column.name][mask].mean() for frame, mask in zip(frames, masks, strict=True)]
    low, high = bounds(column)
    return float(abs(means[0] - means[1])) / ((high - low) or 1)


def _estimate(tables: Tables, metric: str, errors: Array, method: str) -> Estimate:
    value = float(errors.mean())
    half = 1.959964 * float(errors.std(ddof=1)) / len(errors) ** 0.5
    how = f"{method}; normal over questions"
    return Estimate(metric, value, max(0.0, value - half), value + half, len(errors), how, tables.seed)
