"""Named, versioned suites of measures, and how an assay runs one."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from mintmark_evaluation.domain import Measured
from mintmark_evaluation.measures import (
    attributes,
    copies,
    fairness,
    fidelity,
    likeness,
    linkability,
    membership,
    queries,
    reidentification,
    singling_out,
    utility,
)
from mintmark_evaluation.measures.reference import Tables, codes, features

Measure = Callable[[Tables], list[Measured]]
SUITES: Mapping[str, Sequence[Measure]] = {
    "standard-1": (
        fidelity.measure,
        likeness.measure,
        utility.measure,
        queries.measure,
        membership.measure,
        singling_out.measure,
        linkability.measure,
        attributes.measure,
        reidentification.measure,
        copies.measure,
        fairness.measure,
    )
}
"""What a suite holds never changes: another set of measures is another version."""
STANDARD = "standard-1"


def assay(tables: Tables, *, suite: str = STANDARD, workers: int = 2) -> list[Measured]:
    """Every figure, or why it cannot be had. The same tables and seed give the same figures, whatever the workers."""
    codes(tables)
    features(tables)
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(lambda measure: measure(tables), SUITES[suite]))
    return [one for part in found for one in part]
