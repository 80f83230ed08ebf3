"""The measures and suites there are: moneyer's own, and those of installed plug-ins.

A plug-in is a package with entry points in the group ``moneyer.measures`` (each a ``Measure``) or
``moneyer.suites`` (each a sequence of measure ids, under the suite's name).
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points

from moneyer_evaluation.measures import (
    attributes,
    copies,
    external,
    fairness,
    fidelity,
    likeness,
    linkability,
    membership,
    queries,
    reidentification,
    shadow,
    shares,
    singling_out,
    subgroups,
    targets,
    utility,
    validity,
)
from moneyer_evaluation.measures.protocol import Measure
from moneyer_shared.errors import Invalid

MEASURES_GROUP, SUITES_GROUP = "moneyer.measures", "moneyer.suites"
STANDARD = "standard-1"

BUILT_IN = (
    Measure(
        "marginals",
        1,
        "fidelity",
        "compares columns, pairs and triples by total variation",
        fidelity.measure,
        {
            "marginal-tvd-mean": 0,
            "marginal-tvd-max": 0,
            "pairwise-tvd-mean": 0,
            "triple-tvd-mean": 0,
            "k-marginal-score-2": 1000,
            "k-marginal-score-3": 1000,
        },
    ),
    Measure(
        "likeness",
        1,
        "fidelity",
        "compares correlations, coverage and missing values, and has a classifier tell the tables apart",
        likeness.measure,
        {
            "correlation-difference-mean": 0,
            "detection-auc": 0.5,
            "coverage": 1,
            "density": 1,
            "missingness-difference-max": 0,
        },
    ),
    Measure(
        "validity",
        1,
        "fidelity",
        "counts rows that no real row allows or that break a constraint asked for",
        validity.measure,
        {"constraint-violations": 0, "unseen-combinations-excess": 0},
    ),
    Measure(
        "subgroups",
        1,
        "fidelity",
        "compares columns within each protected group",
        subgroups.measure,
        {"subgroup-tvd-excess-max": 0},
    ),
    Measure(
        "utility",
        1,
        "utility",
        "trains on the asset and on the real rows, and tests both on people held out",
        utility.measure,
        {"utility-gap": 0, "utility-gap-linear": 0, "importance-agreement": 1},
    ),
    Measure(
        "targets", 1, "utility", "does so for several columns in turn", targets.measure, {"utility-gap-targets-max": 0}
    ),
    Measure(
        "queries",
        1,
        "utility",
        "asks both tables random questions",
        queries.measure,
        {"query-count-error-mean": 0, "query-mean-error-mean": 0},
    ),
    Measure(
        "membership",
        1,
        "privacy",
        "asks whether a person was learned from, by distance and by density",
        membership.measure,
        {
            "membership-auc": 0.5,
            "membership-density-auc": 0.5,
            "membership-isolated-auc": 0.5,
            "membership-group-auc": 0.5,
            "membership-tpr-at-1pct-fpr": 0.01,
            "membership-tpr-at-0.1pct-fpr": 0.001,
        },
        "a person's whole row, the asset, and a sample of the population",
    ),
    Measure(
        "shadow",
        1,
        "privacy",
        "learns on tables of its own making how members look, then asks who was learned from",
        shadow.measure,
        {"membership-shadow-auc": 0.5},
        "a person's whole row, the asset, a sample of the population, and a generator that overfits",
    ),
    Measure(
        "singling-out",
        1,
        "privacy",
        "isolates a person by values that are unique in the asset",
        singling_out.measure,
        {"singling-out-risk": 0, "singling-out-univariate-risk": 0},
        "the asset alone",
    ),
    Measure(
        "linkability",
        1,
        "privacy",
        "asks whether two halves of columns are one person's",
        linkability.measure,
        {"linkability-risk": 0},
        "two tables with different columns of the same people, and the asset",
    ),
    Measure(
        "external-linkage",
        1,
        "privacy",
        "finds people of an uploaded table in the asset and learns the rest of them",
        external.measure,
        {"external-linkage-risk": 0},
        "a named table with some of the columns, and the asset",
    ),
    Measure(
        "attribute-inference",
        1,
        "privacy",
        "guesses a sensitive value from all the others",
        attributes.measure,
        {"attribute-inference-risk": 0},
        "all columns of a person but one, and the asset",
    ),
    Measure(
        "reidentification",
        1,
        "privacy",
        "finds people by their quasi-identifiers",
        reidentification.measure,
        {"reidentification-excess": 0, "reidentification-marketer-risk": 0},
        "a person's quasi-identifiers, and the asset",
    ),
    Measure(
        "copies",
        1,
        "privacy",
        "looks for rows of real people, whole or but for one value",
        copies.measure,
        {"exact-copy-excess": 0, "near-copy-excess": 0},
        "a person's whole row, and the asset",
    ),
    Measure(
        "fairness",
        1,
        "fairness",
        "compares presence, outcomes and a model's judgement between groups",
        fairness.measure,
        {
            "representation-gap-max": 0,
            "disparate-impact-ratio": 1,
            "demographic-parity-difference": 0,
            "equalised-odds-difference": 0,
            "group-calibration-gap-max": 0,
        },
    ),
    Measure(
        "reference-shares",
        1,
        "fairness",
        "compares groups with published shares of the population",
        shares.measure,
        {"reference-share-gap-max": 0},
    ),
)


SUITES: Mapping[str, Sequence[str]] = {
    STANDARD: (
        "marginals-1", "likeness-1", "validity-1", "subgroups-1", "utility-1", "targets-1", "queries-1", "membership-1",
        "shadow-1", "singling-out-1", "linkability-1", "external-linkage-1", "attribute-inference-1",
        "reidentification-1", "copies-1", "fairness-1", "reference-shares-1",
    ),
    "privacy-1": (
        "membership-1", "shadow-1", "singling-out-1", "linkability-1", "external-linkage-1", "attribute-inference-1",
        "reidentification-1", "copies-1",
    ),
    "quick-1": ("marginals-1", "likeness-1", "utility-1", "membership-1", "copies-1"),
}  # fmt: skip
"""What each published suite holds, to the letter: a measure added later belongs to a suite added later."""


@cache
def measures() -> Mapping[str, Measure]:
    """Every measure by its id.

    Raises:
        ValueError: two of them have one id.
    """
    return _by_id([*BUILT_IN, *(entry.load() for entry in entry_points(group=MEASURES_GROUP))])


def _by_id(found: Iterable[Measure]) -> dict[str, Measure]:
    known: dict[str, Measure] = {}
    for measure in found:
        if measure.id in known:
            message = f"two measures are called {measure.id}"
            raise ValueError(message)
        known[measure.id] = measure
    return known


@cache
def suites() -> Mapping[str, Sequence[str]]:
    """The measures of every suite. What a suite holds never changes: another set is another version."""
    added = entry_points(group=SUITES_GROUP)
    return {**{entry.name: list(entry.load()) for entry in added}, **SUITES}


def flawless(metric: str) -> float | None:
    """The value of a metric that a table without a flaw shows; None of one that no measure declares."""
    known = (measure.flawless for measure in measures().values())
    return next((declared[metric] for declared in known if metric in declared), None)


def chosen(suite: str) -> list[Measure]:
    """The measures of a suite, or the one measure of that id.

    Raises:
        Invalid: there is no such suite or measure.
    """
    known = measures()
    ids = suites().get(suite, [suite])
    missing = [name for name in ids if name not in known]
    if missing:
        raise Invalid(
            f"There is no suite or measure {', '.join(missing)}; GET /v1/suites and /v1/measures list them.",
            code="suite-unknown",
        )
    return [known[name] for name in ids]
