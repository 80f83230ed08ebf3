"""Bounds and categories of columns that nobody knows from outside the data, measured under budget.

For each column, privacy units are counted by the value they hold: by public cells of its type where it is ordered, by
label where it is a category. A unit counts once in a value however many rows it has there, and in at most m values of
a column, drawn by the operating system for each unit by itself (Wilson et al. 2020, "Differentially Private SQL with
Bounded User Contribution"). So one unit changes at most m counts by one each: the counts' L2-sensitivity is √m, however
many rows it owns. They are told with discrete Gaussian noise of σ² = m / (2ρ), which is ρ-zCDP (Canonne, Kamath &
Steinke 2020, "The Discrete Gaussian for Differential Privacy", for whole-numbered queries of squared sensitivity m), as
OpenDP draws it: exactly, from the operating system's randomness. The columns share ρ equally, and zCDP adds up (Bun &
Steinke 2016, Lemma 2.3).

**Bounds** (approximate bounds of Wilson et al. 2020). The cells are public, so all are counted, empty ones too, and
choosing those whose noisy count is high is post-processing: the bounds are the outer ends of the outermost of them, or
zero nearby.

**Categories** are not public: a label that nobody holds is never counted, and one whose only holder leaves is gone. A
label is told only from a noisy count of τ on, with m · P(1 + noise ≥ τ) ≤ δ. Let one unit more hold labels that nobody
else holds, m of them at most, each counted once. Unless one of these passes, which has probability δ at most, the
output is that of the labels both tables hold, whose counts are ρ-zCDP as above and whose noise is independent of
theirs: the mechanism is δ-approximate ρ-zCDP (Bun & Steinke 2016, Def. 8.1). Korolova et al. 2009, "Releasing Search
Queries and Clicks Privately", with Gaussian noise as in Swanberg, Desfontaines & Haney 2023, "DP-SIPS".
"""

import os
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from math import ceil, nextafter, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_generation.documents.measurements import Found, MeasuredColumn, Measurement
from moneyer_generation.generators.cells import cells_of, domain_between, in_words, outward
from moneyer_generation.generators.dpmm_engines import RHO_DIGITS, RHO_SHARE, rho_of
from moneyer_generation.generators.protocol import Capacity, Needs, Parameters, ParameterSpec, Report, unit_of
from moneyer_shared.contracts.domains import CategoricalDomain, UnmeasuredDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.policy import Guarantee, Mechanism
from moneyer_shared.exact import to_steps

Array = np.ndarray[Any, Any]
UNITS = ""
"""The column beside those to measure that numbers each row's privacy unit; no declared column has such a name."""
MOST_CATEGORIES = 10_000
FALSE_CELLS = 1e-6
"""How probable it is at most, for a column, that an empty cell is taken for an occupied one."""
GAPS = [
    "What too few units hold is not found: bounds leave far values out, and rare categories are missing.",
    "Which columns are measured, how many rows a unit may own, and the split into train and holdout are public.",
    "How long a run takes is not hidden.",
]


class DomainDiscovery:
    """The engine that makes no table but finds where a column's values lie."""

    name = "domain-discovery"
    version = "1"
    description = "Differentially private bounds and categories of columns whose domain nobody knows."
    cost = "seconds"
    capacity = Capacity()
    needs: Needs = "unmeasured"
    parameters: Mapping[str, ParameterSpec] = {
        "epsilon": ParameterSpec("decimal", "0.5", "0.01", "20", "The ε one privacy unit pays, for all columns."),
        "delta": ParameterSpec("decimal", "0.000001", "0.000000000001", "0.001", "The δ beside it."),
        "values_per_unit": ParameterSpec(
            "integer", 1, "1", "100", "Values of one column that a privacy unit is counted in at most."
        ),
    }

    def warm(self) -> None:
        _enable_noise()

    def guarantee(self, declaration: SourceDeclaration, parameters: Parameters) -> Guarantee:
        epsilon, delta = parameters["epsilon"], parameters["delta"]
        return Guarantee(
            level="proven",
            unit=unit_of(declaration),
            epsilon=str(epsilon),
            delta=str(delta),
            statement=(
                f"({epsilon}, {delta})-differential privacy of {unit_of(declaration)} under add-or-remove, of all that "
                "is told of the measured columns: bounds, categories and noisy counts; noise is fresh in every run. "
                "Reading it, and declaring a source by it, costs nothing more."
            ),
            gaps=GAPS,
        )

    def mechanism(self, declaration: SourceDeclaration, parameters: Parameters) -> Mechanism:
        failing = _threshold_delta(declaration, parameters)
        return Mechanism(
            kind="approximate-zcdp" if failing else "zcdp",
            rho=format(self._row_rho(declaration, parameters), "f"),
            delta=format(failing, "f") if failing else None,
            group_size=declaration.privacy_unit.maximum_rows,
        )

    def _row_rho(self, declaration: SourceDeclaration, parameters: Parameters) -> Decimal:
        """What stands as ρ of one row: the ledger charges k² times that for a unit of k, and so much is spent here."""
        converted = Decimal(str(parameters["delta"])) - _threshold_delta(declaration, parameters)
        rho = Decimal(rho_of(float(parameters["epsilon"]), float(converted))) * RHO_SHARE
        return (rho / declaration.privacy_unit.maximum_rows**2).quantize(RHO_DIGITS, rounding=ROUND_FLOOR)

    def noise(self, declaration: SourceDeclaration, parameters: Parameters) -> None:
        """No table is made, whose counts it could drown."""
        del declaration, parameters

    def measure(
        self, table: pa.Table, declaration: SourceDeclaration, parameters: Parameters, report: Report
    ) -> Measurement:
        """The measured domain of every unmeasured column of a table in steps, with each row's unit beside."""
        columns, rows = declaration.unmeasured, declaration.privacy_unit.maximum_rows
        most = min(int(parameters["values_per_unit"]), rows)
        rho = Fraction(self._row_rho(declaration, parameters)) * rows**2 / len(columns)
        categories = max(1, len(_categories(declaration)))
        counting = Counting(most, sigma_of(rho, most), float(_threshold_delta(declaration, parameters)) / categories)
        units, found = np.asarray(table[UNITS]), list[MeasuredColumn]()
        for number, column in enumerate(columns, 1):
            found.append(counting.measured(column, table[column.name], units))
            report(number / len(columns))
        return Measurement(columns=found)


def to_measure(table: pa.Table, declaration: SourceDeclaration) -> pa.Table:
    """The unmeasured columns of a table at rest, in steps, beside a number for the privacy unit of each row."""
    columns = [column.widest for column in declaration.unmeasured]
    arrays = [to_steps(table[column.name], column.domain) for column in columns]
    unit = declaration.privacy_unit.column
    numbers = range(table.num_rows) if unit is None else table[unit].combine_chunks().dictionary_encode().indices
    names = [*(column.name for column in columns), UNITS]
    return pa.Table.from_arrays([*arrays, pa.chunked_array([pa.array(numbers, pa.int64())])], names=names)


def _categories(declaration: SourceDeclaration) -> list[Column]:
    return [c for c in declaration.unmeasured if isinstance(c.domain, UnmeasuredDomain) and c.domain.of == "category"]


def _threshold_delta(declaration: SourceDeclaration, parameters: Parameters) -> Decimal:
    """The part of δ that finding labels may fail with, for a unit with all its rows: half, if any are looked for."""
    return Decimal(str(parameters["delta"])) / 2 if _categories(declaration) else Decimal(0)


class Counting:
    """How the units of a column are counted.

    Attributes:
        most: in how many values of the column one unit is counted.
        sigma: of the noise of each count.
        delta: the probability that a label is told which one unit alone holds, for a column.
    """

    def __init__(self, most: int, sigma: float, delta: float) -> None:
        self.most, self.sigma, self.delta = most, sigma, delta

    def measured(self, column: Column, array: pa.ChunkedArray, units: Array) -> MeasuredColumn:
        assert isinstance(column.domain, UnmeasuredDomain)
        held = np.asarray(array.is_valid())
        values = array.filter(pa.array(held))
        if column.domain.of == "category":
            return self._labels(column.name, values, units[held])
        return self._range(column.name, column.domain, np.asarray(values), units[held])

    def _range(self, name: str, domain: UnmeasuredDomain, values: Array, units: Array) -> MeasuredColumn:
        """Bounds at the outer ends of the outermost cells that many units hold."""
        cells = cells_of(domain)
        counts = np.bincount(clipped(units, cells.places(values), self.most), minlength=len(cells.lows))
        noisy, least = noised(counts, self.sigma), least_cell(self.sigma, len(cells.lows))
        held = [place for place, count in enumerate(noisy) if count >= least]
        found = [Found(what=in_words(domain, *cells.ends(place)), units=noisy[place]) for place in held]
        if not held:
            return MeasuredColumn(name=name, domain=None, found=[], least=least)
        low, high = outward(domain, cells.ends(held[0])[0], cells.ends(held[-1])[1])
        return MeasuredColumn(name=name, domain=domain_between(domain, low, high), found=found, least=least)

    def _labels(self, name: str, values: pa.ChunkedArray, units: Array) -> MeasuredColumn:
        """The labels that many units hold, by name; no more than a declaration may list, the most frequent first."""
        encoded = values.combine_chunks().dictionary_encode()
        counts = np.bincount(clipped(units, np.asarray(encoded.indices), self.most), minlength=len(encoded.dictionary))
        present = np.flatnonzero(counts)
        noisy, least = noised(counts[present], self.sigma), least_label(self.sigma, self.most, self.delta)
        passed = [(count, encoded.dictionary[int(at)].as_py()) for count, at in zip(noisy, present, strict=True)]
        told = sorted((one for one in passed if one[0] >= least), key=lambda one: (-one[0], one[1]))[:MOST_CATEGORIES]
        found = [Found(what=label, units=count) for count, label in sorted(told, key=lambda one: one[1])]
        labels = [one.what for one in found]
        known = CategoricalDomain(kind="categorical", categories=labels) if labels else None
        return MeasuredColumn(name=name, domain=known, found=found, least=least)


def clipped(units: Array, values: Array, most: int) -> Array:
    """The values that count, shape (m,): each unit's own once, and at most so many of them, drawn for it alone."""
    pairs = pd.DataFrame({"unit": units, "value": values}).drop_duplicates()
    pairs["drawn"] = np.frombuffer(os.urandom(8 * len(pairs)), dtype=np.uint64)
    place = pairs.sort_values(["unit", "drawn"]).groupby("unit").cumcount()
    return pairs["value"].to_numpy()[(place.reindex(pairs.index) < most).to_numpy()]


def sigma_of(rho: Fraction, most: int) -> float:
    """σ with most / (2σ²) ≤ ρ exactly, for the float that it is."""
    sigma = sqrt(most / (2 * float(rho)))
    while Fraction(sigma) ** 2 * 2 * rho < most:
        sigma = nextafter(sigma, float("inf"))
    return sigma


def least_cell(sigma: float, cells: int) -> int:
    """The noisy count from which on a cell is taken for occupied."""
    return 1 + _beyond(sigma, FALSE_CELLS / cells)


def least_label(sigma: float, most: int, delta: float) -> int:
    """τ: a label that one unit alone holds, counted once, is told with probability δ / m at most."""
    return 1 + _beyond(sigma, delta / most)


def _beyond(sigma: float, probability: float) -> int:
    """A whole t with P(noise ≥ t) at most this.

    P(noise ≥ t) ≤ P(N(0, σ²) ≥ t - 1): the weights from t on are less than their integral from t - 1 on, and all of
    them together at least σ√(2π), by Poisson's summation (Canonne, Kamath & Steinke 2020, on tails).
    """
    return 1 + ceil(-NormalDist(0, sigma).inv_cdf(probability) * (1 + 1e-9))


def noised(counts: Array, sigma: float) -> list[int]:
    """The counts with independent discrete Gaussian noise, drawn exactly by OpenDP from the system's randomness."""
    if not len(counts):
        return []
    dp = _enable_noise()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    told: Sequence[int] = dp.m.make_gaussian(*space, sigma)([int(count) for count in counts])
    return list(told)


def _enable_noise() -> Any:
    import opendp.prelude as dp
    from opendp.mod import enable_features

    enable_features("contrib")
    return dp
