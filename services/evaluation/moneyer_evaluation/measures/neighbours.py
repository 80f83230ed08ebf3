"""Nearest rows on mixed columns: what several attackers look for."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from moneyer_evaluation.measures.reference import Array, Tables

MOST_TARGETS = 2_000


def targets(tables: Tables, purpose: str) -> tuple[Array, Array]:
    """Row numbers of (members of train, people held out), as many of each, at random."""
    size = min(MOST_TARGETS, len(tables.train), len(tables.holdout))
    random = tables.random(purpose)
    members, outsiders = (random.choice(len(frame), size, replace=False) for frame in (tables.train, tables.holdout))
    return members, outsiders


def nearest(rows: Array, among: Array, count: int = 1) -> Array:
    """The numbers of the ``count`` nearest rows of ``among``, exactly; shape (n, count)."""
    found = NearestNeighbors(n_neighbors=min(count, len(among)), n_jobs=1).fit(among).kneighbors(rows)[1]
    return np.asarray(found)
