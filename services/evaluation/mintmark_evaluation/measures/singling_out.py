"""Singling out: predicates read off the asset that isolate one person, beyond what chance gives.

After Giomi et al. 2023 ("A Unified Framework for Quantifying Privacy Risk in Synthetic Data"): the
attacker guesses that a combination of values which is unique in the asset is unique among the people
behind it. The same predicates against an equal-size holdout are the baseline.
"""

import numpy as np

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable, newcombe
from mintmark_evaluation.measures.reference import Array, Tables, codes

METRIC = "singling-out-risk"
ATTACKS = 3000
LEAST_ATTACKS = 50
LEAST_ROWS = 40
SUBSETS = 75
NARROWEST = 2


def measure(tables: Tables) -> list[Measured]:
    """Share of attacks that isolate exactly one train row, minus the same on the holdout."""
    train, holdout, asset, sizes = codes(tables)
    random = tables.random("singling-out")
    size = min(len(train), len(holdout))
    if size < LEAST_ROWS:
        return [NotEstimable(METRIC, f"fewer than {LEAST_ROWS} rows to learn from or held out")]
    targets = train[random.choice(len(train), size, replace=False)]
    baseline = holdout[random.choice(len(holdout), size, replace=False)]
    rows, hits, chances, subsets = [], [], [], []
    for number in range(SUBSETS):
        width = int(random.integers(min(NARROWEST, len(sizes)), len(sizes) + 1))
        columns = random.choice(len(sizes), width, replace=False)
        guessed, hit, chance = _attack(asset[:, columns], targets[:, columns], baseline[:, columns], random)
        rows.append(guessed)
        hits.append(hit)
        chances.append(chance)
        subsets.append(np.full(len(guessed), number))
    joined = [np.concatenate(parts) for parts in (hits, chances, rows, subsets)]
    return [_estimate(tables, joined[0], joined[1], joined[2], joined[3], size)]


def _estimate(tables: Tables, hits: Array, chances: Array, rows: Array, subsets: Array, size: int) -> Measured:
    """Newcombe's bounds, or those that allow for attacks of one row or one set of columns to go alike, if wider."""
    attacks = len(hits)
    if attacks < LEAST_ATTACKS:
        return NotEstimable(METRIC, "the asset holds too few unique combinations to attack with")
    value, lower, upper = newcombe(int(hits.sum()), attacks, int(chances.sum()), attacks)
    half = 1.959964 * _spread(hits.astype(np.float64) - chances, rows, subsets)
    method = (
        "unique combinations of random columns of the asset as predicates; those isolating exactly one of the train "
        "rows, minus the same on an equal-size holdout; Newcombe, widened for attacks that hang together"
    )
    details = {"success": float(hits.mean()), "baseline": float(chances.mean()), "rows": size}
    lower, upper = min(lower, value - half), max(upper, value + half)
    return Estimate(METRIC, value, lower, upper, attacks, method, tables.seed, details)


def _spread(gains: Array, rows: Array, subsets: Array) -> float:
    """Standard error of the mean gain, clustered by row and by set of columns (Cameron, Gelbach & Miller 2011)."""
    off = gains - gains.mean()
    both = np.unique(np.column_stack([rows, subsets]), axis=0, return_inverse=True)[1].reshape(-1)
    sums = [float((np.bincount(cluster, weights=off) ** 2).sum()) for cluster in (rows, subsets, both)]
    return float(np.sqrt(max(0.0, sums[0] + sums[1] - sums[2]))) / len(gains)


def _attack(asset: Array, targets: Array, baseline: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """For up to ATTACKS / SUBSETS guesses: the asset's row, and whether it isolates one target and one baseline row."""
    _, cells = np.unique(np.vstack([asset, targets, baseline]), axis=0, return_inverse=True)
    cells = cells.reshape(-1)
    total = int(cells.max()) + 1
    parts = np.split(cells, [len(asset), len(asset) + len(targets)])
    counts = [np.bincount(part, minlength=total) for part in parts]
    unique = np.flatnonzero(counts[0][parts[0]] == 1)
    rows = random.choice(unique, min(ATTACKS // SUBSETS, len(unique)), replace=False)
    guesses = parts[0][rows]
    return rows, counts[1][guesses] == 1, counts[2][guesses] == 1
