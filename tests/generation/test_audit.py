"""What an attacker can measure of ε stays under the claim, and a mechanism that is broken is caught.

One record with a value nobody else has is added to the table or not; whoever holds the fitted model looks at the
noisy count of that value and guesses which. Both error rates get Clopper–Pearson bounds, and Kairouz, Oh &
Viswanath 2015 (Thm. 2.1) turn them into a lower bound on ε at the declared δ.
"""

import os
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from mintmark_generation.generators import dpmm_engines
from mintmark_generation.generators.dpmm_engines import DpmmFixed, DpmmMst, FittedMst
from mintmark_generation.generators.protocol import Parameters
from mintmark_shared.contracts.generation import CategoricalDomain, Column, SourceDeclaration
from mintmark_shared.exact import arrow_schema

pytestmark = pytest.mark.timeout(7200)
FITS = 200
CAMPAIGN = "MINTMARK_AUDIT" in os.environ
EPSILON, DELTA = 1.0, 1e-6
RARE = 2
DECLARATION = SourceDeclaration(
    name="s",
    description="d",
    population_id=uuid4(),
    target="b",
    columns=[
        Column(name="a", domain=CategoricalDomain(kind="categorical", categories=["x", "y", "rare"])),
        Column(name="b", domain=CategoricalDomain(kind="categorical", categories=["x", "y"])),
    ],
)


def rows(*, with_record: bool) -> pa.Table:
    a, b = ["x", "y"] * 50, ["x", "x", "y", "y"] * 25
    record = [["rare"], ["x"]] if with_record else [[], []]
    return pa.table({"a": a + record[0], "b": b + record[1]}, schema=arrow_schema(DECLARATION.columns))


def count_of_rare(engine: DpmmMst, parameters: Parameters, *, with_record: bool) -> float:
    """The noisy count of the rare value that a fitted model holds, or of all it takes to be empty with it."""
    fitted: FittedMst = engine.fit(rows(with_record=with_record), DECLARATION, parameters, None, lambda _: None)
    noisy: Any = fitted._model.generator.first_counts
    return float(noisy[RARE])


def keep_first_counts(monkeypatch: pytest.MonkeyPatch, *, shrink_noise: float = 1.0) -> None:
    """Keep each model's first noisy counts as they were drawn, and optionally break its noise."""
    make = dpmm_engines._new_model

    def make_and_keep(*arguments: Any) -> Any:
        model = make(*arguments)
        mechanism = model.generator
        mechanism.sigma *= shrink_noise
        measure: Callable[..., Any] = mechanism.measure

        def measure_and_keep(*args: Any, **kwargs: Any) -> Any:
            measured = measure(*args, **kwargs)
            if "first_counts" not in mechanism.__dict__:
                mechanism.first_counts = np.array(measured[0][1])
            return measured

        mechanism.measure = measure_and_keep
        return model

    monkeypatch.setattr(dpmm_engines, "_new_model", make_and_keep)


def measured_epsilon(engine: DpmmMst) -> float:
    """A lower bound on ε, right in 95 of 100 audits; half of the fits choose the threshold, half are judged by it."""
    # The estimator comes after the noise, so one step of it shows an attacker as much as many.
    parameters = {"epsilon": "1", "delta": "0.000001", "iterations": 1}
    inside, outside = (
        np.array([count_of_rare(engine, parameters, with_record=present) for _ in range(FITS // 2)])
        for present in (True, False)
    )
    half = FITS // 4
    thresholds = np.quantile(np.concatenate([inside[:half], outside[:half]]), np.linspace(0.05, 0.95, 19))
    best = max(thresholds, key=lambda t: np.mean(inside[:half] > t) - np.mean(outside[:half] > t))
    missed, alarmed = int(np.sum(inside[half:] <= best)), int(np.sum(outside[half:] > best))
    return max(0.0, bound(missed, alarmed, half), bound(alarmed, missed, half))


def bound(missed: int, alarmed: int, trials: int) -> float:
    """ln((1 − δ − FNR) / FPR), each rate at the upper end of its 97.5 % Clopper–Pearson bound."""
    false_negative, false_positive = (beta.ppf(0.975, wrong + 1, trials - wrong) for wrong in (missed, alarmed))
    return float(np.log(max(1 - DELTA - false_negative, 1e-12) / false_positive))


AUDITED = [DpmmFixed(), *([DpmmMst()] if CAMPAIGN else [])]
"""Choosing marginals takes seconds a fit: the engine that does is audited by ``make audit``."""


@pytest.mark.parametrize("engine", AUDITED, ids=lambda engine: engine.name)
def test_what_can_be_measured_stays_under_the_claim(engine: DpmmMst, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_first_counts(monkeypatch)
    assert measured_epsilon(engine) <= EPSILON


def test_a_mechanism_with_too_little_noise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_first_counts(monkeypatch, shrink_noise=0.02)
    assert measured_epsilon(DpmmFixed()) > EPSILON
