"""Encodings made once from the real reference, shared by every measure."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from mintmark_shared.contracts.generation import Column, IntegerDomain, NumberDomain, SourceDeclaration
from mintmark_shared.exact import plain_table

Array = np.ndarray[Any, Any]
QUANTILES = 20
Made = TypeVar("Made")


@dataclass(frozen=True)
class Tables:
    """What an assay looks at, identifiers dropped, exact values as whole numbers.

    ``attacker`` and ``outsiders`` halve the holdout:
    one half is the attacker's reference, the other the non-members to attack.
    """

    declaration: SourceDeclaration
    train: pd.DataFrame
    holdout: pd.DataFrame
    asset: pd.DataFrame
    seed: int
    _made: dict[str, Any] = field(default_factory=dict[str, Any], repr=False, compare=False)

    @classmethod
    def of(
        cls, declaration: SourceDeclaration, train: pa.Table, holdout: pa.Table, asset: pa.Table, seed: int
    ) -> "Tables":
        learned, held_out, made = (plain_table(table, declaration).to_pandas() for table in (train, holdout, asset))
        return cls(declaration.plain, learned, held_out, made, seed)

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

    def halves(self) -> tuple[Array, Array]:
        """Row numbers of the holdout: (attacker's reference, outsiders)."""
        order = self.random("halves").permutation(len(self.holdout))
        middle = len(order) // 2
        return order[:middle], order[middle:]


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
    stacked = [np.column_stack(part).astype(np.int64) for part in parts]
    return stacked[0], stacked[1], stacked[2], sizes


def features(tables: Tables, *, drop: str | None = None) -> tuple[Array, Array, Array]:
    """(train, holdout, asset) as floats of shape (n, features): numbers scaled by their declared
    bounds, categories one-hot over √2 so that a mismatch weighs 1; a missing number is its middle and a flag.
    """
    return tables.once(f"features without {drop}", lambda: _features(tables, drop))


def _features(tables: Tables, drop: str | None) -> tuple[Array, Array, Array]:
    blocks: list[list[Array]] = [[], [], []]
    for column in tables.declaration.learned:
        if column.name == drop:
            continue
        for store, frame in zip(blocks, (tables.train, tables.holdout, tables.asset), strict=True):
            store.append(_block(frame[column.name], column))
    stacked = [np.hstack(part) if part else np.zeros((0, 0)) for part in blocks]
    return stacked[0], stacked[1], stacked[2]


def bounds(column: Column) -> tuple[float, float]:
    """The declared ends of a numeric column.

    Raises:
        TypeError: its values are not numbers.
    """
    if not isinstance(column.domain, IntegerDomain | NumberDomain):
        raise TypeError(column.name)
    return float(column.domain.minimum), float(column.domain.maximum)


def _block(series: pd.Series, column: Any) -> Array:
    if column.domain.kind == "categorical":
        index = pd.Index(column.domain.categories)
        coded = np.asarray(index.get_indexer(pd.Index(series)))
        one_hot: Array = np.eye(len(index) + 1, dtype=np.float32)[coded] / np.float32(np.sqrt(2))
        return one_hot
    low, high = bounds(column)
    scaled = (series.to_numpy(dtype=np.float64, na_value=np.nan) - low) / ((high - low) or 1)
    missing = np.isnan(scaled)
    block = np.where(missing, 0.5, scaled).astype(np.float32)[:, None]
    return np.hstack([block, missing.astype(np.float32)[:, None]]) if column.nullable else block
