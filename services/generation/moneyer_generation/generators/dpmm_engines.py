"""Trees of noisy marginals: end-to-end differentially private over the declared domain.

McKenna, Miklau & Sheldon 2021, "Winning the NIST Contest" (arXiv 2108.04978), as implemented by dpmm,
whose Gaussian noise is OpenDP's. We set ρ ourselves, draw the selection from the operating system's
randomness, and let the mechanism see integer codes of the declared domain only. One engine chooses its tree
from the data and pays for that; the other measures a tree that is public and pays for counts alone.
"""

import pickle
import random as system_random
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa

from moneyer_generation.generators.encoding import TableCodec
from moneyer_generation.generators.protocol import (
    OUTSIDE,
    Capacity,
    Needs,
    Parameters,
    ParameterSpec,
    Report,
    unit_of,
)
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism

RHO_DIGITS = Decimal("1e-15")
# The ledger converts on a grid of orders and loses under 0.2 % to it; asking for 1 % less ρ keeps the
# ε that a plan names and the ε that a budget is charged the same, or the charge smaller.
RHO_SHARE = Decimal("0.99")
MOST_COUNTS = 2**24
"""Counts of one pair of columns that are held at once, 8 bytes each and several times over."""
HOOKS = ("exponential_mechanism", "select", "measure")


Pairs = list[tuple[str, str]]


class DpmmMst:
    """The engine that chooses its marginals."""

    name = "dpmm-mst"
    version = "0.1.9"
    description = "Differentially private spanning tree of marginals (MST) over the declared public domain."
    cost = "a minute"
    # Choosing among pairs grows with their number: 60 columns take two minutes, 300 more than ten.
    capacity = Capacity(most_columns=64, most_pair=MOST_COUNTS, equal_parts=True)
    needs: Needs = "rows"
    parameters: Mapping[str, ParameterSpec] = {
        "epsilon": ParameterSpec("decimal", "1", "0.01", "20", "The ε one privacy unit pays."),
        "delta": ParameterSpec("decimal", "0.000001", "0.000000000001", "0.001", "The δ beside it."),
        "iterations": ParameterSpec("integer", 2500, "100", "10000", "Steps of the estimator (no cost)."),
    }

    def warm(self) -> None:
        import_module("dpmm.models.mst")

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:
        epsilon, delta = parameters["epsilon"], parameters["delta"]
        return Guarantee(
            level="proven",
            unit=unit_of(declaration),
            epsilon=str(epsilon),
            delta=str(delta),
            statement=(
                f"({epsilon}, {delta})-differential privacy of {unit_of(declaration)} under add-or-remove, "
                f"from the declared domain to the table that is made; noise is fresh in every run. {OUTSIDE}"
            ),
            gaps=[
                "An assay's figures, and a release decided by them, come from real rows, outside the guarantee.",
                "The split into train and holdout and the number of rows asked for are taken as public.",
                "How long a run takes is not hidden.",
            ],
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        return Mechanism(
            kind="zcdp",
            rho=format(self._row_rho(declaration, parameters), "f"),
            group_size=declaration.privacy_unit.maximum_rows,
        )

    def noise(self, declaration: SourceDeclaration, parameters: Parameters) -> float:
        """σ of one count; a unit with all its rows is hidden by it."""
        return sigma_of(float(self._row_rho(declaration, parameters)), self._pairs(declaration))

    def _pairs(self, declaration: SourceDeclaration) -> Pairs | None:  # noqa: ARG002 - others look at it
        """The pairs of columns to measure, where they are public; None where the mechanism chooses them."""
        return None

    def _row_rho(self, declaration: SourceDeclaration, parameters: Parameters) -> Decimal:
        """ρ per row, so that a unit with all its rows pays the ε asked for (a group of k costs k² ρ)."""
        rho = rho_of(float(parameters["epsilon"]), float(parameters["delta"]))
        per_row = Decimal(rho) * RHO_SHARE / declaration.privacy_unit.maximum_rows**2
        return per_row.quantize(RHO_DIGITS, rounding=ROUND_FLOOR)

    def fit(
        self,
        table: pa.Table,
        declaration: SourceDeclaration,
        parameters: Parameters,
        seed: int | None,  # noqa: ARG002 - noise is never seeded
        report: Report,
    ) -> "FittedMst":
        codec = TableCodec.of(declaration)
        rho = float(self._row_rho(declaration, parameters))
        model = _new_model(rho, int(parameters["iterations"]), self._pairs(declaration), report)
        model.set_random_state(np.random.RandomState())
        model.set_domain(codec.domain)
        model.fit(codec.encode(table))
        for hook in HOOKS:
            # Closures do not pickle, and a fitted model needs them no more.
            del model.generator.__dict__[hook]
        return FittedMst(model, codec)

    def load(self, model: bytes, declaration: SourceDeclaration) -> "FittedMst":
        # Only bytes that opened under their own seal come here; see moneyer_shared.custody.
        return FittedMst(pickle.loads(model), TableCodec.of(declaration))  # noqa: S301


class DpmmFixed(DpmmMst):
    """The engine whose marginals are public: every column, and every column beside the target."""

    name = "dpmm-fixed"
    capacity = Capacity(most_pair=MOST_COUNTS, pairs="target", equal_parts=True)
    description = (
        "Differentially private counts of every column and of every column beside the target (Gaussian mechanism); "
        "spends nothing on choosing, and knows of nothing else."
    )

    def _pairs(self, declaration: SourceDeclaration) -> Pairs:
        names = [column.name for column in declaration.learned]
        if declaration.target is None:
            return []
        target = names.index(declaration.target)
        return [(f"c{min(i, target)}", f"c{max(i, target)}") for i in range(len(names)) if i != target]


class FittedMst:
    """A tree of noisy marginals."""

    def __init__(self, model: Any, codec: TableCodec) -> None:
        self._model = model
        self._codec = codec

    def sample(self, rows: int, seed: int | None) -> pa.Table:
        """Rows drawn from the tree; post-processing, at no cost."""
        self._model.set_random_state(np.random.RandomState(seed))
        codes = self._model.generate(n_records=rows)
        return self._codec.decode(codes, np.random.default_rng(seed))

    def dump(self) -> bytes:
        """The noisy model. dpmm keeps no row in it: only noisy measurements and what was made of them."""
        return pickle.dumps(self._model)


def sigma_of(rho: float, pairs: Pairs | None) -> float:
    """σ of the counts, for unit-norm weights: a measurement costs 1 / (2 σ²) (MST, Alg. 1).

    Two measurements and one choice share ρ in thirds; with public pairs nothing is spent on choosing; without
    pairs there is one measurement.
    """
    if pairs is None:
        return float(np.sqrt(3 / (2 * rho)))
    return float(np.sqrt(1 / rho)) if pairs else float(np.sqrt(1 / (2 * rho)))


@cache
def _mst() -> Any:
    """The model of dpmm, which works out the ρ of its ε twice whenever it is made, for a third of a second, and is then
    given ours: the same ε has the same ρ, so it is worked out once.
    """
    from dpmm.models import mst
    from dpmm.models.base.mechanisms import mechanism

    mst.cdp_rho = mechanism.cdp_rho = cache(mst.cdp_rho)
    return mst.MSTGM


def _new_model(rho: float, iterations: int, pairs: Pairs | None, report: Report) -> Any:
    model = _mst()(epsilon=1.0, delta=1e-6, n_iters=iterations, compress=True, n_jobs=1)
    mechanism: Any = model.generator
    mechanism.rho = rho
    mechanism.sigma = sigma_of(rho, pairs)
    select, measure = mechanism.select, mechanism.measure

    def choose(q: Any, eps: float, sensitivity: float, monotonic: bool = False) -> int:
        """The exponential mechanism over operating-system randomness."""
        scaled = np.asarray(q) * (1.0 if monotonic else 0.5) * eps / sensitivity
        weights = np.exp(scaled - scaled.max())
        return system_random.SystemRandom().choices(range(len(weights)), weights)[0]

    def select_and_report(*args: Any, **kwargs: Any) -> Any:
        report(0.2)
        chosen = select(*args, **kwargs) if pairs is None else pairs
        report(0.5)
        return chosen

    def measure_and_report(*args: Any, **kwargs: Any) -> Any:
        measured = measure(*args, **kwargs)
        report(0.6 if kwargs.get("flatten") else 0.1)
        return measured

    mechanism.exponential_mechanism = choose
    mechanism.select = select_and_report
    mechanism.measure = measure_and_report
    return model


def rho_of(epsilon: float, delta: float) -> float:
    """The largest ρ for which ρ-zCDP gives (ε, δ)-DP: Canonne, Kamath & Steinke 2020, Prop. 12, by bisection."""
    orders = 1 + np.logspace(-3, 6, 5000)
    overhead = np.log1p(-1 / orders) - (np.log(delta) + np.log(orders)) / (orders - 1)
    low, high = 0.0, epsilon + 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.min(middle * orders + overhead) <= epsilon else (low, middle)
    return low
