"""Whether groups are as present, as well served and as fairly judged as they should be, intersections included.

Small groups are named, never dropped in silence; a group is what one or two protected columns say of people.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from xgboost import XGBClassifier

from moneyer_evaluation.measures.fidelity import centred
from moneyer_evaluation.measures.reference import MOST_LEARNED, Array, Tables, bounds, features, places_of
from moneyer_evaluation.rules import (
    Estimate,
    Measured,
    NotEstimable,
    benjamini_hochberg,
    bonferroni,
    magnitude,
    newcombe,
    rate_ratio,
    wilson,
)

PRESENCE, IMPACT = "representation-gap-max", "disparate-impact-ratio"
PARITY, ODDS = "demographic-parity-difference", "equalised-odds-difference"
CALIBRATION = "group-calibration-gap-max"
HALF = 0.5
SMALL_GROUP = 30
MOST_GROUPS = 60
RESAMPLES = 200
BINS = 4


def measure(tables: Tables) -> list[Measured]:
    protected = tables.columns("protected")
    if not protected:
        because = "the source declares no protected column"
        return [NotEstimable(metric, because) for metric in (PRESENCE, IMPACT, *JUDGED)]
    groupings = groupings_of(tables)
    return [presence(tables, groupings), *outcomes(tables, groupings)]


@dataclass(frozen=True)
class Grouping:
    """A way to group people: each row's group in the three tables, as places in ``names``; -1 where it is missing."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    train: Array
    holdout: Array
    asset: Array


def groupings_of(tables: Tables) -> list[Grouping]:
    """By each protected column, and by each two of them."""
    return tables.once("groupings", lambda: _groupings(tables))


def _groupings(tables: Tables) -> list[Grouping]:
    names = [column.name for column in tables.columns("protected")]
    sets = [(name,) for name in names] + list(combinations(names, 2))
    return [grouping for columns in sets if (grouping := _grouping(tables, columns)) is not None]


def _grouping(tables: Tables, columns: Sequence[str]) -> Grouping | None:
    frames = (tables.train, tables.holdout, tables.asset)
    parts = [_labels(tables, frames, name) for name in columns]
    joined = pd.concat(parts, axis=1)
    label = joined.iloc[:, 0] if len(columns) == 1 else joined.iloc[:, 0] + " · " + joined.iloc[:, 1]
    codes, found = pd.factorize(label, sort=True)
    if len(found) < 2 or len(found) > MOST_GROUPS:  # noqa: PLR2004 - a comparison takes two
        return None
    train, holdout, asset = np.split(codes, np.cumsum([len(frame) for frame in frames])[:-1])
    return Grouping(tuple(columns), tuple(map(str, found)), train, holdout, asset)


def _labels(tables: Tables, frames: Sequence[pd.DataFrame], name: str) -> pd.Series:
    """A column's groups: its categories, or quarters of its declared range, so that no bound is anybody's value."""
    column = next(column for column in tables.declaration.learned if column.name == name)
    joined = pd.concat([frame[name] for frame in frames], ignore_index=True)
    if column.domain.kind == "categorical":
        return joined.map(lambda value: f"{name}={value}", na_action="ignore")
    edges = np.linspace(*bounds(column), BINS + 1)[1:-1]
    place = np.searchsorted(edges, joined.to_numpy(dtype=np.float64), side="right")
    ends = ["-∞", *(f"{edge:g}" for edge in edges), "∞"]
    texts = pd.Series([f"{name} in [{ends[i]}, {ends[i + 1]})" for i in place])
    return texts.where(joined.notna())


def presence(tables: Tables, groupings: Sequence[Grouping]) -> Measured:
    """The largest difference between a group's share in the asset and among the people learned from."""
    n_made, n_real = len(tables.asset), len(tables.train)
    rows = [
        (name, int((grouping.asset == i).sum()), int((grouping.train == i).sum()))
        for grouping in groupings
        for i, name in enumerate(grouping.names)
    ]
    if not rows or not n_made or not n_real:
        return NotEstimable(PRESENCE, "no protected column tells two groups apart")
    confidence = bonferroni(len(rows))
    found = [(name, newcombe(made, n_made, real, n_real, confidence)) for name, made, real in rows]
    bounds = [magnitude(*interval) for _, interval in found]
    value, lower, upper = (max(bound[i] for bound in bounds) for i in range(3))
    small = [name for name, made, real in rows if min(made, real) < SMALL_GROUP]
    differing = _differing(rows, n_made, n_real)
    details = {
        "groups": {name: round(interval[0], 6) for name, interval in found},
        "small-groups": small,
        "differ-at-fdr-5%": differing,
        "advice": [f"ask for a stratum of {name} with a share of its own" for name in differing[:3]],
    }
    method = "difference of shares, asset minus train, one and two protected columns; Newcombe at Bonferroni's level"
    return Estimate(PRESENCE, value, lower, upper, n_made, method, tables.seed, details)


def _differing(rows: Sequence[tuple[str, int, int]], n_made: int, n_real: int) -> list[str]:
    """Groups whose log disparity is told from chance, at a false discovery rate of 5 %."""
    p_values = []
    for _, made, real in rows:
        pooled = (made + real) / (n_made + n_real)
        spread = (pooled * (1 - pooled) * (1 / n_made + 1 / n_real)) ** 0.5
        z = (made / n_made - real / n_real) / spread if spread else 0.0
        p_values.append(float(2 * stats.norm.sf(abs(z))))
    return [name for (name, _, _), rejected in zip(rows, benjamini_hochberg(p_values), strict=True) if rejected]


# --- outcomes -----------------------------------------------------------------------------


def outcomes(tables: Tables, groupings: Sequence[Grouping]) -> list[Measured]:
    """The four-fifths ratio in the asset, and how a model trained on it judges the people held out."""
    target = tables.declaration.target
    column = next((column for column in tables.declaration.learned if column.name == target), None)
    if column is None or column.domain.kind != "categorical":
        because = "the source declares no categorical target"
        return [NotEstimable(metric, because) for metric in (IMPACT, *JUDGED)]
    without = [grouping for grouping in groupings if target not in grouping.columns]
    positive = tables.train[target].value_counts().index[-1] if len(tables.train) else None
    made, held_out = ((frame[target] == positive).to_numpy() for frame in (tables.asset, tables.holdout))
    return [
        impact(tables, without, made, str(positive)),
        *judged(tables, without, made, held_out, str(target)),
    ]


def impact(tables: Tables, groupings: Sequence[Grouping], positive: Array, outcome: str) -> Measured:
    """The lowest ratio of two groups' rates of the rarer outcome (four fifths: 29 CFR 1607.4 D)."""
    ratios, small = [], []
    for grouping in groupings:
        counts = np.bincount(grouping.asset[grouping.asset >= 0], minlength=len(grouping.names))
        hits = np.bincount(grouping.asset[(grouping.asset >= 0) & positive], minlength=len(grouping.names))
        enough = np.flatnonzero(counts >= SMALL_GROUP)
        small += [grouping.names[i] for i in np.flatnonzero(counts < SMALL_GROUP)]
        if len(enough) < 2 or not hits[enough].any():  # noqa: PLR2004
            continue
        rates = hits[enough] / counts[enough]
        low, high = enough[rates.argmin()], enough[rates.argmax()]
        ratios.append((grouping, low, high, hits, counts))
    if not ratios:
        return NotEstimable(IMPACT, f"no two groups of {SMALL_GROUP} rows, or none with the outcome")
    confidence = bonferroni(len(ratios))
    found = [
        (
            _ratio(int(hits[low]), int(counts[low]), int(hits[high]), int(counts[high]), confidence),
            grouping,
            low,
            high,
        )
        for grouping, low, high, hits, counts in ratios
    ]
    interval, grouping, low, high = min(found, key=lambda one: one[0][0])
    details = {
        "outcome": outcome, "lowest": grouping.names[low], "highest": grouping.names[high], "small-groups": small,
        "advice": [f"ask for strata of {grouping.names[low]} by the outcome, or for constraints that even it out"],
    }  # fmt: skip
    method = "lowest over highest rate among groups; log scale, half a success added, at Bonferroni's level"
    lower = min(one[0][1] for one in found)
    return Estimate(IMPACT, interval[0], lower, interval[2], len(tables.asset), method, tables.seed, details)


def _ratio(low: int, n_low: int, high: int, n_high: int, confidence: float) -> tuple[float, float, float]:
    """As ``rate_ratio``, of a lower over a higher rate: never above 1, and none of none is no less."""
    value, lower, upper = (min(1.0, end) for end in rate_ratio(low, n_low, high, n_high, confidence))
    return (value, lower, upper) if low else (0.0, 0.0, upper)


def judged(tables: Tables, groupings: Sequence[Grouping], made: Array, held_out: Array, target: str) -> list[Measured]:
    """The largest differences between groups in how often a model says yes, how often rightly, how surely."""
    places = places_of(tables, [column.name for column in tables.declaration.learned if column.name != target])
    _, x_holdout, x_asset = features(tables)
    if min(made.sum(), (~made).sum(), held_out.sum(), (~held_out).sum()) < SMALL_GROUP or not places.size:
        because = f"the target has fewer than {SMALL_GROUP} rows of a kind in the asset or the holdout"
        return [NotEstimable(metric, because) for metric in JUDGED]
    usable = [grouping for grouping in groupings if _enough(grouping.holdout, len(grouping.names)).sum() > 1]
    if not usable:
        return [NotEstimable(metric, f"no two groups of {SMALL_GROUP} people held out") for metric in JUDGED]
    shown = tables.at_most(len(made), MOST_LEARNED, "judged")
    learner = XGBClassifier(n_estimators=60, max_depth=5, tree_method="hist", n_jobs=1, random_state=tables.seed)
    chance = (
        learner.fit(x_asset[np.ix_(shown, places)], made[shown])
        .predict_proba(x_holdout[:, places])[:, 1]
        .astype(np.float64)
    )
    random = tables.random(PARITY)
    rows = [random.integers(0, len(chance), len(chance)) for _ in range(RESAMPLES)]
    return [
        _largest(tables, metric, difference, usable, chance, held_out, rows) for metric, difference in JUDGED.items()
    ]


def _largest(
    tables: Tables,
    metric: str,
    difference: "Difference",
    groupings: Sequence[Grouping],
    chance: Array,
    truth: Array,
    resamples: Sequence[Array],
) -> Estimate:
    values = {}
    for grouping in groupings:
        groups, enough = grouping.holdout, _enough(grouping.holdout, len(grouping.names))
        whole = difference(chance, truth, groups, enough)
        draws = [difference(chance[some], truth[some], groups[some], enough) for some in resamples]
        lower, upper = centred(whole, np.array(draws))
        if metric in REACHES:
            upper = max(upper, REACHES[metric](chance, truth, groups, enough))
        values[" and ".join(grouping.columns)] = (whole, lower, upper)
    value, lower, upper = (max(one[i] for one in values.values()) for i in range(3))
    details = {"groupings": {name: round(one[0], 6) for name, one in values.items()}}
    method = (
        f"a model trained on the asset judges the people held out; bootstrap of people, {RESAMPLES} draws, widened to "
        "Wilson's bounds for groups all or none of whom are told yes, to the whole scale for those without such people"
    )
    return Estimate(metric, value, max(0.0, lower), min(1.0, upper), len(truth), method, tables.seed, details)


def _enough(groups: Array, size: int) -> Array:
    return np.bincount(groups[groups >= 0], minlength=size) >= SMALL_GROUP


def parity(chance: Array, truth: Array, groups: Array, enough: Array) -> float:
    """Demographic parity difference: largest minus smallest rate of yes (Calders et al. 2009)."""
    del truth
    return _spread(chance > HALF, groups, enough)


def odds(chance: Array, truth: Array, groups: Array, enough: Array) -> float:
    """Equalised odds difference: the larger spread of true and of false positive rates (Hardt et al. 2016)."""
    said = chance > HALF
    return max(_spread(said[truth], groups[truth], enough), _spread(said[~truth], groups[~truth], enough))


def calibration(chance: Array, truth: Array, groups: Array, enough: Array) -> float:
    """The largest difference in a group between what a model expects and what happens (Pleiss et al. 2017)."""
    known = groups >= 0
    counts = np.bincount(groups[known], minlength=len(enough))
    off = np.bincount(groups[known], weights=(chance - truth)[known], minlength=len(enough))
    some = enough & (counts > 0)
    return float(np.abs(off[some] / counts[some]).max()) if some.any() else 0.0


def parity_reach(chance: Array, truth: Array, groups: Array, enough: Array) -> float:
    """How large ``parity`` may be, for what its bootstrap cannot tell."""
    del truth
    return _reach(chance > HALF, groups, enough)


def odds_reach(chance: Array, truth: Array, groups: Array, enough: Array) -> float:
    """How large ``odds`` may be: of a group in which nobody has the outcome, or everybody, one rate is unknown."""
    said = chance > HALF
    return max(_reach(said[truth], groups[truth], enough), _reach(said[~truth], groups[~truth], enough))


def _reach(said: Array, groups: Array, enough: Array) -> float:
    """The largest difference of two groups' rates that their counts allow.

    A rate strictly between 0 and 1 is taken as it is, for the bootstrap moves it; one of 0 or 1 as far as Wilson's
    bound; that of a group large enough with nobody to judge as anything.
    """
    known = groups >= 0
    counts = np.bincount(groups[known], minlength=len(enough))[enough]
    hits = np.bincount(groups[known & said], minlength=len(enough))[enough]
    ends = np.array([_ends(int(some), int(all_)) for some, all_ in zip(hits, counts, strict=True)]).reshape(-1, 2)
    apart = ends[:, 1][:, None] - ends[:, 0][None, :]
    np.fill_diagonal(apart, 0)
    return float(apart.max(initial=0))


def _ends(hits: int, count: int) -> tuple[float, float]:
    if 0 < hits < count:
        return hits / count, hits / count
    return wilson(hits, count) if count else (0.0, 1.0)


def _spread(said: Array, groups: Array, enough: Array) -> float:
    known = groups >= 0
    counts = np.bincount(groups[known], minlength=len(enough))
    hits = np.bincount(groups[known & said], minlength=len(enough))
    some = enough & (counts > 0)
    rates = hits[some] / counts[some]
    return float(rates.max() - rates.min()) if len(rates) else 0.0


Difference = Callable[[Array, Array, Array, Array], float]
JUDGED: Mapping[str, Difference] = {PARITY: parity, ODDS: odds, CALIBRATION: calibration}
"""Each looks at chances, outcomes and groups of people, and at which groups are large enough."""
REACHES: Mapping[str, Difference] = {PARITY: parity_reach, ODDS: odds_reach}
"""How large each may be where its bootstrap has nothing to move: a rate of 0 or 1, a group without such people."""
