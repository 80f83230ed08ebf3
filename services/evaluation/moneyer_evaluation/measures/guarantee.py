"""What an attacker can measure of ε: a lower bound to hold against the claim (DESIGN §7).

A mechanism is run many times on a table with a worst-case record and many times without. Whoever sees the output
guesses which it was. Half of the runs choose the threshold, half are judged by it; both error rates get
Clopper-Pearson bounds, and Kairouz, Oh & Viswanath 2015 (Thm. 2.1) turn them into a lower bound on ε at the declared
δ.
"""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from moneyer_evaluation.rules import CONFIDENCE, Estimate

METRIC = "epsilon-lower-bound"


def lower_bound(inside: Sequence[float], outside: Sequence[float], delta: float) -> Estimate:
    """The bound, from scores that are higher with the record: right in 95 of 100 audits.

    ``value`` is what the judged half shows without allowing for chance; only ``lower`` holds a claim to account.
    """
    with_it, without = np.asarray(inside, dtype=np.float64), np.asarray(outside, dtype=np.float64)
    half = [len(part) // 2 for part in (with_it, without)]
    seen = np.unique(np.concatenate([with_it[: half[0]], without[: half[1]]]))
    # Between scores, not at one: at the highest score without the record, the judged half goes beyond it by chance.
    thresholds = (seen[:-1] + seen[1:]) / 2 if len(seen) > 1 else seen
    best = max(thresholds, key=lambda t: np.mean(with_it[: half[0]] > t) - np.mean(without[: half[1]] > t))
    judged = [part[size:] for part, size in zip((with_it, without), half, strict=True)]
    missed, alarmed = int(np.sum(judged[0] <= best)), int(np.sum(judged[1] > best))
    sizes = [len(part) for part in judged]
    lower = max(0.0, *(_epsilon(*_worst(pair), delta) for pair in _both(missed, alarmed, sizes)))
    shown = max(0.0, *(_epsilon(*_seen(pair), delta) for pair in _both(missed, alarmed, sizes)))
    details = {"missed": missed, "alarmed": alarmed, "judged": sizes}
    method = "threshold attack on a worst-case record; Clopper-Pearson on both error rates, Kairouz et al. Thm. 2.1"
    return Estimate(METRIC, max(shown, lower), lower, max(shown, lower), sum(sizes), method, 0, details)


Rate = tuple[int, int]


def _both(missed: int, alarmed: int, sizes: Sequence[int]) -> list[tuple[Rate, Rate]]:
    """The two ways to say which error is the false negative."""
    rates = (missed, sizes[0]), (alarmed, sizes[1])
    return [(rates[0], rates[1]), (rates[1], rates[0])]


def _worst(pair: tuple[Rate, Rate]) -> tuple[float, float]:
    """Both rates at the upper ends of bounds that hold together."""
    tail = (1 + CONFIDENCE) / 2
    one, two = (1.0 if wrong == n else float(stats.beta.ppf(tail, wrong + 1, n - wrong)) for wrong, n in pair)
    return one, two


def _seen(pair: tuple[Rate, Rate]) -> tuple[float, float]:
    """Both rates as they were, half an error added: what never happened in so many runs may yet."""
    one, two = ((wrong + 0.5) / (n + 1) for wrong, n in pair)
    return one, two


def _epsilon(false_negative: float, false_positive: float, delta: float) -> float:
    """ln((1 − δ − FNR) / FPR)."""
    return float(np.log(max(1 - delta - false_negative, 1e-12) / false_positive))
