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
    successes = chances = attacks = 0
    for _ in range(SUBSETS):
        width = int(random.integers(min(NARROWEST, len(sizes)), len(sizes) + 1))
        columns = random.choice(len(sizes), width, replace=False)
        hits, misses = _attack(asset[:, columns], targets[:, columns], baseline[:, columns], random)
        attacks += len(hits)
        successes += int(hits.sum())
        chances += int(misses.sum())
    if attacks < LEAST_ATTACKS:
        return [NotEstimable(METRIC, "the asset holds too few unique combinations to attack with")]
    value, lower, upper = newcombe(successes, attacks, chances, attacks)
    method = (
        "unique combinations of random columns of the asset as predicates; those isolating exactly one of "
        "the train rows, minus the same on an equal-size holdout; Newcombe"
    )
    details = {"success": successes / attacks, "baseline": chances / attacks, "rows": size}
    return [Estimate(METRIC, value, lower, upper, attacks, method, tables.seed, details)]


def _attack(asset: Array, targets: Array, baseline: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """For up to ATTACKS / SUBSETS guesses: whether each isolates one target, and one baseline row."""
    _, cells = np.unique(np.vstack([asset, targets, baseline]), axis=0, return_inverse=True)
    cells = cells.reshape(-1)
    total = int(cells.max()) + 1
    parts = np.split(cells, [len(asset), len(asset) + len(targets)])
    counts = [np.bincount(part, minlength=total) for part in parts]
    unique = np.flatnonzero(counts[0] == 1)
    guesses = random.choice(unique, min(ATTACKS // SUBSETS, len(unique)), replace=False)
    return counts[1][guesses] == 1, counts[2][guesses] == 1
