"""Encodings made once from the real reference, shared by every measure."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import plain_table

Array = np.ndarray[Any, Any]
QUANTILES = 20
MOST_LEARNED = 200_000
"""As many rows as a learner is shown: what more of them would tell lies far below the width of any interval here."""
MOST_FEATURES = 2**28
"""Features of all rows of all three tables, 4 bytes each: a gibibyte."""
Made = TypeVar("Made")
Shares = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Tables:
    """What an assay looks at, identifiers dropped, exact values as whole numbers.

    ``external`` is a table an attacker holds, with some of the columns; ``shares`` are published shares of the
    population, by column and category.
    """

    declaration: SourceDeclaration
    train: pd.DataFrame
    holdout: pd.DataFrame
    asset: pd.DataFrame
    seed: int
    external: pd.DataFrame | None = None
    shares: Shares = field(default_factory=dict[str, Mapping[str, float]])
    _made: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    @classmethod
    def of(
        cls,
        declaration: SourceDeclaration,
        train: pa.Table,
        holdout: pa.Table,
        asset: pa.Table,
        seed: int,
        *,
        external: "External | None" = None,
        shares: Shares | None = None,
    ) -> "Tables":
        learned, held_out, made = (plain_table(table, declaration).to_pandas() for table in (train, holdout, asset))
        known = external.frame(declaration) if external is not None else None
        return cls(declaration.plain, learned, held_out, made, seed, known, shares or {})

    def random(self, purpose: str) -> np.random.Generator:
        """Its own repeatable stream per purpose, so that a new measure moves no other's figures."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
        return np.random.default_rng([self.seed, word])

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What several measures need, made by the first of them."""
        if name not in self._made:
            self._made[name] = make()
        found: Made = self._made[name]
        return found

    def columns(self, *roles: str) -> list[Column]:
        """The learned columns of those roles."""
        return [column for column in self.declaration.learned if column.role in roles]

    def at_most(self, rows: int, size: int, purpose: str) -> Array:
        """Numbers of ``size`` of that many rows at random, in order; of all of them where there are no more."""
        return np.sort(self.random(purpose).choice(rows, size, replace=False)) if rows > size else np.arange(rows)

    def halves(self) -> tuple[Array, Array]:
        """Row numbers of the holdout: (attacker's reference, outsiders)."""
        order = self.random("halves").permutation(len(self.holdout))
        middle = len(order) // 2
        return order[:middle], order[middle:]


@dataclass(frozen=True)
class External:
    """A table an attacker holds, as it was declared."""

    declaration: SourceDeclaration
    table: pa.Table

    def frame(self, declaration: SourceDeclaration) -> pd.DataFrame:
        """The learned columns that both declare alike; what is declared otherwise cannot be looked up by."""
        alike = {column.name: column.domain for column in declaration.learned}
        names = [column.name for column in self.declaration.learned if alike.get(column.name) == column.domain]
        frame: pd.DataFrame = plain_table(self.table, self.declaration).select(names).to_pandas()
        return frame


Coded = tuple[Array, Array, Array, list[int]]


def codes(tables: Tables) -> Coded:
    """(train, holdout, asset) as integer codes of shape (n, columns), and codes per column.

    Categories are the declared ones; numbers are cut at quantiles of the real rows; null is a code.
    """
    return tables.once("codes", lambda: _codes(tables))


def _codes(tables: Tables) -> Coded:
    parts: list[list[Array]] = [[], [], []]
    sizes: list[int] = []
    for column in tables.declaration.learned:
        series = [frame[column.name] for frame in (tables.train, tables.holdout, tables.asset)]
        if column.domain.kind == "categorical":
            index = pd.Index(column.domain.categories)
            size, coded = len(index), [np.asarray(index.get_indexer(pd.Index(part))) for part in series]
        else:
            real = pd.concat(series[:2]).dropna().to_numpy(dtype=np.float64)
            edges = np.unique(np.quantile(real, np.linspace(0, 1, QUANTILES + 1)[1:-1])) if len(real) else np.zeros(0)
            size = len(edges) + 1
            coded = [
                np.searchsorted(edges, part.to_numpy(dtype=np.float64, na_value=np.nan), side="right")
                for part in series
            ]
        for store, part, code in zip(parts, series, coded, strict=True):
            store.append(np.where(part.isna().to_numpy() | (code < 0), size, code))
        sizes.append(size + 1)
    stacked = [np.column_stack(part).astype(np.int32) for part in parts]
    return stacked[0], stacked[1], stacked[2], sizes


def row_hashes(tables: Tables) -> tuple[Array, Array, Array]:
    """(train, holdout, asset) codes as 64-bit hashes of each value, uint64 of shape (n, columns).

    Those of some columns added up stand for the values in them: two rows that differ have one sum once in 2⁶⁴ pairs.
    """
    return tables.once("row hashes", lambda: _row_hashes(tables))


def _row_hashes(tables: Tables) -> tuple[Array, Array, Array]:
    train, holdout, asset, sizes = codes(tables)
    keys = tables.random("row hashes").integers(1, 2**63, len(sizes), dtype=np.uint64) | np.uint64(1)
    return hashed(train, keys), hashed(holdout, keys), hashed(asset, keys)


def hashed(rows: Array, keys: Array) -> Array:
    """A 64-bit hash of each value under its column's key (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = (rows.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)) * keys
    mixed ^= mixed >> np.uint64(29)
    return np.asarray(mixed * np.uint64(0xBF58476D1CE4E5B9))


def features(tables: Tables) -> tuple[Array, Array, Array]:
    """(train, holdout, asset) as floats of shape (n, features): numbers scaled by their declared
    bounds, categories one-hot over √2 so that a mismatch weighs 1; a missing number is its middle and a flag.
    """
    return tables.once("features", lambda: _features(tables))


def _features(tables: Tables) -> tuple[Array, Array, Array]:
    train, holdout, asset = (_encoded(frame, tables) for frame in (tables.train, tables.holdout, tables.asset))
    return train, holdout, asset


def _encoded(frame: pd.DataFrame, tables: Tables) -> Array:
    columns, widths = tables.declaration.learned, _widths(tables)
    ends = np.cumsum(widths)
    encoded = np.zeros((len(frame), int(ends[-1])), dtype=np.float32)
    for column, width, end in zip(columns, widths, ends, strict=True):
        encoded[:, end - width : end] = _block(frame[column.name], column, width)
    return encoded


def _widths(tables: Tables) -> list[int]:
    return tables.once("widths", lambda: _shared_widths(tables))


def _shared_widths(tables: Tables) -> list[int]:
    """How many features each learned column takes: a place for each category and one for none, as far as memory goes.

    Where all tables' features together were more than ``MOST_FEATURES``, the columns of most categories share places
    among theirs, by their number in the declaration: some that differ look alike then.
    """
    columns = tables.declaration.learned
    wanted = [
        len(column.domain.categories) + 1 if isinstance(column.domain, CategoricalDomain) else 1 + column.nullable
        for column in columns
    ]
    most = MOST_FEATURES // max(1, len(tables.train) + len(tables.holdout) + len(tables.asset))
    if sum(wanted) <= most:
        return wanted
    share = next((cap for cap in range(max(wanted), 2, -1) if sum(min(cap, width) for width in wanted) <= most), 2)
    return [min(share, width) for width in wanted]


def places_of(tables: Tables, names: Collection[str]) -> Array:
    """The places of those columns' features."""
    wanted = [place for place, column in enumerate(tables.declaration.learned) if column.name in names]
    return np.flatnonzero(np.isin(feature_columns(tables), wanted))


def feature_columns(tables: Tables) -> Array:
    """Which learned column each of ``features`` is of, by its place; shape (features,)."""
    widths = _widths(tables)
    return np.repeat(np.arange(len(widths)), widths)


def bounds(column: Column) -> tuple[float, float]:
    """The declared ends of a numeric column.

    Raises:
        TypeError: its values are not numbers.
    """
    if not isinstance(column.domain, IntegerDomain | NumberDomain):
        raise TypeError(column.name)
    return float(column.domain.minimum), float(column.domain.maximum)


def _block(series: pd.Series, column: Column, width: int) -> Array:
    if isinstance(column.domain, CategoricalDomain):
        coded = np.asarray(pd.Index(column.domain.categories).get_indexer(pd.Index(series)))
        one_hot = np.zeros((len(coded), width), dtype=np.float32)
        one_hot[np.arange(len(coded)), np.where(coded < 0, width - 1, coded % (width - 1))] = 1 / np.float32(np.sqrt(2))
        return one_hot
    low, high = bounds(column)
    scaled = (series.to_numpy(dtype=np.float64, na_value=np.nan) - low) / ((high - low) or 1)
    missing = np.isnan(scaled)
    block = np.where(missing, 0.5, scaled).astype(np.float32)[:, None]
    return np.hstack([block, missing.astype(np.float32)[:, None]]) if column.nullable else block
