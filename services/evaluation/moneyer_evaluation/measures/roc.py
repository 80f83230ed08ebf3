"""Areas under ROC curves with DeLong's variances (DeLong et al. 1988; midranks as Sun & Xu 2014)."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from moneyer_evaluation.measures.reference import Array
from moneyer_evaluation.rules import CONFIDENCE


@dataclass(frozen=True)
class Areas:
    """Areas of k scorers on the same rows, and their covariance of shape (k, k)."""

    values: Array
    covariance: Array

    def interval(self, weights: Array, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
        """(value, lower, upper) of a weighted sum of the areas."""
        value = float(weights @ self.values)
        half = float(stats.norm.ppf((1 + confidence) / 2)) * max(0.0, float(weights @ self.covariance @ weights)) ** 0.5
        return value, value - half, value + half


def areas(positives: Array, negatives: Array) -> Areas:
    """Scores of shape (k, m) on positives and (k, n) on negatives; higher means positive."""
    m, n = positives.shape[1], negatives.shape[1]
    both = np.array([stats.rankdata(row) for row in np.hstack([positives, negatives])])
    own_positive = np.array([stats.rankdata(row) for row in positives])
    own_negative = np.array([stats.rankdata(row) for row in negatives])
    values = (both[:, :m].sum(axis=1) - m * (m + 1) / 2) / (m * n)
    by_positive = (both[:, :m] - own_positive) / n
    by_negative = 1 - (both[:, m:] - own_negative) / m
    covariance = np.atleast_2d(np.cov(by_positive)) / m + np.atleast_2d(np.cov(by_negative)) / n
    return Areas(values, covariance)
