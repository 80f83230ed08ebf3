"""Shaped synthesis: choosing among the rows a fitted model makes until the table is as asked.

Nothing here looks at the source. Rows are drawn after the noise, so what was proven stays proven, and a
condition that the model hardly ever meets ends the run with a reason instead of running for ever: after a hundred
thousand rows of which none meets it, or two hundred for each row asked for.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_generation.generators.protocol import Fitted
from moneyer_generation.rules.quotas import quotas
from moneyer_shared.contracts.shape import Condition, Constraint, Shape

Mask = np.ndarray[Any, Any]
# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
SMALLEST_DRAW, LARGEST_DRAW = 2_000, 200_000
MOST_DRAWS_PER_ROW = 200
LEAST_DRAWN = 100_000
RELATIONS = {"<": "less", "<=": "less_equal", "=": "equal", "!=": "not_equal", ">=": "greater_equal", ">": "greater"}
REST = "rest"


class ShapeUnreachable(Exception):
    """The model hardly ever makes the rows that were asked for; the message names a stratum of the plan."""


@dataclass
class Part:
    """One stratum being filled."""

    name: str
    asked: int
    rows: list[pa.Table]
    seen: int = 0

    @property
    def missing(self) -> int:
        return self.asked - sum(int(piece.num_rows) for piece in self.rows)

    def take(self, rows: pa.Table) -> None:
        self.seen += rows.num_rows
        if self.missing:
            self.rows.append(rows.slice(0, self.missing))


def shaped(fitted: Fitted, rows: int, seed: int | None, shape: Shape) -> tuple[pa.Table, list[dict[str, Any]]]:
    """A table of exactly ``rows`` rows in the asked shape, and what was asked and achieved per stratum.

    Raises:
        ShapeUnreachable: the model makes too few such rows, or the shares asked for are more than the whole.
    """
    draws = Draws(fitted, shape, secrets.randbelow(2**32) if seed is None else seed)
    first, size = draws.next(min(max(rows, SMALLEST_DRAW), LARGEST_DRAW))
    parts = _parts(rows, shape, [part.num_rows for part in first])
    limit = max(MOST_DRAWS_PER_ROW * rows, LEAST_DRAWN)
    drawn, pieces = size, first
    while True:
        for part, piece in zip(parts, pieces, strict=True):
            part.take(piece)
        waiting = [part for part in parts if part.missing]
        if not waiting:
            break
        never = [part for part in waiting if not part.seen] if drawn >= LEAST_DRAWN else []
        if never or drawn >= limit:
            part = (never or waiting)[0]
            raise ShapeUnreachable(
                f"{part.seen} of {drawn} rows drawn fit {part.name}; {part.asked} are needed. The model hardly makes "
                "such rows: ask for wider conditions or another engine"
            )
        pieces, size = draws.next(min(max(2 * rows, SMALLEST_DRAW), LARGEST_DRAW))
        drawn += size
    table = pa.concat_tables([piece for part in parts for piece in part.rows] or [first[0].slice(0, 0)])
    order = np.random.default_rng([draws.seed, 0]).permutation(table.num_rows)
    return table.take(pa.array(order)), _report(parts, drawn)


class Draws:
    """Rows from a model, those that hold the shape's conditions, by stratum; the rest come last."""

    def __init__(self, fitted: Fitted, shape: Shape, seed: int) -> None:
        self.seed = seed
        self._fitted = fitted
        self._shape = shape
        self._number = 0

    def next(self, size: int) -> tuple[list[pa.Table], int]:
        self._number += 1
        seed = int(np.random.SeedSequence([self.seed, self._number]).generate_state(1)[0])
        table = self._fitted.sample(size, seed)
        free = holds(table, self._shape.where) & keeps(table, self._shape.constraints)
        found = []
        for stratum in self._shape.strata:
            mine = free & holds(table, stratum.where)
            found.append(table.filter(pa.array(mine)))
            free &= ~mine
        return [*found, table.filter(pa.array(free))], size


def _parts(rows: int, shape: Shape, counts: Sequence[int]) -> list[Part]:
    whole = sum(counts) or 1
    shares = [
        Decimal(stratum.share) if stratum.share is not None else Decimal(stratum.times or 0) * count / whole
        for stratum, count in zip(shape.strata, counts[:-1], strict=True)
    ]
    if sum(shares) > 1:
        raise ShapeUnreachable("the strata together are more than the whole table")
    names = [*(stratum.name for stratum in shape.strata), REST]
    return [Part(name, asked, []) for name, asked in zip(names, quotas(rows, shares), strict=True)]


def _report(parts: Sequence[Part], drawn: int) -> list[dict[str, Any]]:
    """Per stratum: rows asked and made, and the share the model itself gives it."""
    return [
        {
            "name": part.name,
            "asked": part.asked,
            "made": part.asked - part.missing,
            "share_of_model": round(part.seen / drawn, 6),
        }
        for part in parts
    ]


def holds(table: pa.Table, conditions: Sequence[Condition]) -> Mask:
    """Which rows hold all conditions; a missing value holds none but ``missing``."""
    mask = np.ones(table.num_rows, dtype=bool)
    for condition in conditions:
        mask &= _holds(table[condition.column], condition)
    return mask


def _holds(values: pa.ChunkedArray, condition: Condition) -> Mask:
    missing = np.asarray(values.is_null())
    if condition.missing is not None:
        return missing if condition.missing else ~missing
    if condition.one_of is not None:
        return np.asarray(pc.is_in(values, value_set=pa.array(condition.one_of, type=values.type))) & ~missing
    numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    mask = ~missing
    if condition.minimum is not None:
        mask &= numbers >= float(condition.minimum)
    if condition.maximum is not None:
        mask &= numbers <= float(condition.maximum)
    return mask


def keeps(table: pa.Table, constraints: Sequence[Constraint]) -> Mask:
    """Which rows keep all relations between columns."""
    mask = np.ones(table.num_rows, dtype=bool)
    for constraint in constraints:
        relation = getattr(pc, RELATIONS[constraint.relation])
        mask &= np.asarray(pc.fill_null(relation(table[constraint.left], table[constraint.right]), True))
    return mask
