"""Train on synthetic, test on real, beside train on real, test on real; the holdout is the test."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from xgboost import XGBClassifier, XGBRegressor

from moneyer_evaluation.measures.fidelity import centred
from moneyer_evaluation.measures.reference import MOST_LEARNED, Array, Tables, features, places_of
from moneyer_evaluation.measures.roc import areas
from moneyer_evaluation.rules import CONFIDENCE, Estimate, Measured, NotEstimable

METRIC, LINEAR, IMPORTANCE = "utility-gap", "utility-gap-linear", "importance-agreement"
LEARNERS = (METRIC, LINEAR)
LEAST_OF_A_KIND = 20
LEAST_FEATURES = 6
RESAMPLES = 500


@dataclass(frozen=True)
class Task:
    """A column to predict, on (train, holdout, asset); labels are whether it is one category, or numbers."""

    target: str
    classified: bool
    xs: list[Array]
    ys: list[Array]

    @property
    def score(self) -> str:
        return "AUC" if self.classified else "R²"

    def trees(self, seed: int, n_estimators: int = 80) -> list[Any]:
        """Gradient-boosted trees trained on (train, asset)."""
        kind = XGBClassifier if self.classified else XGBRegressor
        options = {"n_estimators": n_estimators, "max_depth": 5, "tree_method": "hist", "n_jobs": 1}
        return self._fitted(lambda: kind(**options, random_state=seed))

    def lines(self) -> list[Any]:
        """A linear model trained on (train, asset)."""
        return self._fitted(lambda: LogisticRegression(max_iter=300) if self.classified else Ridge())

    def _fitted(self, make: Any) -> list[Any]:
        return [make().fit(self.xs[place], self.ys[place]) for place in (0, 2)]


def task_of(tables: Tables, target: str, most: int = MOST_LEARNED) -> Task | NotEstimable:
    """The task of predicting a column, on at most so many rows of each table; or why it cannot be set."""
    if len(tables.declaration.learned) < 2:  # noqa: PLR2004
        return NotEstimable(METRIC, "there is no column to predict the target from")
    column = tables.declaration.column(target)
    places = places_of(tables, [other.name for other in tables.declaration.learned if other.name != target])
    xs, labels = [], []
    for x, frame in zip(features(tables), (tables.train, tables.holdout, tables.asset), strict=True):
        known = np.flatnonzero(frame[target].notna().to_numpy())
        rows = known[tables.at_most(len(known), most, f"learned {target}")]
        xs.append(x[np.ix_(rows, places)])
        labels.append(frame[target].iloc[rows])
    if column.domain.kind != "categorical":
        return _numbers(target, xs, [part.to_numpy(dtype=np.float64) for part in labels])
    # One class against the rest: the most common one, so that both sides are filled.
    positive = labels[0].mode().iloc[0] if len(labels[0]) else None
    ys = [(part == positive).to_numpy() for part in labels]
    if any(min(part.sum(), (~part).sum()) < LEAST_OF_A_KIND for part in ys):
        return NotEstimable(METRIC, f"the target has fewer than {LEAST_OF_A_KIND} rows of a kind in some table")
    return Task(target, True, xs, ys)


def _numbers(target: str, xs: list[Array], ys: list[Array]) -> Task | NotEstimable:
    if min(map(len, ys)) < LEAST_OF_A_KIND or float(np.var(ys[1])) == 0:
        return NotEstimable(METRIC, "the target has too few values, or a single one")
    return Task(target, False, xs, ys)


def measure(tables: Tables) -> list[Measured]:
    """How much worse a learner does for having seen the asset instead of the train rows."""
    target = tables.declaration.target
    task = task_of(tables, target) if target else NotEstimable(METRIC, "the source declares no target")
    if isinstance(task, NotEstimable):
        return [NotEstimable(metric, task.because) for metric in (*LEARNERS, IMPORTANCE)]
    trees = task.trees(tables.seed)
    found: list[Measured] = []
    for metric, name, learners in ((METRIC, "gradient-boosted trees", trees), (LINEAR, "a linear model", task.lines())):
        (value, lower, upper), details = gap(task, learners, tables.random(metric))
        method = f"{task.score} of {name} on the holdout, real minus synthetic; {INTERVALS[task.score]}"
        found.append(Estimate(metric, value, lower, upper, len(task.ys[1]), method, tables.seed, details))
    return [*found, _importance(tables, trees)]


INTERVALS = {
    "AUC": "DeLong's paired variance",
    "R²": f"bootstrap over holdout rows, {RESAMPLES} draws, centred percentiles",
}

Interval = tuple[float, float, float]


def gap(
    task: Task, learners: list[Any], random: np.random.Generator, confidence: float = CONFIDENCE
) -> tuple[Interval, dict[str, Any]]:
    """(value, lower, upper) of the score lost to the asset, and both scores."""
    x, y = task.xs[1], task.ys[1]
    if task.classified:
        stacked = np.array([learner.predict_proba(x)[:, 1] for learner in learners])
        both = areas(stacked[:, y], stacked[:, ~y])
        scores, interval = both.values, both.interval(np.array([1.0, -1.0]), confidence)
    else:
        misses = [(y - learner.predict(x)) ** 2 for learner in learners]
        scores = np.array([1 - float(miss.sum()) / float(np.sum((y - y.mean()) ** 2)) for miss in misses])
        interval = _squared(misses, y, random, confidence)
    details = {
        "target": task.target, "score": task.score,
        "train-on-real": round(float(scores[0]), 6), "train-on-synthetic": round(float(scores[1]), 6),
    }  # fmt: skip
    return interval, details


def _squared(misses: list[Array], truth: Array, random: np.random.Generator, confidence: float) -> Interval:
    n = len(truth)

    def difference(rows: Array) -> float:
        spread = float(np.sum((truth[rows] - truth[rows].mean()) ** 2)) or 1.0
        return float((misses[1][rows].sum() - misses[0][rows].sum()) / spread)

    value = difference(np.arange(n))
    draws = np.array([difference(random.integers(0, n, n)) for _ in range(RESAMPLES)])
    return (value, *centred(value, draws, confidence))


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
