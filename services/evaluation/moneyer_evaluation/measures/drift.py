"""Whether what was true of one table is still true of another: PSI, total variation, a classifier.

The population stability index is the symmetrised Kullback-Leibler divergence of two histograms. Without drift, and
scaled by nm / (n + m), it is about chi-squared with one degree less than it has cells (Yurdakul 2018); its mean
without drift is taken off, so that few rows do not look like drift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from moneyer_evaluation.measures.fidelity import distance, redrawn
from moneyer_evaluation.measures.likeness import told_apart
from moneyer_evaluation.measures.reference import Array, Tables, codes, features
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni

PSI, TOTAL_VARIATION, CLASSIFIER, KOLMOGOROV = "psi-max", "tvd-max", "drift-auc", "ks"
LEAST_ROWS = 50
DRAWS = 200


def between(tables: Tables, confidence: float) -> list[Measured]:
    """Drift from train to asset: each column's histogram, and whether a classifier tells the rows apart."""
    train, _, asset, sizes = codes(tables)
    if min(len(train), len(asset)) < LEAST_ROWS:
        because = f"fewer than {LEAST_ROWS} rows before or after"
        return [NotEstimable(metric, because) for metric in (PSI, TOTAL_VARIATION, CLASSIFIER)]
    each = bonferroni(3, confidence)
    counted: dict[str, Change] = {}
    for place, column in enumerate(tables.declaration.learned):
        earlier, later = (np.bincount(part[:, place], minlength=sizes[place]) for part in (train, asset))
        counted[column.name] = Change(earlier, later)
    random = tables.random(CLASSIFIER)
    before, _, after = features(tables)
    value, lower, upper, n = told_apart(before, after, random, tables.seed, each)
    method = "gradient-boosted trees on half of both, asked about the other half; DeLong's variance"
    found = Estimate(CLASSIFIER, value, max(0.0, lower), min(1.0, upper), n, method, tables.seed, confidence=each)
    return [*histograms(counted, each, tables.seed), found]


@dataclass(frozen=True)
class Change:
    """A histogram before and after, as counts of shape (cells,); before are shares if ``exact``."""

    before: Array
    after: Array
    exact: bool = False

    @property
    def rows(self) -> int:
        return int(self.after.sum())

    @property
    def scale(self) -> float:
        """What divides a squared relative difference: n for exact shares, nm / (n + m) for two samples."""
        after = float(self.after.sum())
        return after if self.exact else after * float(self.before.sum()) / (after + float(self.before.sum()))

    def shares(self) -> tuple[Array, Array]:
        """Both as shares, half a row added to every cell that either has, so that none is empty."""
        some = (self.before > 0) | (self.after > 0)
        before = self.before[some] / self.before.sum() if self.exact else _smoothed(self.before[some])
        return np.maximum(before, 1e-6), _smoothed(self.after[some])

    def p_value(self) -> float:
        """The chance of a chi-squared as large without drift."""
        before, after = self.shares()
        if len(before) < 2:  # noqa: PLR2004 - one cell cannot move
            return 1.0
        pooled = (
            before
            if self.exact
            else (before * self.before.sum() + after * self.after.sum()) / (self.before.sum() + self.after.sum())
        )
        statistic = self.scale * float((((after - before) ** 2) / pooled).sum())
        return float(stats.chi2.sf(statistic, len(before) - 1))

    def index(self) -> tuple[float, float]:
        """The population stability index less its mean without drift, and its standard error (delta method)."""
        before, after = self.shares()
        log = np.log(after / before)
        value = float(((after - before) * log).sum())
        # d/da_i of sum (a - b) log(a / b), and the same for b.
        slope_after, slope_before = log + 1 - before / after, -log + 1 - after / before
        variance = _variance(slope_after, after) / self.after.sum()
        if not self.exact:
            variance += _variance(slope_before, before) / self.before.sum()
        cells = (len(before) - 1) / self.scale
        return value - cells, float(np.sqrt(variance + 2 * cells / self.scale))

    def variation(self, random: np.random.Generator) -> tuple[float, float]:
        """Total variation less what redrawing adds to it, and its standard error."""
        if self.exact:
            share = self.before / self.before.sum()
            value = float(np.abs(self.after / self.after.sum() - share).sum() / 2)
            made = random.multinomial(self.rows, self.after / self.rows, DRAWS) / self.rows
            draws = np.abs(made - share).sum(axis=1) / 2
        else:
            value = distance(self.before, self.after)
            draws = redrawn(self.before, self.after, DRAWS, random)
        return value - max(0.0, float(draws.mean()) - value), float(draws.std(ddof=1))


def _smoothed(counts: Array) -> Array:
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))


def _variance(slope: Array, share: Array) -> float:
    return float((share * slope**2).sum() - (share * slope).sum() ** 2)


def histograms(changes: Mapping[str, Change], confidence: float, seed: int) -> list[Estimate]:
    """The largest index and variation. A lower bound above 0 also takes a chi-squared that tells drift from chance."""
    each = bonferroni(len(changes), confidence)
    z = float(stats.norm.ppf(each))
    told = {name: change.p_value() < 1 - each for name, change in changes.items()}
    random = np.random.default_rng(seed)
    how = f"less its mean without drift; one-sided for {len(changes)} together, 0 unless a chi-squared tells it"
    found = []
    for metric, what, figures in (
        (PSI, "population stability index", {name: change.index() for name, change in changes.items()}),
        (TOTAL_VARIATION, "total variation", {name: change.variation(random) for name, change in changes.items()}),
    ):
        lower = max(value - z * error if told[name] else 0.0 for name, (value, error) in figures.items())
        upper = max(value + z * error for value, error in figures.values())
        value = max(value for value, _ in figures.values())
        details = {
            "columns": {name: round(value, 6) for name, (value, _) in figures.items()},
            "told-from-chance": [name for name, is_told in told.items() if is_told],
        }
        n = min(change.rows for change in changes.values())
        lower, value = max(0.0, min(lower, value)), max(0.0, value)
        found.append(
            Estimate(metric, value, lower, max(upper, value), n, f"{what}, {how}", seed, details, confidence=confidence)
        )
    return found


def of_shares(tables: Tables, confidence: float) -> list[Measured]:
    """Drift of the asset from published shares, which are taken as exact; what is not named is one cell more."""
    known = {column.name for column in tables.declaration.learned}
    changes: dict[str, Change] = {}
    for name, parts in tables.shares.items():
        if name in known and len(tables.asset):
            counts = np.array([int((tables.asset[name] == category).sum()) for category in parts])
            shares = np.array(list(parts.values()))
            rest = np.array([len(tables.asset) - counts.sum(), max(0.0, 1 - shares.sum())])
            changes[name] = Change(np.append(shares, rest[1]), np.append(counts, rest[0]), exact=True)
    if not changes:
        return [NotEstimable(metric, "no shares are published of a column here") for metric in (PSI, TOTAL_VARIATION)]
    return [*histograms(changes, bonferroni(2, confidence), tables.seed)]


def of_scores(before: Sequence[int], after: Sequence[int], confidence: float) -> list[Measured]:
    """Drift of a model's scores, as counts in equal cells of their range."""
    if min(sum(before), sum(after)) < LEAST_ROWS:
        because = f"fewer than {LEAST_ROWS} scores in the first batch or in this one"
        return [NotEstimable(metric, because) for metric in (PSI, TOTAL_VARIATION, KOLMOGOROV)]
    change, each = Change(np.array(before), np.array(after)), bonferroni(3, confidence)
    return [*histograms({"scores": _in_tenths(change)}, each, 0), _kolmogorov(change, each, 0)]


def _in_tenths(change: Change) -> Change:
    """Cells joined into about tenths of what was before, as the index is used to."""
    reached = np.cumsum(change.before) / change.before.sum()
    tenth = np.minimum(np.floor((reached - change.before / change.before.sum() / 2) * 10), 9).astype(int)
    before, after = (np.bincount(tenth, weights=part, minlength=10) for part in (change.before, change.after))
    return Change(before, after)


def _kolmogorov(change: Change, confidence: float, seed: int) -> Estimate:
    """The largest difference of the two distribution functions; bounds after Dvoretzky, Kiefer & Wolfowitz 1956."""
    sizes = [int(part.sum()) for part in (change.before, change.after)]
    steps = [np.cumsum(part) / size for part, size in zip((change.before, change.after), sizes, strict=True)]
    value = float(np.abs(steps[0] - steps[1]).max())
    # Each function lies within its band with half of the confidence left (Massart 1990).
    half = sum(float(np.sqrt(np.log(4 / (1 - confidence)) / (2 * size))) for size in sizes)
    method = "largest difference of the distribution functions; Dvoretzky-Kiefer-Wolfowitz bands"
    lower, upper = max(0.0, value - half), min(1.0, value + half)
    return Estimate(KOLMOGOROV, value, lower, upper, sizes[1], method, seed, confidence=confidence)
