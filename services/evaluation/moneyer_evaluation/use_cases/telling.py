"""Figures computed from real rows, as they are told: raw to who answers for the people, rounded or not to others."""

from collections.abc import Mapping, Sequence
from typing import Any

from moneyer_shared.figures import Telling, figure_of, told_criterion


def telling_of(kept: str | None, *, raw: bool) -> Telling:
    """How a row's figures are told; where it does not say, to nobody without the right."""
    return "raw" if raw else "rounded" if kept == "rounded" else "withheld"


def told_estimates(estimates: Sequence[Mapping[str, Any]], telling: Telling) -> list[dict[str, Any]]:
    """Estimates without the histograms, curves and groups behind them, which are counts; those nothing supports are
    left out.
    """
    if telling == "raw":
        return [dict(one) for one in estimates]
    told = [(one, figure_of(one)) for one in (estimates if telling == "rounded" else ())]
    return [
        {
            **one,
            "value": f"{figure.value:f}",
            "lower": f"{figure.lower:f}",
            "upper": f"{figure.upper:f}",
            "n": figure.n,
            "details": {},
        }
        for one, figure in told
        if figure is not None
    ]


def told_criteria(criteria: Sequence[Mapping[str, Any]], telling: Telling) -> list[dict[str, Any]]:
    """What the charter asked, and whether it was met."""
    return [told_criterion(one, telling) for one in criteria]
