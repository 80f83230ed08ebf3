"""How an assay runs a suite of measures."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from moneyer_evaluation.measures.catalogue import STANDARD, chosen
from moneyer_evaluation.measures.protocol import Measure
from moneyer_evaluation.measures.reference import Tables, codes, features
from moneyer_evaluation.rules import Estimate, Measured


def assay(tables: Tables, *, suite: str = STANDARD, workers: int = 2) -> list[Measured]:
    """Every figure, or why it cannot be had. The same tables and seed give the same figures, whatever the workers.

    Raises:
        Invalid: there is no such suite.
    """
    measures = chosen(suite)
    codes(tables)
    features(tables)
    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(lambda measure: _figures(measure, tables), measures))
    return [one for part in found for one in part]


def _figures(measure: Measure, tables: Tables) -> list[Measured]:
    return [replace(one, measure=measure.id) if isinstance(one, Estimate) else one for one in measure.measure(tables)]
