"""Real rows among synthetic ones. They leave as they are: policy gates it, and such a table earns no guarantee."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pyarrow as pa

from moneyer_generation.generators.shaping import ShapeUnreachable
from moneyer_shared.contracts.shape import Blend

REAL, SYNTHETIC = "real", "synthetic"


TOO_FEW = "the source has too few such rows to learn from for the real part of the table"


def real_rows(rows: int, blend: Blend) -> int:
    """How many rows of the table are real: the share, to the nearest row, one at least."""
    return max(1, int((rows * Decimal(blend.share)).to_integral_value(ROUND_HALF_EVEN)))


class RealRows:
    """The rows of a table in random order, each given once: a model that makes nothing up.

    Once all are given, asking for more ends the run.
    """

    def __init__(self, table: pa.Table, seed: Sequence[int]) -> None:
        self._table = table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows)))
        self._given = 0

    def sample(self, rows: int, seed: int | None) -> pa.Table:  # noqa: ARG002 - the order was drawn once
        if self._given >= self._table.num_rows:
            raise ShapeUnreachable(TOO_FEW)
        piece = self._table.slice(self._given, rows)
        self._given += piece.num_rows
        return piece

    def dump(self) -> bytes:
        message = "real rows are never kept"
        raise TypeError(message)


def mixed(real: pa.Table, synthetic: pa.Table, blend: Blend, seed: int) -> pa.Table:
    """Both in one table in random order, with a column of where each row comes from if that was asked for."""
    origin = [REAL] * real.num_rows + [SYNTHETIC] * synthetic.num_rows
    table = pa.concat_tables([real, synthetic])
    if blend.provenance_column is not None:
        table = table.append_column(pa.field(blend.provenance_column, pa.string(), nullable=False), pa.array(origin))
    return table.take(pa.array(np.random.default_rng([seed, 2]).permutation(table.num_rows)))
