"""An assay's life and its statistics: values and formulas, no tables and no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, fsum, pi, sqrt
from typing import Any, Literal

from scipy import stats

from moneyer_shared.errors import Invalid

CONFIDENCE = 0.95
LEAST_LEVEL = 1e-12
State = Literal["queued", "measuring", "measured", "done", "failed"]
Step = Literal["measure", "ask-release", "rest"]
Family = Literal["fidelity", "utility", "privacy", "fairness"]
"""What a measure is about; one of ``privacy`` is an attacker."""


def next_step(state: State) -> Step:
    """The one thing to do now; asked again after a crash."""
    match state:
        case "queued" | "measuring":
            return "measure"
        case "measured":
            return "ask-release"
        case _:
            return "rest"


@dataclass(frozen=True)
class Estimate:
    """A figure, its bounds, and how it came about."""

    metric: str
    value: float
    lower: float
    upper: float
    n: int
    method: str
    seed: int
    details: dict[str, Any] = field(default_factory=dict[str, Any])
    measure: str = ""
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class NotEstimable:
    """A figure that these tables cannot give, and why."""

    metric: str
    because: str


Measured = Estimate | NotEstimable


def shares_as_numbers(shares: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, float]]:
    """Published shares, by column and category, as they are computed with: from their decimal text."""
    return {name: {category: float(share) for category, share in parts.items()} for name, parts in shares.items()}


def clopper_pearson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact bounds of a proportion (Clopper & Pearson 1934)."""
    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, n - successes + 1))
    upper = 1.0 if successes == n else float(stats.beta.ppf(1 - tail, successes + 1, n - successes))
    return lower, upper


def bonferroni(family: int, confidence: float = CONFIDENCE) -> float:
    """The confidence each of so many intervals needs for all of them to hold together (Dunn 1961)."""
    return 1 - (1 - confidence) / max(1, family)


def level_of_look(number: int, false_alarms: float) -> float:
    """The level at which the so-many-th look of a monitor is held, so that all looks ever together keep to
    ``false_alarms``.

    The levels 6 / (π² k²) add up to one, and the union bound asks nothing of how looks hang together. Below 1e-12 a
    level is no longer told from none in binary floats, so it stays there: a million such looks add 1e-6 to the whole.

    Raises:
        Invalid: no false alarm is allowed at all, so nothing could ever be said.
    """
    if not 0 < false_alarms < 1:
        raise Invalid("A monitor that may never be wrong can never say anything.", code="false-alarms")
    return max(false_alarms * 6 / (pi * number) ** 2, LEAST_LEVEL)


def counts_of(scores: Sequence[float], low: float, high: float, cells: int) -> list[int]:
    """How many scores lie in each of so many equal cells from ``low`` to ``high``, whose difference may overflow."""
    begin, span = low / 2, high / 2 - low / 2
    counts = [0] * cells
    for score in scores:
        counts[min(int((score / 2 - begin) / span * cells), cells - 1)] += 1
    return counts


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score bounds of a proportion (Wilson 1927)."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def newcombe(
    successes_a: int, n_a: int, successes_b: int, n_b: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """(difference, lower, upper) of two proportions by hybrid scores (Newcombe 1998, method 10)."""
    share_a, share_b = successes_a / n_a, successes_b / n_b
    low_a, high_a = wilson(successes_a, n_a, confidence)
    low_b, high_b = wilson(successes_b, n_b, confidence)
    difference = share_a - share_b
    lower = difference - sqrt((share_a - low_a) ** 2 + (high_b - share_b) ** 2)
    upper = difference + sqrt((high_a - share_a) ** 2 + (share_b - low_b) ** 2)
    return difference, lower, upper


def welch(a: Sequence[float], b: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """(difference, lower, upper) of two means whose variances may differ (Welch 1947)."""
    means = fsum(a) / len(a), fsum(b) / len(b)
    difference = means[0] - means[1]
    parts = [fsum((x - mean) ** 2 for x in xs) / (len(xs) - 1) / len(xs) for xs, mean in ((a, means[0]), (b, means[1]))]
    spread = sum(parts)
    if spread == 0:
        return difference, difference, difference
    freedom = spread**2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, freedom)) * sqrt(spread)
    return difference, difference - half, difference + half


def rate_ratio(
    successes_a: int, n_a: int, successes_b: int, n_b: int, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """(ratio, lower, upper) of two rates, on a log scale, half a success added to each (Katz 1978; Walter 1975)."""
    a, b = successes_a + 0.5, successes_b + 0.5
    ratio = (a / (n_a + 0.5)) / (b / (n_b + 0.5))
    spread = sqrt(1 / a - 1 / (n_a + 0.5) + 1 / b - 1 / (n_b + 0.5))
    width = exp(float(stats.norm.ppf((1 + confidence) / 2)) * spread)
    return ratio, ratio / width, ratio * width


def benjamini_hochberg(p_values: Sequence[float], rate: float = 0.05) -> list[bool]:
    """Which hypotheses are rejected at that false discovery rate (Benjamini & Hochberg 1995)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    passed = [place for place, i in enumerate(order, 1) if p_values[i] <= rate * place / len(p_values)]
    rejected = set(order[: max(passed, default=0)])
    return [i in rejected for i in range(len(p_values))]


def magnitude(value: float, lower: float, upper: float) -> tuple[float, float, float]:
    """An absolute value and its bounds, from those of the value itself."""
    least = 0.0 if lower <= 0 <= upper else min(abs(lower), abs(upper))
    return abs(value), least, max(abs(lower), abs(upper))


def can_tell(
    best: float, value: float, lower: float, upper: float, *, at_most: float | None, at_least: float | None
) -> bool:
    """Whether tables this large can meet a criterion at all: a flawless one, which shows ``best``, with an interval as
    wide as this.
    """
    if at_most is not None:
        return best + (upper - value) <= at_most
    return at_least is None or best - (value - lower) >= at_least
