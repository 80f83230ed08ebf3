"""Figures of assays and criteria: each with its title, what it means, and its interval drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from moneyer_console.charts import Interval, as_float, interval_chart
from moneyer_console.views.words import State, state_of
from moneyer_shared.contracts.measures import MEANINGS, SECTIONS


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
    return next((title for title, section in SECTIONS.items() if metric in section), "Other figures")


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
