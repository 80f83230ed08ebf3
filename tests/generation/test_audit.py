"""What an attacker can measure of ε stays under the claim, and a mechanism that is broken is caught.

The strongest attacker holds the fitted model and looks at the noisy count of the record's own value; one who sees only
what is made counts it there. The second is what the service offers for every engine.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from moneyer_evaluation.measures.guarantee import lower_bound
from moneyer_generation.generators import domain_discovery, dpmm_engines
from moneyer_generation.generators.auditing import TABLE, people, scores
from moneyer_generation.generators.domain_discovery import DomainDiscovery
from moneyer_generation.generators.dpmm_engines import DpmmFixed, DpmmMst, FittedMst
from moneyer_generation.generators.protocol import Parameters

pytestmark = pytest.mark.timeout(7200)
CAMPAIGN = "MONEYER_AUDIT" in os.environ
FITS = 200 if CAMPAIGN else 100
EPSILON, DELTA = 1.0, 1e-6
FIRST = 0


def count_of_held(engine: DpmmMst, parameters: Parameters, *, with_record: bool) -> float:
    """The noisy count that a fitted model holds of the category that the record has."""
    fitted: FittedMst = engine.fit(people(with_record=with_record), TABLE, parameters, None, lambda _: None)
    noisy: Any = fitted._model.generator.first_counts
    return float(noisy[FIRST])


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
    """A lower bound on ε, right in 95 of 100 audits."""
    # The estimator comes after the noise, so one step of it shows an attacker as much as many.
    parameters = {"epsilon": "1", "delta": "0.000001", "iterations": 1}
    inside, outside = (
        [count_of_held(engine, parameters, with_record=present) for _ in range(FITS // 2)] for present in (True, False)
    )
    return lower_bound(inside, outside, DELTA).lower


AUDITED = [DpmmFixed(), *([DpmmMst()] if CAMPAIGN else [])]
"""Choosing marginals takes seconds a fit: the engine that does is audited by ``make audit``."""


@pytest.mark.parametrize("engine", AUDITED, ids=lambda engine: engine.name)
def test_what_can_be_measured_stays_under_the_claim(engine: DpmmMst, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_first_counts(monkeypatch)
    assert measured_epsilon(engine) <= EPSILON


def test_a_mechanism_with_too_little_noise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_first_counts(monkeypatch, shrink_noise=0.02)
    assert measured_epsilon(DpmmFixed()) > EPSILON


def test_who_sees_only_what_is_made_finds_a_record_without_noise_and_none_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The audit that the service runs: forty fits each, with the noise as it should be and all but gone."""
    parameters = {"epsilon": "0.5", "delta": "0.000001", "iterations": 20}
    bounds = []
    for shrink in (1.0, 0.001):
        keep_first_counts(monkeypatch, shrink_noise=shrink)
        told: dict[bool, list[float]] = {True: [], False: []}
        for present, score in scores(DpmmFixed(), parameters, 40):
            told[present].append(score)
        bounds.append(lower_bound(told[True], told[False], DELTA).lower)
        monkeypatch.undo()
    assert bounds[0] <= 0.5 < bounds[1]


# --- what measures domains -------------------------------------------------------------------


def measured_epsilon_of_domains(fits: int = FITS) -> float:
    """The audit that the service runs: a far value and a label of one person alone, beside those of a crowd."""
    parameters = {"epsilon": "1", "delta": "0.000001", "values_per_unit": 1}
    told: dict[bool, list[float]] = {True: [], False: []}
    for present, score in scores(DomainDiscovery(), parameters, fits):
        told[present].append(score)
    return lower_bound(told[True], told[False], DELTA).lower


def test_what_can_be_measured_of_a_measured_domain_stays_under_the_claim() -> None:
    assert measured_epsilon_of_domains() <= EPSILON


def exact(counts: Any, sigma: float) -> list[int]:
    return [int(count) for count in counts]


def every_label(sigma: float, most: int, delta: float) -> int:
    """No noisy count is lower."""
    return -(10**9)


def rows_not_units(units: Any, values: Any, most: int) -> Any:
    """Every row counts, however many one person owns."""
    return values


@pytest.mark.parametrize(
    ("part", "broken"), [("noised", exact), ("least_label", every_label), ("clipped", rows_not_units)]
)
def test_a_measurement_without_noise_threshold_or_clipping_is_condemned(
    part: str, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain_discovery, part, broken)
    assert measured_epsilon_of_domains() > EPSILON
