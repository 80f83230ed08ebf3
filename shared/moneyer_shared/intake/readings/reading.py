"""What every reading gives, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
Mask = np.ndarray[Any, np.dtype[np.bool_]]
FARTHEST = 2**51
"""Beyond every domain, whose bounds lie within 2**50 steps: what lies farther is read as this, on its side of zero."""
FLOATS: dict[int, Any] = {16: np.float16, 32: np.float32, 64: np.float64}
SIGNIFICANT_BITS = {16: 11, 32: 24, 64: 53}
"""Of IEEE 754 binary fractions, by their width."""
WIDE = Context(prec=200)
SPACES = " \t"


class No:
    """What became of a value that is none."""


UNREADABLE, OUTSIDE = No(), No()


@dataclass(frozen=True)
class Read:
    """An array as it was read.

    Attributes:
        values: null where a row is missing, unreadable or outside. What lies beyond the declared bounds stands here as
            what it is, or as ``FARTHEST`` on its side: whoever holds it against the bounds knows which is the nearer.
        unreadable: rows that hold no value of the kind.
        outside: rows that hold what no domain can: an infinity, a label that is not listed.
    """

    values: pa.Array
    unreadable: Mask
    outside: Mask


Reading = Callable[[pa.Array, Any], Read]


def all_read(values: pa.Array) -> Read:
    return Read(values, none(values), none(values))


def none(array: pa.Array) -> Mask:
    return np.zeros(len(array), dtype=bool)


def present(array: pa.Array) -> Mask:
    return np.asarray(array.is_valid(), dtype=bool)


def as_mask(array: pa.Array) -> Mask:
    """A boolean array with nulls taken for false."""
    return np.asarray(pc.fill_null(array, fill_value=False), dtype=bool)


def without(array: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, array.type), array) if mask.any() else array


def without_nan(array: pa.Array) -> pa.Array:
    return without(array, as_mask(pc.is_nan(array)))


def as_decimal128(array: pa.Array) -> pa.Array:
    """Decimals of 32 and 64 bits as those of 128, which Arrow can count."""
    kind = array.type
    return array.cast(pa.decimal128(kind.precision, kind.scale)) if kind.bit_width < 128 else array  # noqa: PLR2004


def each(array: pa.Array, read: Callable[[Any], Any], kind: pa.DataType) -> Read:
    """Every distinct value read once by a function that gives a value, None for missing, UNREADABLE or OUTSIDE."""
    encoded = array.dictionary_encode()
    answers = [read(value) for value in encoded.dictionary.to_pylist()]
    known = pa.array([None if isinstance(answer, No) else answer for answer in answers], kind)
    indices, there = encoded.indices, np.asarray(encoded.indices.is_valid())
    places = np.asarray(indices.fill_null(0), dtype=np.int64)

    def rows(what: No) -> Mask:
        which = np.array([answer is what for answer in answers] or [False])
        return np.asarray(which[places] & there, dtype=bool)

    return Read(known.take(indices), rows(UNREADABLE), rows(OUTSIDE))


def missing(array: pa.Array, domain: Any) -> Read:
    """A column of the type null: nothing stands in it."""
    kinds = {"number": pa.float64(), "categorical": pa.string(), "text": pa.string()}
    return all_read(pa.nulls(len(array), kinds.get(domain.kind, pa.int64())))
