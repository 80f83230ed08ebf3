"""Figures of assays and criteria: each with its title, what it means, and its interval drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from moneyer_console.charts import Interval, as_float, interval_chart
from moneyer_console.views.words import State, state_of

MEANINGS: Mapping[str, tuple[str, str]] = {
    "membership-auc": ("Membership inference", "0.5: an attacker cannot tell who was learned from; 1: always."),
    "membership-density-auc": ("Membership inference by density", "The same, by where the table is denser."),
    "membership-isolated-auc": ("Membership of the most isolated", "The same for the twentieth farthest off."),
    "membership-group-auc": ("Membership, worst protected group", "The same for the group it does best on."),
    "membership-shadow-auc": ("Membership, learned", "The same by an attacker who learned on tables of its own."),
    "membership-tpr-at-1pct-fpr": ("Members named, one false in 100", "About 0.01 if nothing leaks."),
    "membership-tpr-at-0.1pct-fpr": ("Members named, one false in 1,000", "About 0.001 if nothing leaks."),
    "singling-out-risk": ("Singling out", "Predicates that isolate one person, beyond chance."),
    "singling-out-univariate-risk": ("Singling out by one column", "The same by a single value."),
    "external-linkage-risk": ("Linkage with a named table", "What it adds to what is known of people named there."),
    "linkability-risk": ("Linkability", "Links between two holders of different columns, beyond chance."),
    "attribute-inference-risk": ("Attribute inference", "Sensitive values guessed right, beyond people held out."),
    "reidentification-excess": ("Re-identification", "How much surer people learned from are found than others."),
    "exact-copy-excess": ("Exact copies", "People whose very row stands in the table, beyond chance."),
    "near-copy-excess": ("Near copies", "The same, but for one column."),
    "marginal-tvd-mean": ("Columns: total variation distance", "Mean over columns. 0: the same; 1: nothing in common."),
    "marginal-tvd-max": ("Worst column", "The largest total variation distance of a column."),
    "pairwise-tvd-mean": ("Pairs of columns", "Mean total variation distance of two columns together."),
    "triple-tvd-mean": ("Triples of columns", "Mean total variation distance of three columns together."),
    "k-marginal-score-2": ("NIST score, pairs", "1000: the same; 0: nothing in common."),
    "k-marginal-score-3": ("NIST score, triples", "Likewise for three columns."),
    "correlation-difference-mean": ("Correlations", "Half the mean difference of numeric columns' correlations."),
    "detection-auc": ("Told apart by a classifier", "0.5: it cannot tell made rows from real ones."),
    "coverage": ("Coverage", "Share of real rows with a made row in their neighbourhood."),
    "density": ("Density", "About 1 where made rows lie as densely as real ones."),
    "missingness-difference-max": ("Missing values", "Largest difference in a column's share of missing values."),
    "constraint-violations": ("Broken rules", "Share of rows that break a rule declared of the source."),
    "utility-gap": ("Train on synthetic, test on real: trees", "How much worse a model learns from this table."),
    "utility-gap-linear": ("Train on synthetic, test on real: linear", "The same for a linear model."),
    "utility-gap-targets-max": ("Several targets", "The largest loss of trees over several columns to predict."),
    "importance-agreement": ("What matters", "1: both models look at the same columns."),
    "query-count-error-mean": ("Counts", "Mean error of a share asked of random ranges."),
    "query-mean-error-mean": ("Means", "Mean error of a mean, as a share of the column's range."),
    "representation-gap-max": ("Presence of groups", "Largest difference of a group's share to that among real rows."),
    "subgroup-tvd-excess-max": ("Worst group", "How much worse the columns of the worst protected group are."),
    "disparate-impact-ratio": ("Disparate impact", "Lowest rate of an outcome over the highest; 0.8 is a warning."),
    "demographic-parity-difference": ("Demographic parity", "Difference in how often a model says yes to two groups."),
    "equalised-odds-difference": ("Equalised odds", "Difference in how often it is right or wrong to say yes."),
}  # fmt: skip


SECTIONS: Sequence[tuple[str, str]] = (
    ("membership-auc", "Privacy: what attackers gain beyond what the population tells"),
    ("marginal-tvd-mean", "Fidelity: how like the real rows"),
    ("utility-gap", "Utility: what an analyst gets"),
    ("representation-gap-max", "Fairness: between groups"),
)
"""Each section begins with its first figure in the list above."""


@dataclass(frozen=True)
class Figure:
    """One figure; ``chart`` is drawn where the interval is told to this reader."""

    metric: str
    title: str
    meaning: str
    value: str | None
    lower: str | None
    upper: str | None
    n: int | None
    asked: str
    state: State | None
    chart: Markup | None
    note: str = ""


def criteria_of(told: Sequence[Mapping[str, Any]], notes: Mapping[str, str] | None = None) -> list[Figure]:
    """The criteria of a release, the missed ones first."""
    figures = [_criterion(one, (notes or {}).get(one["metric"], "")) for one in told]
    return sorted(figures, key=lambda one: one.state is not None and one.state.word == "met")


def _criterion(told: Mapping[str, Any], note: str) -> Figure:
    title, meaning = MEANINGS.get(told["metric"], (told["metric"], ""))
    return Figure(
        metric=told["metric"],
        title=title,
        meaning=meaning,
        value=_text(told.get("value")),
        lower=_text(told.get("lower")),
        upper=_text(told.get("upper")),
        n=told.get("n"),
        asked=str(told.get("expected", "")),
        state=state_of("met" if told.get("met") else "missed"),
        chart=_chart(title, told),
        note=note or str(told.get("actual", "")),
    )


def estimates_of(told: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Figure]]]:
    """The figures of an assay by section, in the order that their meanings are listed in; what is not listed last."""
    sections: dict[str, list[Figure]] = {}
    by_metric = {one["metric"]: one for one in told}
    for metric in [*(one for one in MEANINGS if one in by_metric), *(one for one in by_metric if one not in MEANINGS)]:
        sections.setdefault(_section_of(metric), []).append(_estimate(by_metric[metric]))
    return list(sections.items())


def _section_of(metric: str) -> str:
    listed = list(MEANINGS)
    if metric not in MEANINGS:
        return "Other figures"
    begun = [title for first, title in SECTIONS if listed.index(first) <= listed.index(metric)]
    return begun[-1]


def _estimate(told: Mapping[str, Any]) -> Figure:
    title, meaning = MEANINGS.get(told["metric"], (told["metric"], ""))
    return Figure(
        metric=told["metric"],
        title=title,
        meaning=meaning,
        value=_text(told["value"]),
        lower=_text(told["lower"]),
        upper=_text(told["upper"]),
        n=told["n"],
        asked="",
        state=None,
        chart=_chart(title, told),
    )


def _text(told: object) -> str | None:
    return None if told is None else str(told)


def _chart(title: str, told: Mapping[str, Any]) -> Markup | None:
    value, lower, upper = (as_float(told.get(name)) for name in ("value", "lower", "upper"))
    if value is None or lower is None or upper is None:
        return None
    limits = {name: as_float(told.get(name)) for name in ("at_most", "at_least")}
    return interval_chart(Interval(title, value, lower, upper, **limits))
