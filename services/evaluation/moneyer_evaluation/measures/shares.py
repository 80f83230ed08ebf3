"""Groups beside published shares of the population, which may not be those of the source."""

from moneyer_evaluation.measures.reference import Tables
from moneyer_evaluation.rules import Estimate, Measured, NotEstimable, bonferroni, clopper_pearson, magnitude

METRIC = "reference-share-gap-max"


def measure(tables: Tables) -> list[Measured]:
    """The largest difference between a category's share of the asset and its published share, taken as exact."""
    known = {column.name for column in tables.declaration.learned}
    asked = [
        (name, category, share)
        for name, shares in tables.shares.items()
        if name in known
        for category, share in shares.items()
    ]
    if not asked or not len(tables.asset):
        return [
            NotEstimable(
                METRIC, "no reference shares are declared for this population" if not asked else "nothing was made"
            )
        ]
    confidence, n = bonferroni(len(asked)), len(tables.asset)
    gaps, sources = {}, {}
    for name, category, share in asked:
        count = int((tables.asset[name] == category).sum())
        lower, upper = clopper_pearson(count, n, confidence)
        gaps[f"{name}={category}"] = (count / n - share, lower - share, upper - share)
        sources[f"{name}={category}"] = (
            float((tables.train[name] == category).mean()) - share if len(tables.train) else 0.0
        )
    sizes = [magnitude(*gap) for gap in gaps.values()]
    value, lower, upper = (max(size[i] for size in sizes) for i in range(3))
    off = [group for group, gap in gaps.items() if not gap[1] <= 0 <= gap[2]]
    details = {
        "groups": {group: round(gap[0], 6) for group, gap in gaps.items()},
        "source": {group: round(gap, 6) for group, gap in sources.items()},
        "advice": [f"ask for a stratum of {group} with its published share" for group in off[:3]],
    }
    method = "difference of the asset's share and the published one; Clopper-Pearson at Bonferroni's level"
    return [Estimate(METRIC, value, lower, upper, n, method, tables.seed, details)]
