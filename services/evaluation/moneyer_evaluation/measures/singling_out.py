"""Singling out: predicates read off the asset that isolate one person, beyond what chance gives.

After Giomi et al. 2023 ("A Unified Framework for Quantifying Privacy Risk in Synthetic Data"): the attacker guesses
that what is unique in the asset is unique among the people behind it. The same predicates against an equal-size
holdout are the baseline. A univariate predicate looks at one column: a value that stands once in the asset, or what
lies beyond its smallest or largest number. A multivariate one looks at a unique combination of several.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from moneyer_evaluation.measures.reference import Array, Tables, row_hashes
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, newcombe

METRIC, UNIVARIATE = "singling-out-risk", "singling-out-univariate-risk"
ATTACKS = 3000
LEAST_ATTACKS = 50
LEAST_ROWS = 40
SUBSETS = 75
NARROWEST = 2
MOST_COLUMNS_SHOWN = 20


def measure(tables: Tables) -> list[Measured]:
    """Share of attacks that isolate exactly one train row, minus the same on the holdout."""
    size = min(len(tables.train), len(tables.holdout))
    if size < LEAST_ROWS:
        because = f"fewer than {LEAST_ROWS} rows to learn from or held out"
        return [NotEstimable(metric, because) for metric in (METRIC, UNIVARIATE)]
    return [multivariate(tables, size), univariate(tables, size)]


def multivariate(tables: Tables, size: int) -> Measured:
    """By unique combinations of random columns."""
    train, holdout, asset = row_hashes(tables)
    random = tables.random("singling-out")
    targets = train[random.choice(len(train), size, replace=False)]
    baseline = holdout[random.choice(len(holdout), size, replace=False)]
    rows, hits, chances, subsets = [], [], [], []
    used: list[Array] = []
    for number in range(SUBSETS):
        width = int(random.integers(min(NARROWEST, train.shape[1]), train.shape[1] + 1))
        columns = random.choice(train.shape[1], width, replace=False)
        parts = [part[:, columns].sum(axis=1) for part in (asset, targets, baseline)]
        guessed, hit, chance = _attack(parts, random)
        rows.append(guessed)
        hits.append(hit)
        chances.append(chance)
        subsets.append(np.full(len(guessed), number))
        used.append(columns)
    joined = [np.concatenate(parts) for parts in (hits, chances, rows, subsets)]
    what = "unique combinations of random columns of the asset as predicates"
    return _estimate(tables, METRIC, what, joined, size, used)


def _attack(parts: list[Array], random: np.random.Generator) -> tuple[Array, Array, Array]:
    """For up to ATTACKS / SUBSETS guesses: the asset's row, and whether it isolates one target and one baseline row."""
    cells, found = pd.factorize(np.concatenate(parts))
    asset, targets, baseline = np.split(cells, np.cumsum([len(part) for part in parts])[:-1])
    counts = [np.bincount(part, minlength=len(found)) for part in (asset, targets, baseline)]
    unique = np.flatnonzero(counts[0][asset] == 1)
    rows = random.choice(unique, min(ATTACKS // SUBSETS, len(unique)), replace=False)
    guesses = asset[rows]
    return rows, counts[1][guesses] == 1, counts[2][guesses] == 1


def univariate(tables: Tables, size: int) -> Measured:
    """By values that stand once in a column, and by what lies beyond its ends."""
    random = tables.random(UNIVARIATE)
    targets, baseline = (
        frame.iloc[random.choice(len(frame), size, replace=False)] for frame in (tables.train, tables.holdout)
    )
    rows: list[Array] = []
    hits: list[Array] = []
    chances: list[Array] = []
    columns: list[Array] = []
    for number, column in enumerate(tables.declaration.learned):
        asset = tables.asset[column.name].dropna()
        lone = asset.drop_duplicates(keep=False)
        counts = [lone.map(part[column.name].value_counts()).fillna(0).to_numpy() for part in (targets, baseline)]
        rows.append(lone.index.to_numpy())
        hits.append(counts[0] == 1)
        chances.append(counts[1] == 1)
        if column.domain.kind != "categorical" and len(asset):
            beyond = [_beyond(part[column.name], asset) for part in (targets, baseline)]
            rows.append(asset.index[np.array([asset.argmin(), asset.argmax()])].to_numpy())
            hits.append(beyond[0])
            chances.append(beyond[1])
        columns.append(np.full(sum(len(part) for part in rows) - sum(len(part) for part in columns), number))
    joined = [np.concatenate(parts) for parts in (hits, chances, rows, columns)]
    chosen = tables.at_most(len(joined[0]), ATTACKS, UNIVARIATE)
    what = "values that stand once in a column of the asset, and its ends, as predicates"
    used = [np.array([number]) for number in range(len(tables.declaration.learned))]
    return _estimate(tables, UNIVARIATE, what, [part[chosen] for part in joined], size, used)


def _beyond(values: pd.Series, asset: pd.Series) -> Array:
    """Whether exactly one value lies at or below the asset's smallest, and at or above its largest."""
    return np.array([(values <= asset.min()).sum() == 1, (values >= asset.max()).sum() == 1])


def _estimate(
    tables: Tables, metric: str, what: str, attacks: list[Array], size: int, used: Sequence[Array]
) -> Measured:
    """Newcombe's bounds, or those that allow for attacks of one row or one set of columns to go alike, if wider.

    ``used`` are the columns that each set of them holds; of the attacks that succeeded it is told which they looked at.
    """
    hits, chances, rows, subsets = attacks
    n = len(hits)
    if n < LEAST_ATTACKS:
        return NotEstimable(metric, "the asset holds too little that is unique to attack with")
    value, lower, upper = newcombe(int(hits.sum()), n, int(chances.sum()), n)
    half = 1.959964 * _spread(hits.astype(np.float64) - chances, rows, subsets)
    method = (
        f"{what}; those isolating exactly one of the train rows, minus the same on an equal-size holdout; Newcombe, "
        "widened for attacks that hang together"
    )
    details: dict[str, Any] = {"success": float(hits.mean()), "baseline": float(chances.mean()), "rows": size}
    details["columns"] = _columns(tables, subsets[hits.astype(bool)], used)
    lower, upper = min(lower, value - half), max(upper, value + half)
    return Estimate(metric, value, lower, upper, n, method, tables.seed, details)


def _columns(tables: Tables, subsets: Array, used: Sequence[Array]) -> dict[str, float]:
    """Of the attacks that succeeded, the share that looked at each column; the first of them by it."""
    counts = np.zeros(len(tables.declaration.learned))
    for number, times in zip(*np.unique(subsets, return_counts=True), strict=True):
        counts[used[int(number)]] += times
    shares = counts / max(1, len(subsets))
    first = np.argsort(-shares, kind="stable")[:MOST_COLUMNS_SHOWN]
    return {tables.declaration.learned[i].name: round(float(shares[i]), 2) for i in first if shares[i]}


def _spread(gains: Array, rows: Array, subsets: Array) -> float:
    """Standard error of the mean gain, clustered by row and by set of columns (Cameron, Gelbach & Miller 2011)."""
    off = gains - gains.mean()
    both = np.unique(np.column_stack([rows, subsets]), axis=0, return_inverse=True)[1].reshape(-1)
    sums = [float((np.bincount(cluster, weights=off) ** 2).sum()) for cluster in (rows, subsets, both)]
    return float(np.sqrt(max(0.0, sums[0] + sums[1] - sums[2]))) / len(gains)
