"""Adversarial random forests, told which columns are categories.

Watson et al. 2023, "Adversarial random forests for density estimation and generative modeling". synthcity takes a
column of more than ten values for a number, so a category's place in the alphabet would be averaged. And it writes
numbers of fewer than fifteen values as labels, which have to come back as one of them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pyarrow as pa

from moneyer_generation.generators.protocol import Parameters, Report
from moneyer_generation.generators.synthcity_plugin import FittedPlugin, SynthcityEngine
from moneyer_shared.contracts.generation import SourceDeclaration

MOST_LABELS = 14
"""Values of a column that synthcity's loader labels (``GenericDataLoader.encode``)."""


class ArfEngine(SynthcityEngine):
    """synthcity's plugin, its guess at which columns are categories replaced by the declaration."""

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,
        report: Report,
    ) -> FittedPlugin:
        with _declared_categories(declaration):
            return super().fit(table, declaration, parameters, seed, report)


@contextmanager
def _declared_categories(declaration: SourceDeclaration) -> Generator[None]:
    forest = import_module("synthcity.plugins.core.models.tabular_arf").TabularARF
    guess = forest.get_categorical_cols
    declared = {f"c{i}" for i, column in enumerate(declaration.learned) if column.domain.kind == "categorical"}

    def told(self: Any, X: Any, var_threshold: int) -> list[str]:  # noqa: N803 - synthcity's own name
        guessed = set(guess(self, X, max(var_threshold, MOST_LABELS)))
        return [name for name in X.columns if name in declared or name in guessed]

    forest.get_categorical_cols = told
    try:
        yield
    finally:
        forest.get_categorical_cols = guess
