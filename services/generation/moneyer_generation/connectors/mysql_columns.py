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

FLOAT, DOUBLE, NULL, BIT, STRING, GEOMETRY = 4, 5, 6, 16, 254, 255
UNSIGNED = 32
BYTES = 63
"""The character set of what is no text."""
NOT_FIXED = 31
"""The decimals of a fraction that says as many as it has."""
WHOLE = {1: 8, 2: 16, 9: 32, 3: 32, 8: 64}
YEAR, DATE, TIME, MOMENT, DECIMAL, TEXT = {13}, {10, 14}, {11}, {7, 12}, {0, 246}, {15, 245, 247, 248, 249, 250, 251, 252, 253, 254}
TIMESTAMP, JSON = 7, 245
Read = Callable[[bytes], Any]
ON_THE_CALENDAR = "a day of the calendar: no zero in year, month or day"


def is_cut(field: Any) -> bool:
    """Whether the server writes fewer digits of the values than they have."""
    return field.type_code == FLOAT or (field.type_code == DOUBLE and field.scale != NOT_FIXED)


def column_of(field: Any) -> Column:
    """The column as it arrives.

    Raises:
        Fault: no table has a column of that type.
    """
    kind, read, holds = _kind(field)
    return Column(field.name, kind, read, holds)


def _kind(field: Any) -> tuple[pa.DataType, Read, str]:
    code = field.type_code
    if code in WHOLE:
        return _whole(WHOLE[code], signed=not field.flags & UNSIGNED), int, "a whole number"
    if code in DECIMAL:
        return _decimal(field), _as_decimal, "a decimal number"
    if code in {FLOAT, DOUBLE}:
        # Asked for in double precision, of which a FLOAT takes the exact half.
        return (pa.float32() if code == FLOAT else pa.float64()), float, "a number"
    if code in YEAR:
        return pa.int16(), _as_year, "a year: not 0000, which says that there is none"
    if code in DATE:
        return pa.date32(), lambda value: date.fromisoformat(value.decode()), ON_THE_CALENDAR
    if code in MOMENT:
        zone = "UTC" if code == TIMESTAMP else None
        return pa.timestamp("us", zone), _as_moment, ON_THE_CALENDAR
    if code in TIME:
        return pa.time64("us"), _as_time, "a time of the day: not negative, before 24:00:00"
    if code == BIT:
        return _bits(field)
    if code in TEXT:
        return _text(field)
    if code == NULL:
        return pa.null(), lambda _: None, "nothing"
    raise refused_type(field.name, "CAST it to one in a query, as a geometry by ST_AsText")


def _whole(bits: int, *, signed: bool) -> pa.DataType:
    return pa.type_for_alias(f"{'' if signed else 'u'}int{bits}")


def _decimal(field: Any) -> pa.DataType:
    """A server counts the sign and the point among a decimal's digits."""
    digits = field.length - (field.scale > 0) - (0 if field.flags & UNSIGNED else 1)
    digits = max(digits, field.scale, 1)
    return pa.decimal128(digits, field.scale) if digits <= 38 else pa.decimal256(digits, field.scale)  # noqa: PLR2004


def _as_year(value: bytes) -> int:
    if not int(value):
        raise ValueError
    return int(value)


def _as_decimal(value: bytes) -> Decimal:
    return Decimal(value.decode())


def _as_moment(value: bytes) -> datetime:
    return datetime.fromisoformat(value.decode())


def _as_time(value: bytes) -> time:
    return time.fromisoformat(value.decode())


def _bits(field: Any) -> tuple[pa.DataType, Read, str]:
    """One bit is a truth, more are the number that they make."""
    if field.length == 1:
        return pa.bool_(), lambda value: value != b"\0", "a bit"
    return pa.uint64(), lambda value: int.from_bytes(value, "big"), "bits"


def _text(field: Any) -> tuple[pa.DataType, Read, str]:
    if field.charsetnr != BYTES or field.type_code == JSON:
        return pa.large_string(), lambda value: value.decode(), "text in UTF-8"
    if field.type_code == STRING and field.length == 0:
        return pa.null(), lambda _: None, "nothing"
    if field.type_code == STRING:
        return pa.binary(field.length), bytes, "bytes of one length"
    return pa.large_binary(), bytes, "bytes"
