"""Linkage with a table the attacker holds: named people, and some of the columns.

The attacker looks each named person up in the asset by the columns both have, and takes the rest of the nearest row for
that person's. People whose values in those columns are one learned person's are members; people who are one held-out
person's are the baseline, for what the population tells of anybody.
"""

import numpy as np

from moneyer_evaluation.measures.attributes import right
from moneyer_evaluation.measures.neighbours import MOST_TARGETS, nearest
from moneyer_evaluation.measures.reference import Array, Tables, features, places_of
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni, newcombe
from moneyer_shared.contracts.generation import Column

METRIC = "external-linkage-risk"
LEAST_TARGETS = 50


def measure(tables: Tables) -> list[Measured]:
    """The largest excess over the columns to learn of values taken rightly for members'."""
    if tables.external is None:
        return [NotEstimable(METRIC, "no external table was given to the assay")]
    shared = [column.name for column in tables.declaration.learned if column.name in tables.external.columns]
    secrets = [column for column in tables.columns("sensitive") if column.name not in shared]
    secrets = secrets or [column for column in tables.declaration.learned if column.name not in shared]
    if not shared or not secrets:
        return [NotEstimable(METRIC, "the external table shares no column, or holds all of them")]
    members, outsiders = _matched(tables, shared)
    size = min(len(members), len(outsiders), MOST_TARGETS)
    if size < LEAST_TARGETS or not len(tables.asset):
        because = f"fewer than {LEAST_TARGETS} people of the external table are one learned or one held-out person's"
        return [NotEstimable(METRIC, because)]
    random = tables.random(METRIC)
    chosen = [rows[random.choice(len(rows), size, replace=False)] for rows in (members, outsiders)]
    hits = _attack(tables, shared, secrets, chosen)
    bounds = [newcombe(one, size, chance, size, bonferroni(len(secrets))) for one, chance in hits.values()]
    value, lower, upper = (max(bound[i] for bound in bounds) for i in range(3))
    details = {
        "shared": shared,
        "external-people": len(tables.external),
        "columns": {name: {"right": one / size, "baseline": chance / size} for name, (one, chance) in hits.items()},
    }
    method = (
        "people of the external table looked up by the columns shared, the rest taken from the nearest synthetic row; "
        "right on members minus right on people held out; Newcombe at Bonferroni's level"
    )
    return [Estimate(METRIC, value, lower, upper, size, method, tables.seed, details)]


def _matched(tables: Tables, shared: list[str]) -> tuple[Array, Array]:
    """Rows of (train, holdout) that are the only one with their shared values and that the external table names."""
    frames = [frame[shared].astype(str).agg("\x1f".join, axis=1) for frame in (tables.train, tables.holdout)]
    assert tables.external is not None
    named = set(tables.external[shared].astype(str).agg("\x1f".join, axis=1))
    everybody = [set(frame) for frame in frames]
    return tuple(
        np.flatnonzero((~frame.duplicated(keep=False) & frame.isin(named - everybody[1 - side])).to_numpy())
        for side, frame in enumerate(frames)
    )  # type: ignore[return-value]


def _attack(
    tables: Tables, shared: list[str], secrets: list[Column], chosen: list[Array]
) -> dict[str, tuple[int, int]]:
    """How many values of each column are right of (members, people held out)."""
    places = places_of(tables, shared)
    train, holdout, asset = features(tables)
    made = asset[:, places]
    found = [
        nearest(part[np.ix_(rows, places)], made)[:, 0] for part, rows in zip((train, holdout), chosen, strict=True)
    ]
    hits: dict[str, tuple[int, int]] = {}
    for column in secrets:
        guesses = tables.asset[column.name].to_numpy()
        member, outsider = (
            right(column, guesses[near], frame[column.name].to_numpy()[rows])
            for near, frame, rows in zip(found, (tables.train, tables.holdout), chosen, strict=True)
        )
        hits[column.name] = (member, outsider)
    return hits
