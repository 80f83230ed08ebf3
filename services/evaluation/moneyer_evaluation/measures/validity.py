"""Whether made rows could be real ones: rules declared of the source, and combinations that real rows show."""

from collections.abc import Callable, Mapping
from itertools import combinations
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import numpy as np
import pandas as pd

from moneyer_evaluation.measures.reference import Array, Tables, codes
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, clopper_pearson, newcombe
from moneyer_shared.contracts.shape import Constraint

BROKEN, UNSEEN = "constraint-violations", "unseen-combinations-excess"
LEAST_ROWS = 20
MOST_PAIRS = 300
RELATIONS: Mapping[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, "=": eq, "!=": ne, ">=": ge, ">": gt}


def measure(tables: Tables) -> list[Measured]:
    return [constraints(tables), unseen(tables)]


def constraints(tables: Tables) -> Measured:
    """Share of made rows that break a rule the source declares."""
    rules = tables.declaration.constraints
    if not rules or not len(tables.asset):
        return NotEstimable(BROKEN, "the source declares no constraint" if not rules else "nothing was made")
    made, real = (np.column_stack([breaks(frame, rule) for rule in rules]) for frame in (tables.asset, tables.train))
    n, count = len(made), int(made.any(axis=1).sum())
    lower, upper = clopper_pearson(count, n)
    details = {
        "rules": {
            f"{rule.left} {rule.relation} {rule.right}": round(float(share), 6)
            for rule, share in zip(rules, made.mean(axis=0), strict=True)
        },
        "real-rows": round(float(real.any(axis=1).mean()), 6) if len(real) else None,
    }
    method = "share of made rows that break a declared rule; Clopper-Pearson"
    return Estimate(BROKEN, count / n, lower, upper, n, method, tables.seed, details)


def breaks(frame: pd.DataFrame, rule: Constraint) -> Array:
    """Which rows break a rule; where a value is missing, none does."""
    left, right = frame[rule.left], frame[rule.right]
    known = (left.notna() & right.notna()).to_numpy()
    holds = np.asarray(RELATIONS[rule.relation](left.to_numpy(), right.to_numpy()), dtype=bool)
    return known & ~holds


def unseen(tables: Tables) -> Measured:
    """Share of made rows with two categories that no train row has together, minus that of rows held out."""
    train, holdout, asset, sizes = codes(tables)
    places = [i for i, column in enumerate(tables.declaration.learned) if column.domain.kind == "categorical"]
    if len(places) < 2:  # noqa: PLR2004 - a combination takes two
        return NotEstimable(UNSEEN, "the table has fewer than two columns of categories")
    if min(len(train), len(holdout), len(asset)) < LEAST_ROWS:
        return NotEstimable(UNSEEN, f"fewer than {LEAST_ROWS} rows to learn from, held out or made")
    pairs = list(combinations(places, 2))
    chosen = [pairs[i] for i in tables.at_most(len(pairs), MOST_PAIRS, UNSEEN)]
    strange = [np.zeros(len(part), dtype=bool) for part in (asset, holdout)]
    for one, two in chosen:
        known = np.zeros(sizes[one] * sizes[two], dtype=bool)
        known[train[:, one] * sizes[two] + train[:, two]] = True
        for place, part in enumerate((asset, holdout)):
            strange[place] |= ~known[part[:, one] * sizes[two] + part[:, two]]
    counts = [int(flags.sum()) for flags in strange]
    value, lower, upper = newcombe(counts[0], len(asset), counts[1], len(holdout))
    details = {"made": round(counts[0] / len(asset), 6), "held-out": round(counts[1] / len(holdout), 6)}
    method = f"share of rows with a pair of categories no train row has, of {len(chosen)} pairs of columns; Newcombe"
    return Estimate(UNSEEN, value, lower, upper, len(asset), method, tables.seed, details)
