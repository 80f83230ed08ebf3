"""Text, and what is read by way of it because it is nothing else."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pyarrow as pa

from moneyer_shared.intake.readings.reading import (
    SPACES,
    UNREADABLE,
    Read,
    all_read,
    as_decimal128,
    as_mask,
    each,
    none,
    pc,
    without,
)


def text(array: pa.Array, _: Any) -> Read:
    """Text as it stands; what is no UTF-8 or holds NUL is no text."""
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.binary_view())
    raw = array.cast(pa.binary())
    try:
        texts, broken = raw.cast(pa.string()), none(array)
    except pa.ArrowInvalid:
        read = each(raw, _utf8, pa.string())
        texts, broken = read.values, read.unreadable
    nul = as_mask(pc.match_substring(texts, "\0"))
    return Read(without(texts, nul), broken | nul, none(array))


def _utf8(raw: bytes) -> Any:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return UNREADABLE


def of_text(array: pa.Array, read: Callable[[str], Any], kind: pa.DataType) -> Read:
    """Texts without the spaces around them, each read by a function as ``each`` takes it."""
    texts = text(array, None)
    made = each(pc.utf8_trim(texts.values, characters=SPACES), read, kind)
    return Read(made.values, made.unreadable | texts.unreadable, made.outside)


def plainly_written(array: pa.Array, pattern: str) -> pa.Array | None:
    """The array, if all of it is written in the plainest way, which Arrow reads exactly; None where it is not."""
    if not pa.types.is_string(array.type) or not pc.all(pc.match_substring_regex(array, pattern)).as_py():
        return None
    return array


def uuid(array: pa.Array, _: Any) -> Read:
    """Its canonical form (RFC 9562 §4): 36 characters, small letters."""
    return each(array, lambda raw: str(UUID(bytes=raw)), pa.string())


def whole_as_text(array: pa.Array, _: Any) -> Read:
    """A whole number as the digits that everybody writes it with."""
    return all_read(array.cast(pa.string()))


def decimal_as_text(array: pa.Array, _: Any) -> Read:
    def read(value: Any) -> Any:
        return UNREADABLE if value != int(value) else str(int(value))

    return each(as_decimal128(array), read, pa.string())
