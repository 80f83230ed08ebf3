"""Who owns a row: limits per privacy unit, and which side of the split it falls on."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.intake.values import reason_of

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

    def see(self, table: pa.Table) -> None:
        unit, partition = self._declaration.privacy_unit.column, self._declaration.partition_column
        if unit is None:
            return
        self._hashes.append(owners(table[unit], self._key))
        if partition is not None:
            categories = pa.array(self._declaration.partitions)
            self._partitions.append(np.asarray(pc.index_in(table[partition], categories)))

    def check(self) -> None:
        """That no privacy unit owns more rows than declared, nor lies in two partitions of its population.

        Raises:
            Invalid: naming the first row that is one too many, or in another partition.
        """
        unit = self._declaration.privacy_unit
        if unit.column is None:
            return
        hashes = np.concatenate(self._hashes)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        starts = np.searchsorted(hashes, hashes)
        excess = order[np.arange(len(hashes)) - starts >= unit.maximum_rows]
        if len(excess):
            row = int(excess.min()) + 1
            reason = reason_of("unit-too-large", unit.column, row, f"at most {unit.maximum_rows} rows", "one more")
            raise Invalid("A privacy unit owns more rows than declared.", code="table-invalid", reasons=[reason])
        if self._partitions:
            self._check_partitions(order, starts)

    def _check_partitions(self, order: Array, starts: Array) -> None:
        """Budgets of partitions compose in parallel only while no unit lies in two of them."""
        partitions = np.concatenate(self._partitions)[order]
        strays = order[partitions != partitions[starts]]
        if len(strays):
            column, row = str(self._declaration.partition_column), int(strays.min()) + 1
            reason = reason_of(
                "unit-in-two-partitions", column, row, "the partition of the unit's other rows", "another"
            )
            raise Invalid("A privacy unit lies in two partitions.", code="table-invalid", reasons=[reason])


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


def owners(values: pa.ChunkedArray, key: bytes) -> Array:
    """A keyed 64-bit hash of each value, shape (n,)."""
    encoded = values.combine_chunks().dictionary_encode()
    known = (str(value).encode() for value in encoded.dictionary.to_pylist())
    hashes = b"".join(hashlib.blake2b(name, key=key, digest_size=8).digest() for name in known)
    return np.asarray(np.frombuffer(hashes, dtype=">u8").astype(np.uint64)[encoded.indices.to_numpy()])
