"""An assay's life and its statistics: values and formulas, no tables and no I/O."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

from scipy import stats

CONFIDENCE = 0.95
State = Literal["queued", "measuring", "measured", "done", "failed"]
Step = Literal["measure", "ask-release", "rest"]


def next_step(state: str) -> Step:
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
    """A figure, its bounds at 95 % confidence, and how it came about."""

    metric: str
    value: float
    lower: float
    upper: float
    n: int
    method: str
    seed: int
    details: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class NotEstimable:
    """A figure that these tables cannot give, and why."""

    metric: str
    because: str


Measured = Estimate | NotEstimable


def clopper_pearson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact bounds of a proportion (Clopper & Pearson 1934)."""
    tail = (1 - confidence) / 2
    lower = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, n - successes + 1))
    upper = 1.0 if successes == n else float(stats.beta.ppf(1 - tail, successes + 1, n - successes))
    return lower, upper


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score bounds of a proportion (Wilson 1927)."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def newcombe(successes_a: int, n_a: int, successes_b: int, n_b: int) -> tuple[float, float, float]:
    """(difference, lower, upper) of two proportions by hybrid scores (Newcombe 1998, method 10)."""
    share_a, share_b = successes_a / n_a, successes_b / n_b
    low_a, high_a = wilson(successes_a, n_a)
    low_b, high_b = wilson(successes_b, n_b)
    difference = share_a - share_b
    lower = difference - sqrt((share_a - low_a) ** 2 + (high_b - share_b) ** 2)
    upper = difference + sqrt((high_a - share_a) ** 2 + (share_b - low_b) ** 2)
    return difference, lower, upper
