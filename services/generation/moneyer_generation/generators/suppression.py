"""Leaving out rows that too few others are like: k-anonymity, l-diversity, rare combinations.

Sweeney 2002, "k-Anonymity: A Model for Protecting Privacy"; Machanavajjhala et al. 2007, "l-Diversity" (distinct form).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from moneyer_generation.generators.shaping import ShapeUnreachable
from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.shape import Suppression

Array = np.ndarray[Any, Any]
Draw = Callable[[int, int], pa.Table]
"""(rows, number of the draw) to a table of that many rows."""
SMALLEST_DRAW = 500
MOST_DRAWS = 30


@dataclass(frozen=True)
class Rule:
    """Every combination of ``columns`` is shared by ``least_rows``, with ``least_values`` of each sensitive column."""

    columns: tuple[str, ...]
    least_rows: int
    least_values: int = 1
    sensitive: tuple[str, ...] = ()


def rules_of(suppression: Suppression, declaration: SourceDeclaration) -> tuple[Rule, ...]:
    """What is asked, rule by rule: k and l over the quasi-identifiers, and each rare combination over its own."""
    quasi = tuple(column.name for column in declaration.columns if column.role == "quasi-identifier")
    sensitive = tuple(column.name for column in declaration.columns if column.role == "sensitive")
    rules = [Rule(tuple(entry.columns), entry.fewer_than) for entry in suppression.rare]
    if suppression.k is not None or suppression.l is not None:
        rules.insert(0, Rule(quasi, suppression.k or 1, suppression.l or 1, sensitive if suppression.l else ()))
    return tuple(rules)


@dataclass(frozen=True)
class Codes:
    """A table as the rules see it: each row's group, and its value of each sensitive column, as integers."""

    rule: Rule
    groups: Array
    values: tuple[Array, ...]

    @classmethod
    def of(cls, table: pa.Table, rule: Rule) -> "Codes":
        columns = np.column_stack([codes(table, name) for name in rule.columns])
        groups = np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)
        return cls(rule, groups, tuple(codes(table, name) for name in rule.sensitive))

    def broken(self, kept: Array) -> Array:
        """Which rows lie in a group that breaks the rule, counting the kept rows only; shape (n,)."""
        size = int(self.groups.max(initial=-1)) + 1
        short = np.bincount(self.groups[kept], minlength=size) < self.rule.least_rows
        for values in self.values:
            short |= self._variety(values, kept, size) < self.rule.least_values
        return short[self.groups]

    def worst(self, kept: Array) -> tuple[int, int | None]:
        """(rows of the smallest group, fewest values of a sensitive column in one) among the kept rows."""
        size = int(self.groups.max(initial=-1)) + 1
        counts = np.bincount(self.groups[kept], minlength=size)
        present = counts > 0
        if not present.any():
            return 0, None
        varieties = [int(self._variety(values, kept, size)[present].min()) for values in self.values]
        return int(counts[present].min()), min(varieties, default=None)

    def _variety(self, values: Array, kept: Array, size: int) -> Array:
        pairs = np.unique(np.column_stack([self.groups[kept], values[kept]]), axis=0)
        return np.bincount(pairs[:, 0], minlength=size)


def codes(table: pa.Table, name: str) -> Array:
    """A column's values as integers; a missing value is a value."""
    encoded = table[name].combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def kept_by(coded: Sequence[Codes], kept: Array) -> Array:
    """The largest part of the kept rows in which no group breaks a rule: leaving rows out for one may break another."""
    while True:
        broken = kept & np.logical_or.reduce([each.broken(kept) for each in coded])
        if not broken.any():
            return kept
        kept &= ~broken


def without_rare(table: pa.Table, rules: Sequence[Rule]) -> tuple[pa.Table, dict[str, Any]]:
    """The rows that keep every rule, and a report. The table may come out empty."""
    coded = [Codes.of(table, rule) for rule in rules]
    kept = kept_by(coded, np.ones(table.num_rows, dtype=bool))
    return table.filter(pa.array(kept)), _report("input", table.num_rows, coded, kept)


def of_exactly(draw: Draw, rows: int, rules: Sequence[Rule], seed: Sequence[int]) -> tuple[pa.Table, dict[str, Any]]:
    """Exactly ``rows`` rows that keep every rule, chosen among as many as it takes, and a report.

    Raises:
        ShapeUnreachable: the rows made are too unlike one another.
    """
    random = np.random.default_rng(seed)
    pool: list[pa.Table] = []
    missing = rows
    for number in range(MOST_DRAWS):
        pool.append(draw(max(SMALLEST_DRAW, missing + missing // 5), number))
        table: pa.Table = pa.concat_tables(pool)
        coded = [Codes.of(table, rule) for rule in rules]
        kept = kept_by(coded, np.ones(table.num_rows, dtype=bool))
        missing = max(SMALLEST_DRAW, rows - int(kept.sum()))
        for candidate in (kept, _commonest(coded, kept, rows)):
            chosen = _thinned(coded, candidate, rows, random)
            if chosen is not None:
                return table.filter(pa.array(chosen)), _report("output", table.num_rows, coded, chosen)
    seen = sum(piece.num_rows for piece in pool)
    raise ShapeUnreachable(f"no {rows} of {seen} rows drawn keep every rule of suppression")


def _thinned(coded: Sequence[Codes], kept: Array, rows: int, random: np.random.Generator) -> Array | None:
    """``rows`` of the kept rows: others are taken away at random while no rule breaks; None if too few can be."""
    excess = int(kept.sum()) - rows
    if excess < 0:
        return None
    left, chosen = _Left(coded, kept), kept.copy()
    for row in random.permutation(np.flatnonzero(kept)):
        if not excess:
            break
        if left.can_spare(row):
            left.take(row)
            chosen[row] = False
            excess -= 1
    return None if excess else chosen


def _commonest(coded: Sequence[Codes], kept: Array, rows: int) -> Array:
    """The rows of as few combinations as make up so many: where a table is too short for a group of each."""
    joint = np.unique(np.column_stack([each.groups for each in coded]), axis=0, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(joint[kept], minlength=int(joint.max()) + 1)
    place = np.empty(len(sizes), dtype=np.int64)
    place[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    rank, low, high = place[joint], 1, len(sizes)
    while low < high:
        middle = (low + high) // 2
        if kept_by(coded, kept & (rank < middle)).sum() >= rows:
            high = middle
        else:
            low = middle + 1
    return kept_by(coded, kept & (rank < low))


class _Left:
    """Counts of what is kept, row by row taken away: of each group, and of each sensitive value in a group."""

    def __init__(self, coded: Sequence[Codes], kept: Array) -> None:
        self._coded = coded
        self._sizes = [np.bincount(each.groups[kept], minlength=int(each.groups.max()) + 1) for each in coded]
        self._pairs: list[list[tuple[Array, Array, Array]]] = []
        for each in coded:
            size = int(each.groups.max()) + 1
            pairs = []
            for values in each.values:
                found, place = np.unique(np.column_stack([each.groups, values]), axis=0, return_inverse=True)
                counts = np.bincount(place.reshape(-1)[kept], minlength=len(found))
                variety = np.bincount(found[:, 0][counts > 0], minlength=size)
                pairs.append((place.reshape(-1), counts, variety))
            self._pairs.append(pairs)

    def can_spare(self, row: int) -> bool:
        for each, sizes, pairs in zip(self._coded, self._sizes, self._pairs, strict=True):
            group, least = each.groups[row], each.rule.least_values
            if sizes[group] <= each.rule.least_rows:
                return False
            if any(counts[place[row]] == 1 and variety[group] <= least for place, counts, variety in pairs):
                return False
        return True

    def take(self, row: int) -> None:
        for each, sizes, pairs in zip(self._coded, self._sizes, self._pairs, strict=True):
            group = each.groups[row]
            sizes[group] -= 1
            for place, counts, variety in pairs:
                counts[place[row]] -= 1
                variety[group] -= counts[place[row]] == 0


def _report(of: str, seen: int, coded: Sequence[Codes], kept: Array) -> dict[str, Any]:
    """Rows seen and left out, and per rule what the worst group holds now."""
    worst = [each.worst(kept) for each in coded]
    return {
        "of": of,
        "rows_seen": seen,
        "rows_left_out": seen - int(kept.sum()),
        "rules": [
            {
                "columns": list(each.rule.columns),
                "least_rows": each.rule.least_rows,
                "least_values": each.rule.least_values if each.rule.sensitive else None,
                "smallest_group": smallest,
                "fewest_values": fewest,
            }
            for each, (smallest, fewest) in zip(coded, worst, strict=True)
        ],
    }
