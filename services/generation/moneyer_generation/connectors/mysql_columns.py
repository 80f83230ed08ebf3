"""What MySQL and MariaDB declare of a column of a result, and how its values are read as they write them.

The types are those of the protocol's column definition:
https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
"""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa

from moneyer_generation.connectors.cursors import Column, refused_type

FLOAT, DOUBLE, TIMESTAMP, BIT, JSON, STRING = 4, 5, 7, 16, 245, 254
UNSIGNED = 32
BYTES = 63
"""The character set of what is no text."""
NOT_FIXED = 31
"""The decimals of a fraction that says as many as it has."""
WIDTHS = {1: 8, 2: 16, 9: 32, 3: 32, 8: 64}
DIGITS_OF_128_BITS = 38
Read = Callable[[bytes], Any]
Kind = tuple[pa.DataType, Read, str]
ON_THE_CALENDAR = "a day of the calendar: no zero in year, month or day"


def is_cut(field: Any) -> bool:
    """Whether the server writes fewer digits of the values than they have."""
    return bool(field.type_code == FLOAT or (field.type_code == DOUBLE and field.scale != NOT_FIXED))


def column_of(field: Any) -> Column:
    """The column as it arrives.

    Raises:
        Fault: no table has a column of that type.
    """
    kind, read, holds = _kind(field)
    return Column(field.name, kind, read, holds)


def _kind(field: Any) -> Kind:
    kind = KINDS.get(field.type_code)
    if kind is None:
        raise refused_type(field.name, "CAST it to one in a query, as a geometry by ST_AsText")
    return kind(field)


def _whole(field: Any) -> Kind:
    sign = "u" if field.flags & UNSIGNED else ""
    return pa.type_for_alias(f"{sign}int{WIDTHS[field.type_code]}"), int, "a whole number"


def _decimal(field: Any) -> Kind:
    """A server counts the sign and the point among a decimal's digits."""
    counted = field.length - (field.scale > 0) - (0 if field.flags & UNSIGNED else 1)
    digits = max(counted, field.scale, 1)
    kind = pa.decimal128 if digits <= DIGITS_OF_128_BITS else pa.decimal256
    return kind(digits, field.scale), lambda value: Decimal(value.decode()), "a decimal number"


def _fraction(field: Any) -> Kind:
    """Asked for in double precision, of which a FLOAT takes the half that is exactly it."""
    return (pa.float32() if field.type_code == FLOAT else pa.float64()), float, "a number"


def _year(_: Any) -> Kind:
    return pa.int16(), _as_year, "a year: not 0000, which says that there is none"


def _date(_: Any) -> Kind:
    return pa.date32(), lambda value: date.fromisoformat(value.decode()), ON_THE_CALENDAR


def _moment(field: Any) -> Kind:
    zone = "UTC" if field.type_code == TIMESTAMP else None
    return pa.timestamp("us", zone), lambda value: datetime.fromisoformat(value.decode()), ON_THE_CALENDAR


def _time(_: Any) -> Kind:
    said = "a time of the day: not negative, before 24:00:00"
    return pa.time64("us"), lambda value: time.fromisoformat(value.decode()), said


def _as_year(value: bytes) -> int:
    if not int(value):
        raise ValueError
    return int(value)


def _bits(field: Any) -> Kind:
    """One bit is a truth, more are the number that they make."""
    if field.length == 1:
        return pa.bool_(), lambda value: value != b"\0", "a bit"
    return pa.uint64(), lambda value: int.from_bytes(value, "big"), "bits"


def _text(field: Any) -> Kind:
    if field.charsetnr != BYTES or field.type_code == JSON:
        return pa.large_string(), lambda value: value.decode(), "text in UTF-8"
    if field.type_code == STRING and field.length == 0:
        return _nothing(field)
    if field.type_code == STRING:
        return pa.binary(field.length), bytes, "bytes of one length"
    return pa.large_binary(), bytes, "bytes"


def _nothing(_: Any) -> Kind:
    return pa.null(), lambda _: None, "nothing"


KINDS: dict[int, Callable[[Any], Kind]] = {
    **dict.fromkeys(WIDTHS, _whole),
    **dict.fromkeys((0, 246), _decimal),
    **dict.fromkeys((FLOAT, DOUBLE), _fraction),
    **dict.fromkeys((10, 14), _date),
    **dict.fromkeys((TIMESTAMP, 12), _moment),
    **dict.fromkeys((15, JSON, 247, 248, 249, 250, 251, 252, 253, STRING), _text),
    6: _nothing,
    11: _time,
    13: _year,
    BIT: _bits,
}
