"""All measures of an assay, in order."""

from collections.abc import Callable, Sequence

from mintmark_evaluation.domain import Measured
from mintmark_evaluation.measures import fidelity, membership, singling_out, utility
from mintmark_evaluation.measures.reference import Tables

Measure = Callable[[Tables], list[Measured]]
SUITE: Sequence[Measure] = (fidelity.measure, utility.measure, membership.measure, singling_out.measure)


def assay(tables: Tables) -> list[Measured]:
    """Every figure, or why it cannot be had. The same tables and seed give the same figures."""
    return [found for measure in SUITE for found in measure(tables)]
