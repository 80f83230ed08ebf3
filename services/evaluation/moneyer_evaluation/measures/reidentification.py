"""Re-identification over quasi-identifiers: how surely a synthetic row's combination points at somebody.

The risk models are those of health data (El Emam 2013, "Guide to the De-Identification of Personal Health
Information"): a **prosecutor** knows that the target is among the people learned from, so one of f alike is found with
1 / f; a **journalist** knows a larger register, here with the people held out, so with 1 / F (k-map); a **marketer**
wants as many as may be.
"""

import numpy as np
import pandas as pd

from moneyer_evaluation.measures.reference import Array, Tables
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, welch

EXCESS, MARKETER = "reidentification-excess", "reidentification-marketer-risk"
LEAST_PEOPLE = 50
THRESHOLDS = (0.09, 0.05)
"""A published convention for data given out, and a stricter one."""


def measure(tables: Tables) -> list[Measured]:
    """The marketer's risk, and how much surer people learned from are found than people held out."""
    names = [column.name for column in tables.columns("quasi-identifier")]
    if not names:
        return [NotEstimable(metric, "the source declares no quasi-identifier") for metric in (EXCESS, MARKETER)]
    size = min(len(tables.train), len(tables.holdout))
    if size < LEAST_PEOPLE or not len(tables.asset):
        because = f"fewer than {LEAST_PEOPLE} people to look for"
        return [NotEstimable(metric, because) for metric in (EXCESS, MARKETER)]
    train, holdout, asset = _combinations(tables, names)
    random = tables.random(EXCESS)
    learned, unseen = (part[random.choice(len(part), size, replace=False)] for part in (train, holdout))
    prosecutor, baseline = (_risks(part, asset) for part in (learned, unseen))
    journalist = _risks(train, asset, register=np.concatenate([train, holdout]))
    value, lower, upper = welch(prosecutor.tolist(), baseline.tolist())
    method = "1 / (people alike) where the combination is in the asset, members minus held out; Welch"
    details = {
        "quasi-identifiers": names,
        "prosecutor": _summary(_risks(train, asset)),
        "journalist": _summary(journalist),
    }
    excess = Estimate(EXCESS, value, lower, upper, size, method, tables.seed, details)
    return [excess, _marketer(tables, train, asset)]


def _marketer(tables: Tables, train: Array, asset: Array) -> Estimate:
    """Expected share of the people learned from whom a guess within their group finds."""
    risks = _risks(train, asset)
    value, half = float(risks.mean()), 1.959964 * float(risks.std(ddof=1)) / len(risks) ** 0.5
    method = "mean over people learned from of 1 / (people alike) where the combination is in the asset; normal"
    return Estimate(
        MARKETER, value, max(0.0, value - half), min(1.0, value + half), len(risks), method, tables.seed
    )  # fmt: skip


def _combinations(tables: Tables, names: list[str]) -> list[Array]:
    """Each row's combination as an integer, the same in all three tables."""
    frames = (tables.train, tables.holdout, tables.asset)
    kinds = {column.name: column.domain.kind for column in tables.declaration.learned}
    joined = pd.concat([frame[names] for frame in frames], ignore_index=True)
    for name in names:
        if kinds[name] != "categorical":
            joined[name] = joined[name].astype("float64")
    numbers = joined.groupby(names, dropna=False, sort=False).ngroup().to_numpy()
    return np.split(numbers, np.cumsum([len(frame) for frame in frames])[:-1])


def _risks(people: Array, asset: Array, register: Array | None = None) -> Array:
    """For each person the chance to be picked among those alike, 0 where no synthetic row is alike; shape (n,)."""
    known = people if register is None else register
    size = int(max(people.max(), asset.max(), known.max())) + 1
    counts = np.bincount(known, minlength=size)
    made = np.bincount(asset, minlength=size) > 0
    return np.asarray(np.where(made[people], 1 / counts[people], 0.0))


def _summary(risks: Array) -> dict[str, float]:
    shares = {f"share-above-{limit}": round(float((risks > limit).mean()), 6) for limit in THRESHOLDS}
    return {"mean": round(float(risks.mean()), 6), "largest": round(float(risks.max()), 6), **shares}
