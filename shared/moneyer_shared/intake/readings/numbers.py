"""Whole numbers, real numbers and decimals: exactly, or refused."""

import re
from decimal import Decimal
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa

from moneyer_shared.contracts.domains import DecimalDomain, IntegerDomain, NumberDomain
from moneyer_shared.intake.readings.labels import truth_words
from moneyer_shared.intake.readings.reading import (
    FARTHEST,
    FLOATS,
    OUTSIDE,
    SIGNIFICANT_BITS,
    UNREADABLE,
    WIDE,
    No,
    Read,
    all_read,
    as_decimal128,
    as_mask,
    each,
    none,
    pc,
    without,
    without_nan,
)
from moneyer_shared.intake.readings.texts import of_text, plainly_written
from moneyer_shared.numbers import is_number, read_decimal

NEARLY = Decimal("0.000001")
"""How far a binary fraction may lie from a decimal, in last digits: what sums leave behind."""
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
NOT_A_NUMBER = ("nan", "NaN", "NAN")
INFINITE = r"[+-]?(inf|Inf|INF|infinity|Infinity|INFINITY)"
_NUMBER, _INFINITE, _NOT_ZERO = re.compile(NUMBER), re.compile(INFINITE), re.compile(r"[^eE]*[1-9]")
LONGEST_NUMBER = 400
PLAIN_WHOLE, PLAIN_NUMBER = r"\A-?[0-9]{1,15}\z", r"\A-?[0-9]{1,15}(\.[0-9]{1,20})?\z"


# --- whole numbers ------------------------------------------------------------------------------------------------


def integer_of_text(array: pa.Array, domain: IntegerDomain) -> Read:
    """Digits with a sign, a point or an exponent, read exactly: what has a fraction is no whole number."""
    if (plain := plainly_written(array, PLAIN_WHOLE)) is not None:
        return all_read(plain.cast(pa.int64()))
    words = truth_words(domain)

    def read(written: str) -> Any:
        if written in words:
            return words[written]
        value = _decimal_or_no(written)
        return value if isinstance(value, No | None) else _whole(value)

    return of_text(array, read, pa.int64())


def _decimal_or_no(written: str) -> Any:
    if written in NOT_A_NUMBER:
        return None
    if _INFINITE.fullmatch(written):
        return OUTSIDE
    if len(written) > LONGEST_NUMBER or not _NUMBER.fullmatch(written):
        return UNREADABLE
    return Decimal(written)


def _whole(value: Decimal) -> Any:
    """A whole number of steps; of what lies beyond every domain, its side."""
    if abs(value) > FARTHEST:
        return FARTHEST if value > 0 else -FARTHEST
    return int(value) if value == int(value) else UNREADABLE


def integer_of_whole(array: pa.Array, _: Any) -> Read:
    if pa.types.is_uint64(array.type):
        array = pc.min_element_wise(array, pa.scalar(FARTHEST, pa.uint64()), skip_nulls=False)
    return all_read(array.cast(pa.int64()))


def integer_of_truth(array: pa.Array, _: Any) -> Read:
    return all_read(array.cast(pa.int64()))


def integer_of_float(array: pa.Array, _: Any) -> Read:
    array = without_nan(array.cast(pa.float64()))
    infinite = as_mask(pc.is_inf(array))
    near = pc.min_element_wise(without(array, infinite), float(FARTHEST), skip_nulls=False)
    near = pc.max_element_wise(near, -float(FARTHEST), skip_nulls=False)
    fraction = as_mask(pc.not_equal(near, pc.trunc(near)))
    return Read(without(near, fraction).cast(pa.int64()), fraction, infinite)


def integer_of_decimal(array: pa.Array, _: Any) -> Read:
    return each(as_decimal128(array), _whole, pa.int64())


# --- real numbers -------------------------------------------------------------------------------------------------


def number_of_text(array: pa.Array, _: Any) -> Read:
    """The nearest double; what is not zero and would become it is not read, what no double holds lies on its side."""
    if (plain := plainly_written(array, PLAIN_NUMBER)) is not None:
        return number_of_float(plain.cast(pa.float64()), None)

    def read(written: str) -> Any:
        if _INFINITE.fullmatch(written):
            return OUTSIDE
        if written in NOT_A_NUMBER:
            return None
        if len(written) > LONGEST_NUMBER or not _NUMBER.fullmatch(written):
            return UNREADABLE
        value = float(written)
        return UNREADABLE if value == 0 and _NOT_ZERO.match(written) else value + 0.0

    return of_text(array, read, pa.float64())


def number_of_whole(array: pa.Array, domain: NumberDomain) -> Read:
    """The number, where a double holds it; where none does and it lies beyond the domain, its side."""
    if array.type.bit_width < 64:  # noqa: PLR2004 - these fit a double whatever they are
        return all_read(array.cast(pa.float64()))
    counts = np.asarray(array.fill_null(0))
    if len(counts) and counts.max() <= 2**53 and counts.min() >= -(2**53):
        return all_read(array.cast(pa.float64()))

    def read(value: int) -> Any:
        if int(float(value)) == value:
            return float(value)
        return UNREADABLE if domain.minimum <= value <= domain.maximum else inf if value > 0 else -inf

    return each(array, read, pa.float64())


def number_of_float(array: pa.Array, _: Any) -> Read:
    array = without_nan(array.cast(pa.float64()))
    infinite = as_mask(pc.is_inf(array))
    return Read(pc.add(without(array, infinite), 0.0), none(array), infinite)


def number_of_decimal(array: pa.Array, _: Any) -> Read:
    return each(as_decimal128(array), lambda value: float(value) + 0.0, pa.float64())


# --- decimals -----------------------------------------------------------------------------------------------------


def _last_digits(value: Decimal, domain: DecimalDomain) -> Any:
    return _whole(WIDE.scaleb(value, domain.scale))


def decimal_of_text(array: pa.Array, domain: DecimalDomain) -> Read:
    def read(written: str) -> Any:
        if written in NOT_A_NUMBER:
            return None
        if _INFINITE.fullmatch(written):
            return OUTSIDE
        return _last_digits(read_decimal(written), domain) if is_number(written) else UNREADABLE

    return of_text(array, read, pa.int64())


def decimal_of_whole(array: pa.Array, domain: DecimalDomain) -> Read:
    return each(array, lambda value: _last_digits(Decimal(value), domain), pa.int64())


def decimal_of_decimal(array: pa.Array, domain: DecimalDomain) -> Read:
    return each(as_decimal128(array), lambda value: _last_digits(value, domain), pa.int64())


def decimal_of_float(array: pa.Array, domain: DecimalDomain) -> Read:
    """The decimal of the declared digits that a binary fraction is nearest to, where no other could be meant.

    That is so where the fraction is the nearest one to that decimal, or lies within a millionth of a last digit, and
    where fractions of its width lie closer together than the last digit.
    """
    width = array.type.bit_width
    bits = SIGNIFICANT_BITS[width]
    kind = FLOATS[width]

    def read(value: float) -> Any:
        if np.isinf(value):
            return OUTSIDE
        scaled = WIDE.scaleb(Decimal(value), domain.scale)
        if abs(scaled) > FARTHEST:
            return _whole(scaled)
        steps = int(scaled.to_integral_value())
        nearest = kind(float(Decimal(steps).scaleb(-domain.scale, WIDE))) == kind(value)
        if abs(steps) > 2**bits or not (nearest or abs(scaled - steps) <= NEARLY):
            return UNREADABLE
        return steps

    return each(without_nan(array.cast(pa.float64())), read, pa.int64())
