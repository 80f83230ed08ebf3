"""A table as integer codes of its declared public domain, and back.

Exact values come here as whole numbers already (moneyer_shared.exact). Nothing here looks at the data to learn a
bound or a category, so one record can never change the shape of what an engine sees or what it may produce.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_schema, arrow_type

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ColumnCodec:
    """One column's codes: 0 … values-1 for values, then one more for null where null is allowed."""

    column: Column
    values: int

    @property
    def size(self) -> int:
        return self.values + (1 if self.column.nullable else 0)

    def encode(self, array: pa.ChunkedArray) -> Array:
        """Codes of shape (n,), int64."""
        codes = self._codes(array)
        missing = np.asarray(array.is_null())
        return np.where(missing, self.values, codes).astype(np.int64)

    def _codes(self, array: pa.ChunkedArray) -> Array:
        match self.column.domain:
            case CategoricalDomain(categories=categories):
                index = pd.Index(categories).get_indexer(pd.Index(array.to_pandas()))
                return np.asarray(index)
            case IntegerDomain(minimum=low, maximum=high):
                whole = np.asarray(array.fill_null(low), dtype=np.int64)
                return (whole - low) * self.values // (high - low + 1)
            case NumberDomain(minimum=low, maximum=high):
                numbers = np.asarray(array.fill_null(low), dtype=np.float64)
                scaled = ((numbers - low) / (high - low) * self.values).astype(np.int64)
                return np.clip(scaled, 0, self.values - 1)
            case _:
                message = "identifiers are never encoded"
                raise ValueError(message)

    def decode(self, codes: Array, random: np.random.Generator) -> pa.Array:
        """Values of shape (n,): a value within a bin is drawn uniformly, for nothing finer was learned."""
        missing = codes >= self.values
        within = np.minimum(codes, self.values - 1)
        match self.column.domain:
            case CategoricalDomain(categories=categories):
                drawn: Array = np.asarray(categories, dtype=object)[within]
            case IntegerDomain(minimum=low, maximum=high):
                # The least whole number of each bin: the ceiling of its edge, in exact integers.
                edges = low - (np.arange(self.values + 1, dtype=np.int64) * -(high - low + 1) // self.values)
                drawn = random.integers(edges[within], edges[within + 1])
            case NumberDomain(minimum=low, maximum=high):
                drawn = low + (within + random.random(len(within))) * ((high - low) / self.values)
            case _:
                message = "identifiers are never decoded"
                raise ValueError(message)
        return pa.array(drawn, type=arrow_type(self.column.domain), mask=missing)


def codec_of(column: Column) -> ColumnCodec:
    match column.domain:
        case CategoricalDomain(categories=categories):
            return ColumnCodec(column, len(categories))
        case IntegerDomain(minimum=low, maximum=high, bins=bins):
            return ColumnCodec(column, min(bins, high - low + 1))
        case NumberDomain(bins=bins):
            return ColumnCodec(column, bins)
        case _:
            message = "identifiers are never encoded"
            raise ValueError(message)


@dataclass(frozen=True)
class TableCodec:
    """All learned columns of a declaration."""

    columns: tuple[ColumnCodec, ...]

    @classmethod
    def of(cls, declaration: SourceDeclaration) -> "TableCodec":
        return cls(tuple(codec_of(column) for column in declaration.learned))

    @property
    def domain(self) -> dict[str, int]:
        """Codes per column, by position: names stay out of the engines."""
        return {f"c{i}": codec.size for i, codec in enumerate(self.columns)}

    def encode(self, table: pa.Table) -> pd.DataFrame:
        return pd.DataFrame({f"c{i}": codec.encode(table[codec.column.name]) for i, codec in enumerate(self.columns)})

    def decode(self, codes: pd.DataFrame, random: np.random.Generator) -> pa.Table:
        arrays = [
            codec.decode(codes[f"c{i}"].to_numpy().astype(np.int64), random) for i, codec in enumerate(self.columns)
        ]
        return pa.Table.from_arrays(arrays, schema=arrow_schema([codec.column for codec in self.columns]))
