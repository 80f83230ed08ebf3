"""The adaptive and iterative mechanism as synthcity carries it, run once at the fit.

McKenna, Mullins, Sheldon & Miklau 2022, "AIM" (arXiv 2201.12677). synthcity's plugin runs the mechanism on the
private table at every call of ``generate``, with the same noise each time, and keeps the table in the model. Here
it runs once, with fresh noise, over the declared domain; what it made is kept, and every sample is drawn from that.
"""

import pickle
from collections.abc import Mapping
from importlib import import_module
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_generation.generators.encoding import TableCodec
from moneyer_generation.generators.entropy import reseed
from moneyer_generation.generators.protocol import (
    OUTSIDE,
    Capacity,
    Needs,
    Parameters,
    ParameterSpec,
    Report,
    claimed_amounts,
    unit_of,
)
from moneyer_generation.generators.synthcity_claimed import claimed_mechanism
from moneyer_generation.generators.synthcity_plugin import quiet
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism


class AimEngine:
    """synthcity's AIM; claimed, for its noise and its estimator are not those of a proof."""

    name = "aim"
    version = "0.2.12"
    description = "Adaptive choice of noisy marginals (AIM)."
    cost = "many minutes"
    capacity = Capacity(equal_parts=True)
    needs: Needs = "rows"
    parameters: Mapping[str, ParameterSpec] = {
        "epsilon": ParameterSpec("decimal", "1", "0.01", "20", "The ε the plugin claims to spend."),
        "delta": ParameterSpec("decimal", "0.000000001", "0.000000000001", "0.001", "The δ beside it."),
        "max_cells": ParameterSpec("integer", 1000, "10", "100000", "Cells of the largest marginal considered."),
        "max_model_size": ParameterSpec("integer", 80, "1", "1000", "Size of the model in MB."),
    }

    def warm(self) -> None:
        import_module("synthcity.plugins.core.models.aim")

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:
        epsilon, delta = claimed_amounts(declaration, parameters)
        return Guarantee(
            level="claimed",
            unit=unit_of(declaration),
            epsilon=epsilon,
            delta=delta,
            statement=(
                f"The library claims ({parameters['epsilon']}, {parameters['delta']})-differential privacy of one row; "
                f"that covers the choice and the noisy counts of marginals over the declared domain. {OUTSIDE}"
            ),
            gaps=[
                "Noise comes from a general-purpose generator in floating point (all of its state is fresh in a run).",
                "The estimator's step size never grows, so tables stay near uniform.",
                "The number of rows the mechanism makes is taken from the private counts it measured.",
            ],
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        return claimed_mechanism(declaration, parameters)

    def noise(self, declaration: SourceDeclaration, parameters: Parameters) -> None:
        """It shares its ε among rounds as it goes."""

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,  # noqa: ARG002 - noise is never seeded
        report: Report,
    ) -> "FittedAim":
        report(0.05)
        codec = TableCodec.of(declaration)
        models = import_module("synthcity.plugins.core.models.aim")
        mbi = import_module("synthcity.plugins.core.models.mbi.dataset")
        domains = import_module("synthcity.plugins.core.models.mbi.domain")
        quiet()
        domain = domains.Domain(tuple(codec.domain), tuple(codec.domain.values()))
        pairs = [pair for pair in combinations(domain.attrs, 2) if domain.size(pair) <= int(parameters["max_cells"])]
        workload: list[Any] = [(pair, 1.0) for pair in pairs] or [((name,), 1.0) for name in domain.attrs]
        mechanism = models.AIM(
            float(parameters["epsilon"]), float(parameters["delta"]), max_model_size=int(parameters["max_model_size"])
        )
        # It draws from numpy's one generator, which whatever ran before may have seeded.
        reseed()
        report(0.1)
        made = mechanism.run(mbi.Dataset(codec.encode(table), domain), workload)
        return FittedAim(made.df.astype("int64"), codec)

    def load(self, model: bytes, declaration: SourceDeclaration) -> "FittedAim":
        # Only bytes that opened under their own seal come here; see moneyer_shared.custody.
        return FittedAim(pickle.loads(model), TableCodec.of(declaration))  # noqa: S301


class FittedAim:
    """The codes that the one run of the mechanism made; no row of the source is among them."""

    def __init__(self, made: pd.DataFrame, codec: TableCodec) -> None:
        self._made = made
        self._codec = codec

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        """Rows drawn with replacement; post-processing, at no cost."""
        random = np.random.default_rng(seed)
        drawn: Any = self._made.iloc[random.integers(0, len(self._made), rows)]
        return self._codec.decode(drawn.reset_index(drop=True), random)

    def dump(self) -> bytes:
        return pickle.dumps(self._made)
