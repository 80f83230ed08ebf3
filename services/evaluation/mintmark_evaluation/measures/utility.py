"""Train on synthetic, test on real, beside train on real, test on real; the holdout is the test."""

from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from xgboost import XGBClassifier, XGBRegressor

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable
from mintmark_evaluation.measures.fidelity import centred
from mintmark_evaluation.measures.reference import Array, Tables, features
from mintmark_evaluation.measures.roc import areas

METRIC, LINEAR, IMPORTANCE = "utility-gap", "utility-gap-linear", "importance-agreement"
LEARNERS = (METRIC, LINEAR)
LEAST_OF_A_KIND = 20
LEAST_FEATURES = 6
RESAMPLES = 500


def measure(tables: Tables) -> list[Measured]:
    """How much worse a learner does for having seen the asset instead of the train rows."""
    target = tables.declaration.target
    if target is None:
        return _none("the source declares no target")
    if len(tables.declaration.learned) < 2:  # noqa: PLR2004
        return _none("there is no column to predict the target from")
    column = next(c for c in tables.declaration.learned if c.name == target)
    x_train, x_holdout, x_asset = features(tables, drop=target)
    y_train, y_holdout, y_asset = (frame[target] for frame in (tables.train, tables.holdout, tables.asset))
    keep = [~labels.isna().to_numpy() for labels in (y_train, y_holdout, y_asset)]
    xs = [x[mask] for x, mask in zip((x_train, x_holdout, x_asset), keep, strict=True)]
    ys = [labels[mask] for labels, mask in zip((y_train, y_holdout, y_asset), keep, strict=True)]
    if column.domain.kind == "categorical":
        # One class against the rest: the most common one, so that both sides are filled.
        positive = ys[0].mode().iloc[0] if len(ys[0]) else None
        return _classification(tables, xs, [(labels == positive).to_numpy() for labels in ys], str(target))
    return _regression(tables, xs, [labels.to_numpy(dtype=np.float64) for labels in ys], str(target))


def _none(because: str) -> list[Measured]:
    return [NotEstimable(metric, because) for metric in (*LEARNERS, IMPORTANCE)]


def _classification(tables: Tables, xs: list[Array], ys: list[Array], target: str) -> list[Measured]:
    if any(min(labels.sum(), (~labels).sum()) < LEAST_OF_A_KIND for labels in ys):
        return _none(f"the target has fewer than {LEAST_OF_A_KIND} rows of a kind in some table")
    trees = [_trees(XGBClassifier, tables).fit(x, y) for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))]
    lines = [LogisticRegression(max_iter=300).fit(x, y) for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))]
    found: list[Measured] = []
    for metric, name, learners in ((METRIC, "gradient-boosted trees", trees), (LINEAR, "logistic regression", lines)):
        stacked = np.array([learner.predict_proba(xs[1])[:, 1] for learner in learners])
        both = areas(stacked[:, ys[1]], stacked[:, ~ys[1]])
        value, lower, upper = both.interval(np.array([1.0, -1.0]))
        details = {
            "target": target, "score": "AUC", "train-on-real": round(float(both.values[0]), 6),
            "train-on-synthetic": round(float(both.values[1]), 6),
        }  # fmt: skip
        method = f"AUC of {name} on the holdout, real minus synthetic; DeLong's paired variance"
        found.append(Estimate(metric, value, lower, upper, len(ys[1]), method, tables.seed, details))
    return [*found, _importance(tables, trees)]


def _regression(tables: Tables, xs: list[Array], ys: list[Array], target: str) -> list[Measured]:
    if min(map(len, ys)) < LEAST_OF_A_KIND or float(np.var(ys[1])) == 0:
        return _none("the target has too few values, or a single one")
    trees = [_trees(XGBRegressor, tables).fit(x, y) for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))]
    lines = [Ridge().fit(x, y) for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))]
    found: list[Measured] = [
        _squared(tables, metric, name, [(ys[1] - learner.predict(xs[1])) ** 2 for learner in learners], ys[1], target)
        for metric, name, learners in ((METRIC, "gradient-boosted trees", trees), (LINEAR, "ridge regression", lines))
    ]
    return [*found, _importance(tables, trees)]


def _squared(tables: Tables, metric: str, name: str, misses: list[Array], truth: Array, target: str) -> Measured:
    random, n = tables.random(metric), len(truth)

    def gap(rows: Array) -> float:
        spread = float(np.sum((truth[rows] - truth[rows].mean()) ** 2)) or 1.0
        return float((misses[1][rows].sum() - misses[0][rows].sum()) / spread)

    value = gap(np.arange(n))
    lower, upper = centred(value, np.array([gap(random.integers(0, n, n)) for _ in range(RESAMPLES)]))
    total = float(np.sum((truth - truth.mean()) ** 2))
    details = {
        "target": target, "score": "R²", "train-on-real": round(1 - float(misses[0].sum()) / total, 6),
        "train-on-synthetic": round(1 - float(misses[1].sum()) / total, 6),
    }  # fmt: skip
    method = (
        f"R² of {name} on the holdout, real minus synthetic; bootstrap over holdout rows, {RESAMPLES} draws, "
        "centred percentiles"
    )
    return Estimate(metric, value, lower, upper, n, method, tables.seed, details)


def _importance(tables: Tables, trees: list[Any]) -> Measured:
    """Rank correlation of what the two models look at (Spearman 1904), its bounds by Fisher's transformation."""
    real, made = (np.asarray(learner.feature_importances_, dtype=np.float64) for learner in trees)
    n = len(real)
    if n < LEAST_FEATURES or real.std() == 0 or made.std() == 0:
        return NotEstimable(IMPORTANCE, f"fewer than {LEAST_FEATURES} features, or all matter alike")
    value = float(stats.spearmanr(real, made)[0])
    half = 1.959964 * ((1 + value**2 / 2) / (n - 3)) ** 0.5
    middle = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    lower, upper = float(np.tanh(middle - half)), float(np.tanh(middle + half))
    method = "Spearman's correlation of the trees' gains per feature; Fisher's z with Bonett and Wright's variance"
    return Estimate(IMPORTANCE, value, min(lower, value), max(upper, value), n, method, tables.seed)


def _trees(kind: Any, tables: Tables) -> Any:
    return kind(n_estimators=80, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
