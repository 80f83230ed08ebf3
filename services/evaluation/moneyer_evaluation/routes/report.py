"""An assay as one page a committee can read: the verdict first, every figure with its interval, limits in plain words.

The page is whole in itself: it loads nothing, runs nothing, prints. Names of columns and groups are text and stay text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from moneyer_evaluation.disclosure import limit_of
from moneyer_evaluation.documents import AssayReport
from moneyer_shared.contracts.evaluation import Assay, CriterionResult, Estimate
from moneyer_shared.contracts.measures import SECTIONS

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MOST_BARS = 40
SHORT = 4
_pages = Environment(
    loader=PackageLoader("moneyer_evaluation", "routes"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def short(number: Decimal) -> str:
    """A figure to four decimals; one that has fewer was rounded, and says no more than it knows."""
    written = str(number)
    return f"{float(number):.{SHORT}f}" if len(written.partition(".")[2]) > SHORT else written


_pages.filters["short"] = short

VERDICTS = {
    "released": ("Released", "It meets every criterion of its charter."),
    "rejected": ("Rejected", "It misses a criterion of its charter and stays in quarantine."),
    "review": ("Waits for votes", "People decide whether it is released, or whether it stays so."),
    "stands": ("Stands", "Looked at again, it keeps every bound of its charter that was measured."),
    "suspended": ("Stopped", "Looked at again, it broke a bound that stops it at once."),
    None: ("Not decided", "Nothing has been decided on yet."),
}
PRECISIONS = {
    "raw": None,
    "rounded": "Figures are rounded to what their intervals support, and counts of people to two figures.",
    "withheld": "Figures are not shown: the table is too small, or whoever asked for it chose what it holds.",
}
LIMITATIONS = (
    "Every criterion must hold for a release, so an asset that misses one is let out as rarely as that bound errs.",
    "Attacks are what was tried, not all that can be: they bound a risk from below, never from above.",
    "The figures are computed from real rows and are not differentially private themselves: do not publish them.",
    "An interval holds 95 times in 100; among many some will miss. The gate looks at the bound, not at the estimate.",
    "People held out stand for the population. If they differ from it, so do the baselines.",
    "A small table has wide intervals: what cannot be told is listed, not passed over.",
)


@dataclass(frozen=True)
class Bar:
    """An interval on a scale, in percent of its width; ``limit`` is where the criterion lies, if there is one."""

    begin: float
    width: float
    middle: float
    limit: float | None
    low: float
    high: float


@dataclass(frozen=True)
class FigureRow:
    """A figure with its title, what it means, and its interval drawn."""

    title: str
    meaning: str
    estimate: Estimate
    bar: Bar


@dataclass(frozen=True)
class CriterionRow:
    """A criterion with its interval drawn, where it was estimated, and a note where no such table could meet it."""

    result: CriterionResult
    bar: Bar | None
    note: str | None


def as_page(report: AssayReport) -> HTMLResponse:
    """The page of an assay, as it is answered."""
    return HTMLResponse(render(report.assay, report.criteria), headers=HEADERS)


def render(assay: Assay, criteria: Sequence[CriterionResult]) -> str:
    """The page of an assay, and of the criteria policy held it against, as both are told to whoever asks."""
    estimates = {one.metric: one for one in assay.estimates}
    limits = {one.metric: limit_of(one) for one in criteria}
    notes = {one.metric: one.note for one in assay.power_notes}
    known = {metric for section in SECTIONS.values() for metric in section}
    sections = {title: _rows(section, estimates, limits) for title, section in SECTIONS.items()}
    others = {metric: (metric, "") for metric in estimates if metric not in known}
    return _pages.get_template("report.html.jinja").render(
        assay=assay,
        verdict=VERDICTS[assay.verdict],
        criteria=[CriterionRow(one, _criterion_bar(one, estimates), notes.get(one.metric)) for one in criteria],
        sections=sections | ({"Other figures": _rows(others, estimates, limits)} if others else {}),
        columns=_bars(estimates.get("marginal-tvd-mean"), "columns"),
        groups=_bars(estimates.get("representation-gap-max"), "groups"),
        correlations=_bars(estimates.get("correlation-difference-mean"), "largest"),
        subgroups=_bars(estimates.get("subgroup-tvd-excess-max"), "groups"),
        histograms=_histograms(estimates.get("marginal-tvd-mean")),
        curve=_curve(estimates.get("membership-auc")),
        advice=[text for one in assay.estimates for text in one.details.get("advice", [])],
        limitations=LIMITATIONS,
        precision=PRECISIONS[assay.figures],
    )


def _rows(
    section: Mapping[str, tuple[str, str]], estimates: Mapping[str, Estimate], limits: Mapping[str, float | None]
) -> list[FigureRow]:
    return [
        FigureRow(title, meaning, estimates[metric], bar(estimates[metric], limits.get(metric)))
        for metric, (title, meaning) in section.items()
        if metric in estimates
    ]


def bar(estimate: Estimate, limit: float | None) -> Bar:
    """An estimate's interval on a scale from 0 to 1, or as far as it or its limit reach."""
    value, lower, upper = float(estimate.value), float(estimate.lower), float(estimate.upper)
    ends = [value, lower, upper, *([limit] if limit is not None else [])]
    low, high = min(0.0, *ends), max(1.0, *ends)
    if high > 1:
        high *= 1.05

    def place(number: float) -> float:
        return round(100 * (number - low) / (high - low), 2)

    at = place(limit) if limit is not None else None
    return Bar(place(lower), max(0.5, round(place(upper) - place(lower), 2)), place(value), at, low, high)


def _criterion_bar(criterion: CriterionResult, estimates: Mapping[str, Estimate]) -> Bar | None:
    estimate = estimates.get(criterion.metric)
    return bar(estimate, limit_of(criterion)) if estimate is not None else None


def _bars(estimate: Estimate | None, name: str) -> list[tuple[str, float, float]]:
    """(label, value, length in percent), the largest first."""
    found: Mapping[str, float] = estimate.details.get(name, {}) if estimate is not None else {}
    ordered = sorted(found.items(), key=lambda one: -abs(one[1]))[:MOST_BARS]
    longest = max((abs(value) for _, value in ordered), default=0.0) or 1.0
    return [(label, value, round(100 * abs(value) / longest, 2)) for label, value in ordered]


def _histograms(estimate: Estimate | None) -> dict[str, list[list[Any]]]:
    """By column, (label, percent of real rows, percent of made rows) of each of its bars."""
    found: dict[str, list[list[Any]]] = estimate.details.get("histograms", {}) if estimate is not None else {}
    return found


def _curve(estimate: Estimate | None) -> str:
    """The ROC of the membership attack as the points of a polyline in a box of 200 by 200."""
    points = estimate.details.get("roc", []) if estimate is not None else []
    return " ".join(f"{200 * x:.1f},{200 - 200 * y:.1f}" for x, y in points)
