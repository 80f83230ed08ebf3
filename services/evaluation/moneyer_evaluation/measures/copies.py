"""Copies of people's rows in the asset, beyond those that chance makes: the holdout's people were never shown."""

import numpy as np
import pandas as pd

from moneyer_evaluation.measures.reference import Array, Tables, hashed
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, newcombe

EXACT, NEAR = "exact-copy-excess", "near-copy-excess"
LEAST_ROWS = 20


def measure(tables: Tables) -> list[Measured]:
    """Share of people learned from whose row stands in the asset, minus that of people held out: wholly, or but for one
    column. Whoever leaks a share of the rows it learned from is found out by that share.
    """
    if min(len(tables.train), len(tables.holdout)) < LEAST_ROWS or not len(tables.asset):
        return [NotEstimable(name, f"fewer than {LEAST_ROWS} rows to learn from or held out") for name in (EXACT, NEAR)]
    random = tables.random("copies")
    train, holdout, asset = _values(tables)
    keys = random.integers(1, 2**63, asset.shape[1], dtype=np.uint64) | np.uint64(1)
    exact = [_among(people, asset, keys) for people in (train, holdout)]
    found: list[Measured] = [_estimate(tables, EXACT, exact, "with the same values in every column")]
    if asset.shape[1] < 2:  # noqa: PLR2004 - all but one of one column is none
        return [*found, NotEstimable(NEAR, "the table has one column")]
    near = [_nearly_among(people, asset, keys) for people in (train, holdout)]
    return [*found, _estimate(tables, NEAR, near, "with the same values in every column, or all but one")]


def _values(tables: Tables) -> list[Array]:
    """Train, holdout and asset, each value of a column as an integer, 0 where it is missing; shape (n, columns)."""
    frames = (tables.train, tables.holdout, tables.asset)
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    columns = [
        pd.factorize(pd.concat([_plain(frame[column.name], column.domain.kind) for frame in frames]))[0] + 1
        for column in tables.declaration.learned
    ]
    return np.split(np.column_stack(columns).astype(np.uint64), ends)


def _plain(values: pd.Series, kind: str) -> pd.Series:
    """One type for all tables: whole numbers become floats where any of them is missing."""
    return values if kind == "categorical" else values.astype("float64")


def _among(rows: Array, others: Array, keys: Array) -> Array:
    return np.isin(hashed(rows, keys).sum(axis=1), hashed(others, keys).sum(axis=1))


def _nearly_among(rows: Array, others: Array, keys: Array) -> Array:
    mine, theirs = hashed(rows, keys), hashed(others, keys)
    whole, all_theirs = mine.sum(axis=1), theirs.sum(axis=1)
    near = np.isin(whole, all_theirs)
    for column in range(rows.shape[1]):
        near |= np.isin(whole - mine[:, column], all_theirs - theirs[:, column])
    return near


def _estimate(tables: Tables, metric: str, copied: list[Array], what: str) -> Estimate:
    counts, sizes = [int(one.sum()) for one in copied], [len(one) for one in copied]
    value, lower, upper = newcombe(counts[0], sizes[0], counts[1], sizes[1])
    details = {"learned-from": round(counts[0] / sizes[0], 6), "held-out": round(counts[1] / sizes[1], 6)}
    method = f"share of people that some row of the asset is {what}, learned from minus held out; Newcombe"
    return Estimate(metric, value, lower, upper, sizes[0], method, tables.seed, details)
