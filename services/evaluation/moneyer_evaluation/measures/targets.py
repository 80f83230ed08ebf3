"""Utility for several targets: a table good for one question can be poor for the next."""

from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.measures.utility import INTERVALS, Task, gap, task_of
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni

METRIC = "utility-gap-targets-max"
MOST_TARGETS = 5
MOST_ROWS = 10_000
TREES = 40


def measure(tables: Tables) -> list[Measured]:
    """The largest loss over the declared target, the sensitive columns, and others at random."""
    names = _targets(tables)
    tasks = [task for name in names if isinstance(task := task_of(tables, name, MOST_ROWS), Task)]
    if not tasks:
        return [NotEstimable(METRIC, "no column can be predicted from the others in all three tables")]
    confidence, random = bonferroni(len(tasks)), tables.random(METRIC)
    found = {task.target: gap(task, task.trees(tables.seed, TREES), random, confidence) for task in tasks}
    value, lower, upper = (max(interval[i] for interval, _ in found.values()) for i in range(3))
    details = {"targets": {name: one | {"loss": round(interval[0], 6)} for name, (interval, one) in found.items()}}
    n = min(len(task.ys[1]) for task in tasks)
    intervals = "; ".join(INTERVALS[score] for score in sorted({task.score for task in tasks}))
    method = (
        f"AUC or R² of gradient-boosted trees on the holdout, real minus synthetic, the largest of {len(tasks)} "
        f"targets at Bonferroni's level; {intervals}"
    )
    return [Estimate(METRIC, value, lower, upper, n, method, tables.seed, details)]


def _targets(tables: Tables) -> list[str]:
    first = [tables.declaration.target, *(column.name for column in tables.columns("sensitive"))]
    named = list(dict.fromkeys(name for name in first if name is not None))
    others = [column.name for column in tables.declaration.learned if column.name not in named]
    random = tables.random(f"{METRIC} others")
    return [*named, *(others[i] for i in random.permutation(len(others)))][:MOST_TARGETS]
