"""Somebody who chooses the second step by what the first one showed; their composed δ is computed, not sampled."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import binom, norm

Array = np.ndarray
FOLDS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 40)
"""How many randomized responses the second step may be made of."""


def gaussian_tail(budget: Array, shift: float) -> Array:
    """δ of a Gaussian whose neighbours lie ``shift`` standard deviations apart, at each ε: Balle & Wang 2018, Thm. 8."""
    with np.errstate(over="ignore"):
        return norm.sf(budget / shift - shift / 2) - np.exp(budget + norm.logsf(budget / shift + shift / 2))


def responses_tail(budget: Array, epsilon: float, fold: int) -> Array:
    """δ of ``fold`` randomized responses of ε each, at each ε: Kairouz, Oh & Viswanath 2015, Thm. 3.3."""
    truths = np.arange(fold + 1)
    likely = binom.pmf(truths, fold, np.exp(epsilon) / (1 + np.exp(epsilon)))
    excess = np.minimum(budget[:, None] - (2 * truths - fold) * epsilon, 0)
    return (likely * -np.expm1(excess)).sum(axis=1)


def composed_delta(epsilon: float, first_rho: float, second_rho: float, responses: Mapping[int, float]) -> float:
    """δ at ``epsilon`` of a Gaussian and then whatever its outcome makes best, by integration over the outcome.

    The loss L of the first step is N(ρ, 2ρ); what follows must exceed ε - L: δ = E[max δ₂(ε - L)].

    Args:
        epsilon: the budget's.
        first_rho: the first Gaussian's ρ.
        second_rho: the largest ρ of a second Gaussian that is admitted after it.
        responses: by fold, the largest ε so many randomized responses are admitted with.
    """
    shift = float(np.sqrt(2 * first_rho))
    losses = first_rho + shift * np.linspace(-10, 10, 8001)
    left = epsilon - losses
    choices = [gaussian_tail(left, float(np.sqrt(2 * second_rho)))]
    choices += [responses_tail(left, amount, fold) for fold, amount in responses.items() if amount > 0]
    return float(np.trapz(norm.pdf(losses, first_rho, shift) * np.max(choices, axis=0), losses))


def largest(admitted: Callable[[float], bool], most: float, steps: int = 40) -> float:
    """The largest amount that is admitted, by bisection; 0 where none is."""
    low, high = 0.0, most
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if admitted(middle) else (low, middle)
    return low
