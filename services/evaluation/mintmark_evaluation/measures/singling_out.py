"""Singling out: predicates read off the asset that isolate one person, beyond what chance gives.

After Giomi et al. 2023 ("A Unified Framework for Quantifying Privacy Risk in Synthetic Data"): the
attacker guesses that a combination of values which is unique in the asset is unique among the people
behind it. The same predicates against an equal-size holdout are the baseline.
"""

import numpy as np

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable, newcombe
from mintmark_evaluation.measures.reference import Array, Tables, codes

METRIC = "singling-out-risk"
ATTACKS = 1000
LEAST_ATTACKS = 50
COLUMNS = 3
TRIES = 20


def measure(tables: Tables) -> list[Measured]:
    """Share of attacks that isolate exactly one train row, minus the same on the holdout."""
    train, holdout, asset, sizes = codes(tables)
    random = tables.random("singling-out")
    size = min(len(train), len(holdout))
    targets = train[random.choice(len(train), size, replace=False)]
    width = min(COLUMNS, len(sizes))
    successes, baseline, attacks = 0, 0, 0
    for _ in range(ATTACKS * TRIES // width):
        columns = random.choice(len(sizes), width, replace=False)
        guess = _unique_combination(asset, columns, random)
        if guess is None:
            continue
        attacks += 1
        successes += int((targets[:, columns] == guess).all(axis=1).sum() == 1)
        baseline += int((holdout[:size, columns] == guess).all(axis=1).sum() == 1)
        if attacks == ATTACKS:
            break
    if attacks < LEAST_ATTACKS:
        return [NotEstimable(METRIC, "the asset holds too few unique combinations to attack with")]
    value, lower, upper = newcombe(successes, attacks, baseline, attacks)
    method = f"unique combinations of {width} coded columns; success on train minus on equal-size holdout; Newcombe"
    details = {"success": successes / attacks, "baseline": baseline / attacks, "rows": size}
    return [Estimate(METRIC, value, lower, upper, attacks, method, tables.seed, details)]


def _unique_combination(asset: Array, columns: Array, random: np.random.Generator) -> Array | None:
    """A row's values in these columns that no other row of the asset shares; None after one unlucky draw."""
    part = asset[:, columns]
    row = part[random.integers(len(part))]
    return row if (part == row).all(axis=1).sum() == 1 else None
