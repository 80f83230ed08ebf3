"""Membership inference by distance, calibrated on the holdout.

The attacker holds the asset and a reference sample of the population. A candidate is scored by how
much nearer the asset comes to it than the reference does, as a ratio; members are train rows, non-members
holdout rows the attacker's reference does not hold.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors
from xgboost import XGBClassifier

from moneyer_evaluation.measures.fairness import groupings_of
from moneyer_evaluation.measures.reference import Array, Tables, features
from moneyer_evaluation.measures.roc import Areas, areas
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni, clopper_pearson

AUC, ISOLATED, DENSITY = "membership-auc", "membership-isolated-auc", "membership-density-auc"
GROUP = "membership-group-auc"
RATES = {"membership-tpr-at-1pct-fpr": 0.01, "membership-tpr-at-0.1pct-fpr": 0.001}
MOST_CANDIDATES = 3000
LEAST_CANDIDATES = 40
CURVE_POINTS = 21
ISOLATED_SHARE, LEAST_ISOLATED = 0.05, 20
SMALLEST = 1e-4


@dataclass(frozen=True)
class Candidates:
    """Whom the attacker asks about, and the sample of the population the attacker holds, as features.

    The rows are where members stand in train and outsiders in the holdout.
    """

    members: Array
    outsiders: Array
    reference: Array
    member_rows: Array
    outsider_rows: Array


def candidates(tables: Tables) -> Candidates | None:
    """People learned from and people held out, as many of each; None where there are too few to tell anything."""
    return tables.once("candidates", lambda: _candidates(tables))


def _candidates(tables: Tables) -> Candidates | None:
    train, holdout, asset = features(tables)
    reference_rows, outsider_rows = tables.halves()
    random = tables.random("membership")
    count = min(MOST_CANDIDATES, len(train), len(outsider_rows))
    if count < LEAST_CANDIDATES or not len(asset):
        return None
    members = random.choice(len(train), count, replace=False)
    outsiders = random.choice(outsider_rows, count, replace=False)
    return Candidates(train[members], holdout[outsiders], holdout[reference_rows], members, outsiders)


def measure(tables: Tables) -> list[Measured]:
    """By distance: AUC, true positives at 1 % and 0.1 % false positives, the most isolated alone; by density: AUC."""
    found = candidates(tables)
    if found is None:
        because = f"fewer than {LEAST_CANDIDATES} members and non-members, or nothing made"
        return [NotEstimable(metric, because) for metric in (AUC, *RATES, ISOLATED, GROUP, DENSITY)]
    asset = features(tables)[2]
    scores = [_score(rows, asset, found.reference) for rows in (found.members, found.outsiders)]
    how = "ratio of the distances to a reference half of the holdout and to the asset; DeLong's variance"
    return [
        auc(tables, AUC, scores[0], scores[1], how),
        *(_tpr(tables, metric, rate, scores[0], scores[1]) for metric, rate in RATES.items()),
        _isolated(tables, found, scores),
        _group(tables, found, scores),
        _density(tables, asset, found),
    ]


def _isolated(tables: Tables, people: Candidates, scores: list[Array]) -> Measured:
    """The same attack on the twentieth of people farthest from everybody else: risk is never the average's alone."""
    far = [_nearest(rows, people.reference) for rows in (people.members, people.outsiders)]
    chosen = [
        score[distance >= np.quantile(distance, 1 - ISOLATED_SHARE)]
        for score, distance in zip(scores, far, strict=True)
    ]
    if min(map(len, chosen)) < LEAST_ISOLATED:
        return NotEstimable(ISOLATED, f"fewer than {LEAST_ISOLATED} isolated people on a side")
    return auc(tables, ISOLATED, chosen[0], chosen[1], "the same attack on the 5 % most isolated; DeLong's variance")


def _group(tables: Tables, people: Candidates, scores: list[Array]) -> Measured:
    """The same attack on the protected group that it does best on, all groups' intervals holding together."""
    found: dict[str, Areas] = {}
    for grouping in groupings_of(tables):
        groups = (grouping.train[people.member_rows], grouping.holdout[people.outsider_rows])
        for place, name in enumerate(grouping.names):
            chosen = [score[group == place] for score, group in zip(scores, groups, strict=True)]
            if min(map(len, chosen)) >= LEAST_CANDIDATES:
                found[name] = areas(chosen[0][None, :], chosen[1][None, :])
    if not found:
        return NotEstimable(GROUP, f"no protected group has {LEAST_CANDIDATES} people on a side")
    confidence = bonferroni(len(found))
    bounds = {name: one.interval(np.ones(1), confidence) for name, one in found.items()}
    value, lower, upper = (max(bound[i] for bound in bounds.values()) for i in range(3))
    details = {"groups": {name: round(bound[0], 6) for name, bound in bounds.items()}}
    method = "the same attack within each protected group, the largest; DeLong's variance at Bonferroni's level"
    n = len(people.members) + len(people.outsiders)
    return Estimate(GROUP, value, max(0.0, lower), min(1.0, upper), n, method, tables.seed, details)


def _density(tables: Tables, asset: Array, people: Candidates) -> Measured:
    """Where the asset is denser than the population, somebody was learned from (DOMIAS, van Breugel et al. 2023)."""
    size = min(len(asset), len(people.reference), MOST_CANDIDATES)
    random = tables.random(DENSITY)
    made, real = (rows[random.choice(len(rows), size, replace=False)] for rows in (asset, people.reference))
    learner = XGBClassifier(n_estimators=60, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
    learner.fit(np.vstack([made, real]), np.repeat([1, 0], size))
    scores = [
        learner.predict(rows, output_margin=True).astype(np.float64) for rows in (people.members, people.outsiders)
    ]
    method = (
        "log density ratio of asset and reference half of the holdout, by gradient-boosted trees; DeLong's variance"
    )
    return auc(tables, DENSITY, scores[0], scores[1], method)


def _score(rows: Array, asset: Array, reference: Array) -> Array:
    """Log ratio of the two distances: in sparse regions every distance is large, and only their ratio tells."""
    return np.log((_nearest(rows, reference) + SMALLEST) / (_nearest(rows, asset) + SMALLEST))


def _nearest(rows: Array, among: Array) -> Array:
    found, _ = NearestNeighbors(n_neighbors=1, n_jobs=1).fit(among).kneighbors(rows)
    return np.asarray(found[:, 0])


def auc(tables: Tables, metric: str, members: Array, outsiders: Array, method: str) -> Estimate:
    """How well scores tell members from others, with the curve in its details."""
    value, lower, upper = areas(members[None, :], outsiders[None, :]).interval(np.ones(1))
    n, details = len(members) + len(outsiders), {"roc": _curve(members, outsiders)}
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), n, method, tables.seed, details)


def _curve(members: Array, outsiders: Array) -> list[list[float]]:
    """Points [false positive rate, true positive rate] at equally spaced rates."""
    rates = np.linspace(0, 1, CURVE_POINTS)
    thresholds = np.quantile(outsiders, 1 - rates)
    return [[round(float(x), 4), round(float((members > t).mean()), 4)] for x, t in zip(rates, thresholds, strict=True)]


def _tpr(tables: Tables, metric: str, rate: float, members: Array, outsiders: Array) -> Measured:
    half = len(outsiders) // 2
    if half * rate < 1:
        return NotEstimable(metric, f"too few non-members to tell a false positive rate of {rate:g}")
    threshold = float(np.quantile(outsiders[:half], 1 - rate, method="higher"))
    caught = int((members > threshold).sum())
    lower, upper = clopper_pearson(caught, len(members))
    alarms = float((outsiders[half:] > threshold).mean())
    method = "threshold from one half of the non-members; Clopper-Pearson"
    details = {"false-positive-rate": round(alarms, 6)}
    return Estimate(metric, caught / len(members), lower, upper, len(members), method, tables.seed, details)
