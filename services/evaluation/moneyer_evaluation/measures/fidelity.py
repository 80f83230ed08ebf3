"""How far the asset's marginals and pairs lie from the train rows', in total variation distance."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import comb, prod
from typing import Any

import numpy as np

from moneyer_evaluation.measures.reference import Array, Tables, bounds, codes
from moneyer_evaluation.rules import CONFIDENCE, Estimate, Measured, NotEstimable
from moneyer_shared.contracts.generation import Column

SINGLES, PAIRS, TRIPLES = "marginal-tvd", "pairwise-tvd", "triple-tvd"
SETS = ((SINGLES, 1, 500, 200), (PAIRS, 2, 300, 200), (TRIPLES, 3, 60, 100))
"""Name, columns in a set, most sets, and draws of the bootstrap."""
NUMBERS = {1: "one", 2: "two", 3: "three"}
NIST_SCALE = 1000
MOST_SHOWN, MOST_BARS, PARTS = 24, 12, 8
MOST_CELLS = 2**20
"""Combinations that are counted in an array of all of them; more are numbered as they occur."""


def measure(tables: Tables) -> list[Measured]:
    """Mean and largest marginal distance, mean distance of pairs and triples, and the holdout's own as noise floor."""
    train, holdout, asset, sizes = codes(tables)
    if not min(len(train), len(holdout), len(asset)):
        return [NotEstimable(f"{name}-mean", "one of the tables has no rows") for name, *_ in SETS]
    found: list[Measured] = []
    for name, width, most, draws in SETS:
        sets = _chosen(tables, name, width, most, len(sizes))
        if not sets:
            found.append(NotEstimable(f"{name}-mean", f"the table has fewer than {NUMBERS[width]} columns"))
            continue
        counted = [_counts(columns, sizes, train, asset, holdout) for columns in sets]
        floor = float(np.mean([distance(learned, held_out) for learned, _, held_out in counted]))
        found += _estimates(tables, name, counted, floor, draws)
    return found


def _chosen(tables: Tables, name: str, width: int, most: int, columns: int) -> list[tuple[int, ...]]:
    """The sets of so many columns, or as many of them at random as are affordable."""
    if comb(columns, width) <= most:
        return list(combinations(range(columns), width))
    random = tables.random(f"{name} sets")
    drawn = {tuple(sorted(random.choice(columns, width, replace=False).tolist())) for _ in range(4 * most)}
    found = sorted(drawn)
    random.shuffle(found)
    return sorted(found[:most])


def _estimates(
    tables: Tables, name: str, counted: Sequence[tuple[Array, ...]], floor: float, resamples: int
) -> list[Measured]:
    values = np.array([distance(learned, made) for learned, made, _ in counted])
    random = tables.random(name)
    drawn = np.array([redrawn(learned, made, resamples, random) for learned, made, _ in counted])
    method = f"total variation; multinomial bootstrap of both tables' counts, {resamples} draws, centred percentiles"
    details: dict[str, Any] = {"sets": len(values), "train-against-holdout": round(floor, 6)}
    if name == SINGLES:
        names = [column.name for column in tables.declaration.learned]
        details["columns"] = {column: round(float(value), 6) for column, value in zip(names, values, strict=False)}
        details["histograms"] = histograms(tables)
    n = len(tables.asset)

    def estimate(suffix: str, value: float, draws: Array) -> Estimate:
        low, high = centred(value, draws)
        return Estimate(f"{name}-{suffix}", value, max(0.0, low), min(1.0, high), n, method, tables.seed, details)

    mean = estimate("mean", float(values.mean()), drawn.mean(axis=0))
    if name == SINGLES:
        return [mean, estimate("max", float(values.max()), drawn.max(axis=0))]
    return [mean, _score(name, mean)]


def _score(name: str, mean: Estimate) -> Estimate:
    """The NIST k-marginal score: 0 for nothing in common, 1000 for the same (SDNist, "k-marginal metric")."""
    value, lower, upper = (NIST_SCALE * (1 - figure) for figure in (mean.value, mean.upper, mean.lower))
    metric = f"k-marginal-score-{2 if name == PAIRS else 3}"
    return Estimate(metric, value, lower, upper, mean.n, f"1000 × (1 - {name}-mean)", mean.seed)


def histograms(tables: Tables) -> dict[str, list[list[Any]]]:
    """Rows [label, whole percent of train, whole percent of asset] of the first columns.

    They are of categories or of equal parts of the declared range; in whole percent few people are to be seen.
    """
    return {column.name: _histogram(tables, column) for column in tables.declaration.learned[:MOST_SHOWN]}


def _histogram(tables: Tables, column: Column) -> list[list[Any]]:
    parts = [frame[column.name] for frame in (tables.train, tables.asset)]
    if column.domain.kind == "categorical":
        labels = column.domain.categories[:MOST_BARS]
        shares = [[float((part == label).mean()) for label in labels] for part in parts]
    else:
        ends = np.linspace(*bounds(column), PARTS + 1)
        labels = [f"{low:g} … {high:g}" for low, high in pairwise(ends)]
        numbers = [part.to_numpy(dtype=np.float64, na_value=np.nan) for part in parts]
        shares = [(np.histogram(part[~np.isnan(part)], bins=ends)[0] / len(part)).tolist() for part in numbers]
    return [[label, round(100 * real), round(100 * made)] for label, real, made in zip(labels, *shares, strict=True)]


def centred(value: float, draws: Array, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds with the bootstrap's spread around the estimate: a distance's own draws lie above it."""
    tail = (1 - confidence) / 2
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail])
    return float(value + low - middle), float(value + high - middle)


def _counts(columns: Sequence[int], sizes: Sequence[int], *parts: Array) -> tuple[Array, ...]:
    """Rows per combination of values, for the combinations that occur in any part; so many categories cost nothing."""
    width = prod(sizes[column] for column in columns)
    cells = [_cells(part, columns, sizes) for part in parts]
    if width > MOST_CELLS:
        numbers = np.unique(np.concatenate(cells), return_inverse=True)[1].reshape(-1)
        width, ends = int(numbers.max(initial=0)) + 1, np.cumsum([len(part) for part in parts])[:-1]
        cells = np.split(numbers, ends)
    counted = np.array([np.bincount(part, minlength=width) for part in cells])
    return tuple(counted[:, counted.any(axis=0)])


def _cells(rows: Array, columns: Sequence[int], sizes: Sequence[int]) -> Array:
    """Each row's combination as one number."""
    cell = np.zeros(len(rows), dtype=np.int64)
    for column in columns:
        cell = cell * sizes[column] + rows[:, column]
    return cell


def distance(a: Array, b: Array) -> float:
    """Total variation between two tables of counts."""
    return float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)


def redrawn(a: Array, b: Array, resamples: int, random: np.random.Generator) -> Array:
    """Distances between redrawn tables, shape (resamples,)."""
    drawn = [random.multinomial(counts.sum(), counts / counts.sum(), resamples) / counts.sum() for counts in (a, b)]
    return np.asarray(np.abs(drawn[0] - drawn[1]).sum(axis=1) / 2)
