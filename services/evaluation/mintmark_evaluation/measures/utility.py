"""Train on synthetic, test on real, beside train on real, test on real; the holdout is the test."""

import numpy as np
from xgboost import XGBClassifier, XGBRegressor

from mintmark_evaluation.domain import Estimate, Measured, NotEstimable
from mintmark_evaluation.measures.fidelity import centred
from mintmark_evaluation.measures.reference import Array, Tables, features
from mintmark_evaluation.measures.roc import areas

METRIC = "utility-gap"
LEAST_OF_A_KIND = 20
RESAMPLES = 500


def measure(tables: Tables) -> list[Measured]:
    """How much worse a learner does for having seen the asset instead of the train rows."""
    target = tables.declaration.target
    if target is None:
        return [NotEstimable(METRIC, "the source declares no target")]
    if len(tables.declaration.learned) < 2:  # noqa: PLR2004
        return [NotEstimable(METRIC, "there is no column to predict the target from")]
    column = next(c for c in tables.declaration.learned if c.name == target)
    x_train, x_holdout, x_asset = features(tables, drop=target)
    y_train, y_holdout, y_asset = (frame[target] for frame in (tables.train, tables.holdout, tables.asset))
    keep = [~labels.isna().to_numpy() for labels in (y_train, y_holdout, y_asset)]
    xs = [x[mask] for x, mask in zip((x_train, x_holdout, x_asset), keep, strict=True)]
    ys = [labels[mask] for labels, mask in zip((y_train, y_holdout, y_asset), keep, strict=True)]
    if column.domain.kind == "categorical":
        # One class against the rest: the most common one, so that both sides are filled.
        positive = ys[0].mode().iloc[0] if len(ys[0]) else None
        return [_classification(tables, xs, [(labels == positive).to_numpy() for labels in ys], str(target))]
    return [_regression(tables, xs, [labels.to_numpy(dtype=np.float64) for labels in ys], str(target))]


def _classification(tables: Tables, xs: list[Array], ys: list[Array], target: str) -> Measured:
    if any(min(labels.sum(), (~labels).sum()) < LEAST_OF_A_KIND for labels in ys):
        return NotEstimable(METRIC, f"the target has fewer than {LEAST_OF_A_KIND} rows of a kind in some table")
    scores = [
        XGBClassifier(n_estimators=80, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
        .fit(x, y)
        .predict_proba(xs[1])[:, 1]
        for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))
    ]
    stacked = np.array(scores)
    found = areas(stacked[:, ys[1]], stacked[:, ~ys[1]])
    value, lower, upper = found.interval(np.array([1.0, -1.0]))
    details = {
        "target": target, "score": "AUC", "train-on-real": round(float(found.values[0]), 6),
        "train-on-synthetic": round(float(found.values[1]), 6),
    }  # fmt: skip
    method = "AUC of gradient-boosted trees on the holdout, real minus synthetic; DeLong's paired variance"
    return Estimate(METRIC, value, lower, upper, len(ys[1]), method, tables.seed, details)


def _regression(tables: Tables, xs: list[Array], ys: list[Array], target: str) -> Measured:
    if min(map(len, ys)) < LEAST_OF_A_KIND or float(np.var(ys[1])) == 0:
        return NotEstimable(METRIC, "the target has too few values, or a single one")
    misses = [
        (ys[1] - XGBRegressor(n_estimators=80, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
         .fit(x, y).predict(xs[1])) ** 2
        for x, y in ((xs[0], ys[0]), (xs[2], ys[2]))
    ]  # fmt: skip
    random, n = tables.random("utility"), len(ys[1])

    def gap(rows: Array) -> float:
        spread = float(np.sum((ys[1][rows] - ys[1][rows].mean()) ** 2)) or 1.0
        return float((misses[1][rows].sum() - misses[0][rows].sum()) / spread)

    value = gap(np.arange(n))
    lower, upper = centred(value, np.array([gap(random.integers(0, n, n)) for _ in range(RESAMPLES)]))
    total = float(np.sum((ys[1] - ys[1].mean()) ** 2))
    details = {
        "target": target, "score": "R²", "train-on-real": round(1 - float(misses[0].sum()) / total, 6),
        "train-on-synthetic": round(1 - float(misses[1].sum()) / total, 6),
    }  # fmt: skip
    method = (
        "R² of gradient-boosted trees on the holdout, real minus synthetic; "
        f"bootstrap over holdout rows, {RESAMPLES} draws, centred percentiles"
    )
    return Estimate(METRIC, value, lower, upper, n, method, tables.seed, details)
