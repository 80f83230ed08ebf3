"""Who owns a row: limits per privacy unit, and which side of the split it falls on."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.intake.faults import Faults, Words

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
Array = np.ndarray[Any, Any]
HOLDOUT_SHARE = 0.2


class Units:
    """Every row's owner as a keyed 64-bit hash of what names it, batch by batch."""

    def __init__(self, declaration: SourceDeclaration, key: bytes) -> None:
        self._declaration = declaration
        self._key = key
        self._hashes: list[Array] = []
        self._partitions: list[Array] = []
        self._rows: list[Array] = []
        self._count = 0
        self._blind = False

    def see(self, arrays: Mapping[str, pa.Array], rows: Array) -> None:
        """A batch whose rows have these numbers.

        Where what names the owners has faults itself, nothing is said of them.
        """
        unit, partition = self._declaration.privacy_unit.column, self._declaration.partition_column
        self._blind |= any(name is not None and name not in arrays for name in (unit, partition))
        self._count += len(rows)
        if unit is None or self._blind:
            return
        self._rows.append(rows)
        self._hashes.append(owners(arrays[unit], self._key))
        if partition is not None:
            categories = pa.array(self._declaration.partitions)
            self._partitions.append(np.asarray(pc.index_in(arrays[partition], categories)))

    def check(self, faults: Faults) -> int | None:
        """How many privacy units there are; None where that cannot be told.

        A unit that owns more rows than declared, or lies in two partitions of its population, is a fault.
        """
        unit = self._declaration.privacy_unit
        if self._blind:
            return None
        if unit.column is None:
            return self._count
        rows, hashes = np.concatenate(self._rows), np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        starts = np.searchsorted(hashes, hashes)
        excess = order[np.arange(len(hashes)) - starts >= unit.maximum_rows]
        words = Words(f"at most {unit.maximum_rows} rows", "one more", "declare more rows a unit, or leave some out")
        faults.add("unit-too-large", unit.column, rows[np.sort(excess)], words)
        if self._partitions:
            self._check_partitions(order, starts, rows, faults)
        return len(np.unique(starts))

    def _check_partitions(self, order: Array, starts: Array, rows: Array, faults: Faults) -> None:
        """Budgets of partitions compose in parallel only while no unit lies in two of them."""
        partitions = np.concatenate(self._partitions)[order]
        strays = order[partitions != partitions[starts]]
        words = Words("the partition of the unit's other rows", "another")
        faults.add("unit-in-two-partitions", str(self._declaration.partition_column), rows[np.sort(strays)], words)


class Split:
    """Each privacy unit's side of the split is drawn by a keyed hash: the same for the same key."""

    def __init__(self, declaration: SourceDeclaration, key: bytes) -> None:
        self._unit = declaration.privacy_unit.column
        self._key = key
        seed = int.from_bytes(hashlib.blake2b(b"split", key=key, digest_size=16).digest(), "big")
        self._random = np.random.default_rng(seed)

    def parts(self, tables: Iterable[pa.Table]) -> Iterable[tuple[pa.Table, pa.Table]]:
        """(train, holdout) of each table in turn."""
        for table in tables:
            held_out = self._drawn(table) < HOLDOUT_SHARE
            yield table.filter(pa.array(~held_out)), table.filter(pa.array(held_out))

    def _drawn(self, table: pa.Table) -> Array:
        if self._unit is None:
            return np.asarray(self._random.random(table.num_rows))
        return np.asarray(owners(table[self._unit], self._key) / 2.0**64)


def owners(values: pa.Array | pa.ChunkedArray, key: bytes) -> Array:
    """A keyed 64-bit hash of each value, shape (n,)."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = whole.dictionary_encode()
    known = (str(value).encode() for value in encoded.dictionary.to_pylist())
    hashes = b"".join(hashlib.blake2b(name, key=key, digest_size=8).digest() for name in known)
    return np.asarray(np.frombuffer(hashes, dtype=">u8").astype(np.uint64)[encoded.indices.to_numpy()])
