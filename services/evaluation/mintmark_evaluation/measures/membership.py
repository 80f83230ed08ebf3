"""Membership inference by distance, calibrated on the holdout.

The attacker holds the asset and a reference sample of the population. A candidate is scored by how
much nearer the asset comes to it than the reference does, as a ratio; members are train rows, non-members
holdout rows the attacker's reference does not hold.
"""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable, clopper_pearson
from mintmark_evaluation.measures.reference import Array, Tables, features
from mintmark_evaluation.measures.roc import areas

AUC, TPR = "membership-auc", "membership-tpr-at-1pct-fpr"
MOST_CANDIDATES = 3000
LEAST_CANDIDATES = 40
FALSE_POSITIVES = 0.01
SMALLEST = 1e-4


def measure(tables: Tables) -> list[Measured]:
    """AUC, and the true positive rate at 1 % false positives."""
    train, holdout, asset = features(tables)
    reference_rows, outsider_rows = tables.halves()
    random = tables.random("membership")
    count = min(MOST_CANDIDATES, len(train), len(outsider_rows))
    if count < LEAST_CANDIDATES or len(reference_rows) == 0:
        because = f"fewer than {LEAST_CANDIDATES} members and non-members"
        return [NotEstimable(AUC, because), NotEstimable(TPR, because)]
    members = train[random.choice(len(train), count, replace=False)]
    outsiders = holdout[random.choice(outsider_rows, count, replace=False)]
    scores = [_score(rows, asset, holdout[reference_rows]) for rows in (members, outsiders)]
    return [_auc(tables, *scores), _tpr(tables, *scores)]


def _score(rows: Array, asset: Array, reference: Array) -> Array:
    """Log ratio of the two distances: in sparse regions every distance is large, and only their ratio tells."""
    return np.log((_nearest(rows, reference) + SMALLEST) / (_nearest(rows, asset) + SMALLEST))


def _nearest(rows: Array, among: Array) -> Array:
    found, _ = NearestNeighbors(n_neighbors=1, n_jobs=1).fit(among).kneighbors(rows)
    return np.asarray(found[:, 0])


def _auc(tables: Tables, members: Array, outsiders: Array) -> Estimate:
    value, lower, upper = areas(members[None, :], outsiders[None, :]).interval(np.ones(1))
    method = "ratio of the distances to a reference half of the holdout and to the asset; DeLong's variance"
    return Estimate(AUC, value, max(0.0, lower), min(1.0, upper), 2 * len(members), method, tables.seed)


def _tpr(tables: Tables, members: Array, outsiders: Array) -> Estimate:
    half = len(outsiders) // 2
    threshold = float(np.quantile(outsiders[:half], 1 - FALSE_POSITIVES, method="higher"))
    caught = int((members > threshold).sum())
    lower, upper = clopper_pearson(caught, len(members))
    alarms = float((outsiders[half:] > threshold).mean())
    method = "threshold from one half of the non-members; Clopper-Pearson"
    details = {"false-positive-rate": round(alarms, 6)}
    return Estimate(TPR, caught / len(members), lower, upper, len(members), method, tables.seed, details)
