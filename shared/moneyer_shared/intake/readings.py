"""How values are read: by what Arrow says they are, exactly, and never by way of text unless text is what they are.

Each reading takes an array of one form and a domain and gives what the column holds at rest (labels and texts as text,
whole numbers and steps as int64, numbers as float64), and which rows could not be read or lie beyond any domain.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    IntegerDomain,
    TimestampDomain,
)
from moneyer_shared.numbers import is_number, read_decimal

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
Mask = np.ndarray[Any, np.dtype[np.bool_]]
FARTHEST = 2**62
"""Beyond every domain, whose bounds lie within 2**50 steps."""
SIGNIFICANT_BITS = {16: 11, 32: 24, 64: 53}
"""Of IEEE 754 binary fractions, by their width."""
FLOATS: dict[int, Any] = {16: np.float16, 32: np.float32, 64: np.float64}
NEARLY = Decimal("0.000001")
"""How far a binary fraction may lie from a decimal, in last digits: what sums leave behind."""
NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
NOT_A_NUMBER = ("nan", "NaN", "NAN")
INFINITE = r"[+-]?(inf|Inf|INF|infinity|Infinity|INFINITY)"
_NUMBER, _INFINITE, _NOT_ZERO = re.compile(NUMBER), re.compile(INFINITE), re.compile(r"[^eE]*[1-9]")
LONGEST_NUMBER = 400
PLAIN_WHOLE, PLAIN_NUMBER = r"\A-?[0-9]{1,15}\z", r"\A-?[0-9]{1,15}(\.[0-9]{1,20})?\z"
SPACES = " \t"
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
DAY_SECONDS = 86_400
NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]00:00(:00([.,]0{1,9})?)?")
_WIDE = Context(prec=200)


class _No:
    """What became of a value that is none."""


UNREADABLE, OUTSIDE = _No(), _No()


@dataclass(frozen=True)
class Read:
    """An array as it was read: ``values`` are null where a row is missing, unreadable or outside."""

    values: pa.Array
    unreadable: Mask
    outside: Mask


Reading = Callable[[pa.Array, Any], Read]


def _all_read(values: pa.Array) -> Read:
    return Read(values, _none(values), _none(values))


def _none(array: pa.Array) -> Mask:
    return np.zeros(len(array), dtype=bool)


def as_mask(array: pa.Array) -> Mask:
    """A boolean array with nulls taken for false."""
    return np.asarray(pc.fill_null(array, fill_value=False), dtype=bool)


def _without(array: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, array.type), array) if mask.any() else array


def _each(array: pa.Array, read: Callable[[Any], Any], kind: pa.DataType) -> Read:
    """Every distinct value read once by a function that gives a value, None for missing, UNREADABLE or OUTSIDE."""
    encoded = array.dictionary_encode()
    answers = [read(value) for value in encoded.dictionary.to_pylist()]
    known = pa.array([None if isinstance(answer, _No) else answer for answer in answers], kind)
    indices, present = encoded.indices, np.asarray(encoded.indices.is_valid())
    places = np.asarray(indices.fill_null(0), dtype=np.int64)

    def rows(what: _No) -> Mask:
        which = np.array([answer is what for answer in answers] or [False])
        return np.asarray(which[places] & present, dtype=bool)

    return Read(known.take(indices), rows(UNREADABLE), rows(OUTSIDE))


def missing(array: pa.Array, domain: Any) -> Read:
    """A column of the type null: nothing stands in it."""
    kind = pa.int64() if hasattr(domain, "steps") or isinstance(domain, IntegerDomain) else pa.string()
    return _all_read(pa.nulls(len(array), pa.float64() if domain.kind == "number" else kind))


# --- text ---------------------------------------------------------------------------------------------------


def text(array: pa.Array, _: Any) -> Read:
    """Text as it stands; what is no UTF-8 or holds NUL is no text."""
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.binary_view())
    raw = array.cast(pa.binary())
    try:
        texts, broken = raw.cast(pa.string()), _none(array)
    except pa.ArrowInvalid:
        read = _each(raw, _utf8, pa.string())
        texts, broken = read.values, read.unreadable
    nul = as_mask(pc.match_substring(texts, "\0"))
    return Read(_without(texts, nul), broken | nul, _none(array))


def _utf8(raw: bytes) -> Any:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return UNREADABLE


def uuid(array: pa.Array, _: Any) -> Read:
    """Its canonical form (RFC 9562 §4): 36 characters, small letters."""
    from uuid import UUID

    return _each(array, lambda raw: str(UUID(bytes=raw)), pa.string())


def whole_as_text(array: pa.Array, _: Any) -> Read:
    """A whole number as the digits that everybody writes it with."""
    return _all_read(array.cast(pa.string()))


def decimal_as_text(array: pa.Array, _: Any) -> Read:
    return _each(_widest(array), lambda value: UNREADABLE if value != int(value) else str(int(value)), pa.string())


def truth_words(domain: Any) -> dict[str, Any]:
    """Words and truths that a domain knows another value by; none where it holds no truths.

    A domain of truths is a list of categories with exactly one spelling of true and one of false, or the whole numbers
    0 and 1.
    """
    if isinstance(domain, IntegerDomain):
        if (domain.minimum, domain.maximum) != (0, 1):
            return {}
        return dict.fromkeys(TRUE, 1) | dict.fromkeys(FALSE, 0)
    if not isinstance(domain, CategoricalDomain):
        return {}
    yes = [label for label in domain.categories if label.lower() == "true"]
    no = [label for label in domain.categories if label.lower() == "false"]
    if len(yes) != 1 or len(no) != 1:
        return {}
    return dict.fromkeys(TRUE, yes[0]) | dict.fromkeys(FALSE, no[0])


def label(array: pa.Array, domain: CategoricalDomain) -> Read:
    """A category as it is written; a domain of truths knows true and false in three spellings."""
    read = text(array, domain)
    words = truth_words(domain)
    values = read.values
    if words:
        places = pc.index_in(values, value_set=pa.array(list(words)))
        values = pc.coalesce(pa.array(list(words.values())).take(places), values)
    outside = as_mask(pc.invert(pc.is_in(values, value_set=pa.array(domain.categories)))) & _present(values)
    return Read(_without(values, outside), read.unreadable, outside)


def _present(array: pa.Array) -> Mask:
    return np.asarray(array.is_valid(), dtype=bool)


def truth_as_label(array: pa.Array, domain: CategoricalDomain) -> Read:
    words = truth_words(domain)
    return _all_read(pc.if_else(array, pa.scalar(words["true"]), pa.scalar(words["false"])))


# --- numbers as categories ----------------------------------------------------------------------------------------


def number_labels(domain: Any) -> dict[Decimal, str]:
    """The categories that are numbers, by their value; none where one could stand for two or is written oddly."""
    labels: dict[Decimal, str] = {}
    for category in domain.categories:
        value = _as_number(category)
        if value is None:
            continue
        if not is_number(category) or format(value.normalize(_WIDE), "f") != category or value in labels:
            return {}
        labels[value] = category
    return labels if len({float(value) for value in labels}) == len(labels) else {}


def _as_number(written: str) -> Decimal | None:
    """The number that some reader takes a text for."""
    try:
        value = Decimal(written.strip())
    except ArithmeticError:
        return None
    return value if value.is_finite() else None


def number_as_label(array: pa.Array, domain: CategoricalDomain) -> Read:
    """The category whose number it is, exactly; a binary fraction is the category whose nearest one it is."""
    labels = number_labels(domain)
    if pa.types.is_floating(array.type):
        kind = FLOATS[array.type.bit_width]
        array = _without_nan(array.cast(pa.float64()))
        most = 2 ** SIGNIFICANT_BITS[kind().itemsize * 8]
        nearest = {float(kind(float(value))): name for value, name in labels.items() if abs(value) <= most}
        return _each(array, lambda value: nearest.get(value, OUTSIDE), pa.string())
    exact = _widest(array) if pa.types.is_decimal(array.type) else array
    return _each(exact, lambda value: labels.get(Decimal(value), OUTSIDE), pa.string())


def _without_nan(array: pa.Array) -> pa.Array:
    return _without(array, as_mask(pc.is_nan(array)))


def _widest(array: pa.Array) -> pa.Array:
    """Decimals of 32 and 64 bits as those of 128, which Arrow can count."""
    kind = array.type
    return array.cast(pa.decimal128(kind.precision, kind.scale)) if kind.bit_width < 128 else array  # noqa: PLR2004


# --- whole numbers ------------------------------------------------------------------------------------------------


def integer_of_text(array: pa.Array, domain: IntegerDomain) -> Read:
    """Digits with a sign, a point or an exponent, read exactly: what has a fraction is no whole number."""
    if (plain := _plain(array, PLAIN_WHOLE)) is not None:
        return _all_read(plain.cast(pa.int64()))
    words = truth_words(domain)

    def read(written: str) -> Any:
        if written in words:
            return words[written]
        value = _decimal_or_no(written)
        return value if isinstance(value, _No | None) else _whole(value)

    return _of_text(array, read, pa.int64())


def _of_text(array: pa.Array, read: Callable[[str], Any], kind: pa.DataType) -> Read:
    texts = text(array, None)
    made = _each(pc.utf8_trim(texts.values, characters=SPACES), read, kind)
    return Read(made.values, made.unreadable | texts.unreadable, made.outside)


def _plain(array: pa.Array, pattern: str) -> pa.Array | None:
    """The array, if all of it is written in the plainest way, which Arrow reads exactly; None where it is not."""
    if not pa.types.is_string(array.type) or not pc.all(pc.match_substring_regex(array, pattern)).as_py():
        return None
    return array


def _decimal_or_no(written: str) -> Any:
    if written in NOT_A_NUMBER:
        return None
    if _INFINITE.fullmatch(written):
        return OUTSIDE
    if len(written) > LONGEST_NUMBER or not _NUMBER.fullmatch(written):
        return UNREADABLE
    return Decimal(written)


def _whole(value: Any) -> Any:
    if abs(value) > FARTHEST:
        return OUTSIDE
    return int(value) if value == int(value) else UNREADABLE


def integer_of_whole(array: pa.Array, _: Any) -> Read:
    far = (
        as_mask(pc.greater(array, pa.scalar(FARTHEST, pa.uint64()))) if pa.types.is_uint64(array.type) else _none(array)
    )
    return Read(_without(array, far).cast(pa.int64()), _none(array), far)


def integer_of_truth(array: pa.Array, _: Any) -> Read:
    return _all_read(array.cast(pa.int64()))


def integer_of_float(array: pa.Array, _: Any) -> Read:
    array = _without_nan(array.cast(pa.float64()))
    far = as_mask(pc.greater(pc.abs(array), float(FARTHEST)))
    fraction = as_mask(pc.not_equal(array, pc.trunc(array))) & ~far
    return Read(_without(array, far | fraction).cast(pa.int64()), fraction, far)


def integer_of_decimal(array: pa.Array, _: Any) -> Read:
    return _each(_widest(array), _whole, pa.int64())


# --- real numbers -------------------------------------------------------------------------------------------------


def number_of_text(array: pa.Array, _: Any) -> Read:
    """The nearest double; what is not zero and would become it is not read."""
    if (plain := _plain(array, PLAIN_NUMBER)) is not None:
        return number_of_float(plain.cast(pa.float64()), None)

    def read(written: str) -> Any:
        if _INFINITE.fullmatch(written):
            return OUTSIDE
        if written in NOT_A_NUMBER:
            return None
        if len(written) > LONGEST_NUMBER or not _NUMBER.fullmatch(written):
            return UNREADABLE
        value = float(written)
        if np.isinf(value):
            return OUTSIDE
        return UNREADABLE if value == 0 and _NOT_ZERO.match(written) else value + 0.0

    return _of_text(array, read, pa.float64())


def number_of_whole(array: pa.Array, _: Any) -> Read:
    if array.type.bit_width < 64:  # noqa: PLR2004 - these fit a double whatever they are
        return _all_read(array.cast(pa.float64()))
    counts = np.asarray(array.fill_null(0))
    if len(counts) and counts.max() <= 2**53 and counts.min() >= -(2**53):
        return _all_read(array.cast(pa.float64()))
    return _each(array, lambda value: float(value) if int(float(value)) == value else UNREADABLE, pa.float64())


def number_of_float(array: pa.Array, _: Any) -> Read:
    array = _without_nan(array.cast(pa.float64()))
    far = as_mask(pc.is_inf(array))
    return Read(pc.add(_without(array, far), 0.0), _none(array), far)


def number_of_decimal(array: pa.Array, _: Any) -> Read:
    return _each(_widest(array), lambda value: float(value) + 0.0, pa.float64())


# --- decimals -----------------------------------------------------------------------------------------------------


def _last_digits(value: Decimal, domain: DecimalDomain) -> Any:
    return _whole(_WIDE.scaleb(value, domain.scale))


def decimal_of_text(array: pa.Array, domain: DecimalDomain) -> Read:
    def read(written: str) -> Any:
        if written in NOT_A_NUMBER:
            return None
        if _INFINITE.fullmatch(written):
            return OUTSIDE
        return _last_digits(read_decimal(written), domain) if is_number(written) else UNREADABLE

    return _of_text(array, read, pa.int64())


def decimal_of_whole(array: pa.Array, domain: DecimalDomain) -> Read:
    return _each(array, lambda value: _last_digits(Decimal(value), domain), pa.int64())


def decimal_of_decimal(array: pa.Array, domain: DecimalDomain) -> Read:
    return _each(_widest(array), lambda value: _last_digits(value, domain), pa.int64())


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
        scaled = _WIDE.scaleb(Decimal(value), domain.scale)
        if abs(scaled) > FARTHEST:
            return OUTSIDE
        steps = int(scaled.to_integral_value())
        nearest = kind(float(Decimal(steps).scaleb(-domain.scale, _WIDE))) == kind(value)
        if abs(steps) > 2**bits or not (nearest or abs(scaled - steps) <= NEARLY):
            return UNREADABLE
        return steps

    return _each(_without_nan(array.cast(pa.float64())), read, pa.int64())


# --- dates and times ----------------------------------------------------------------------------------------------


def exact_of_text(array: pa.Array, domain: Any) -> Read:
    """A date, moment or time as ISO 8601 writes it in full."""

    def read(written: str) -> Any:
        if isinstance(domain, DateDomain) and (midnight := MIDNIGHT.fullmatch(written)):
            written = midnight[1]
        try:
            return domain.steps(written)
        except ValueError:
            return UNREADABLE

    return _of_text(array, read, pa.int64())


def date_of_moment(array: pa.Array, _: Any) -> Read:
    """The day of a moment that is a midnight; any other has a time of the day that a date would lose."""
    a_day = DAY_SECONDS * 10**9 // NANOSECONDS[array.type.unit]
    return _days(array.cast(pa.int64()), a_day)


def date_of_date(array: pa.Array, _: Any) -> Read:
    if pa.types.is_date32(array.type):
        return _all_read(array.cast(pa.int32()).cast(pa.int64()))
    return _days(array.cast(pa.int64()), DAY_SECONDS * 1000)


def _days(counts: pa.Array, a_day: int) -> Read:
    whole = np.asarray(counts.fill_null(0), dtype=np.int64)
    broken = whole % a_day != 0
    return Read(pa.array(whole // a_day, mask=broken | ~_present(counts)), broken, _none(counts))


def moment_of_moment(array: pa.Array, domain: TimestampDomain) -> Read:
    """What is finer than the resolution is cut off, as the domain says."""
    return _steps(array.cast(pa.int64()), NANOSECONDS[array.type.unit], 10**9 // domain.per_second)


def moment_of_date(array: pa.Array, domain: TimestampDomain) -> Read:
    """The midnight that a day begins with."""
    if pa.types.is_date64(array.type):
        return _steps(array.cast(pa.int64()), 10**6, 10**9 // domain.per_second)
    return _steps(array.cast(pa.int32()).cast(pa.int64()), DAY_SECONDS * 10**9, 10**9 // domain.per_second)


def time_of_time(array: pa.Array, _: Any) -> Read:
    """To the second; what is finer is cut off, as the domain says."""
    counts = array.cast(pa.int32()) if pa.types.is_time32(array.type) else array
    return _steps(counts.cast(pa.int64()), NANOSECONDS[array.type.unit], 10**9)


def _steps(counts: pa.Array, unit: int, step: int) -> Read:
    """Counts of a unit in steps (both in nanoseconds), rounded down; what would not fit 64 bits is outside."""
    whole = np.asarray(counts.fill_null(0), dtype=np.int64)
    if step >= unit:
        return Read(pa.array(whole // (step // unit), mask=~_present(counts)), _none(counts), _none(counts))
    factor = unit // step
    far = (whole > FARTHEST // factor) | (whole < -(FARTHEST // factor))
    steps = np.where(far, 0, whole) * factor
    return Read(pa.array(steps, mask=far | ~_present(counts)), _none(counts), far & _present(counts))
