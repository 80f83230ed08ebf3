"""How far the asset's marginals and pairs lie from the train rows', in total variation distance."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable
from mintmark_evaluation.measures.reference import Array, Tables, codes

RESAMPLES = 200
MOST_PAIRS = 500


def measure(tables: Tables) -> list[Measured]:
    """Mean and largest marginal distance, mean pairwise distance, and the holdout's own as noise floor."""
    train, holdout, asset, sizes = codes(tables)
    singles = [(i,) for i in range(len(sizes))]
    pairs = list(combinations(range(len(sizes)), 2))
    if len(pairs) > MOST_PAIRS:
        chosen = tables.random("pairs").choice(len(pairs), MOST_PAIRS, replace=False)
        pairs = [pairs[i] for i in sorted(chosen)]
    found: list[Measured] = []
    for name, sets in (("marginal-tvd", singles), ("pairwise-tvd", pairs)):
        if not sets:
            found.append(NotEstimable(f"{name}-mean", "the table has one column"))
            continue
        histograms = [(_histogram(train, columns, sizes), _histogram(asset, columns, sizes)) for columns in sets]
        floor = float(np.mean([
            _distance(_histogram(train, columns, sizes), _histogram(holdout, columns, sizes)) for columns in sets
        ]))  # fmt: skip
        found += _estimates(tables, name, histograms, floor, with_largest=name == "marginal-tvd")
    return found


def _estimates(
    tables: Tables, name: str, histograms: Sequence[tuple[Array, Array]], floor: float, *, with_largest: bool
) -> list[Measured]:
    values = np.array([_distance(a, b) for a, b in histograms])
    random = tables.random(name)
    drawn = np.array(
        [[_distance(_redraw(a, random), _redraw(b, random)) for a, b in histograms] for _ in range(RESAMPLES)]
    )
    method = f"total variation; multinomial bootstrap of both tables' counts, {RESAMPLES} draws, centred percentiles"
    details = {"sets": len(values), "train-against-holdout": round(floor, 6)}
    n = len(tables.asset)

    def estimate(suffix: str, value: float, draws: Array) -> Estimate:
        low, high = centred(value, draws)
        return Estimate(f"{name}-{suffix}", value, max(0.0, low), min(1.0, high), n, method, tables.seed, details)

    found: list[Measured] = [estimate("mean", float(values.mean()), drawn.mean(axis=1))]
    if with_largest:
        found.append(estimate("max", float(values.max()), drawn.max(axis=1)))
    return found


def centred(value: float, draws: Array) -> tuple[float, float]:
    """95 % bounds with the bootstrap's spread around the estimate: a distance's own draws lie above it."""
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975])
    return float(value + low - middle), float(value + high - middle)


def _histogram(coded: Array, columns: Sequence[int], sizes: Sequence[int]) -> Array:
    cell = np.zeros(len(coded), dtype=np.int64)
    for column in columns:
        cell = cell * sizes[column] + coded[:, column]
    return np.bincount(cell, minlength=int(np.prod([sizes[column] for column in columns])))


def _distance(a: Array, b: Array) -> float:
    return float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)


def _redraw(counts: Array, random: np.random.Generator) -> Array:
    total = counts.sum()
    return random.multinomial(total, counts / total)
