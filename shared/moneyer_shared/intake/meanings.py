"""The table of meaning: what each kind of column takes from each form that Arrow knows, what comes out, and what is
refused with what to do. Uploads are read by it, and ``docs/types.md`` is written from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

from moneyer_shared.intake.readings import labels, numbers, texts, times
from moneyer_shared.intake.readings.labels import number_labels, truth_words
from moneyer_shared.intake.readings.reading import Reading, missing, pc


class PhysicalType(StrEnum):
    """How a table holds a column, whatever the width."""

    NOTHING = "null"
    TEXT = "text"
    BYTES = "bytes"
    FIXED = "bytes of one length"
    TRUTH = "boolean"
    WHOLE = "whole number"
    FLOAT = "binary fraction"
    DECIMAL = "decimal"
    DATE = "date"
    MOMENT = "moment"
    ZONED = "moment with a time zone"
    TIME = "time of the day"
    DURATION = "duration"
    NESTED = "nested values"
    UUID = "UUID"
    FOREIGN = "values of an extension type"


WRITTEN_AS: Mapping[PhysicalType, str] = {
    PhysicalType.NOTHING: "`null`",
    PhysicalType.TEXT: "`string`, `large_string`, `string_view`, extension `arrow.json`; every cell of a CSV",
    PhysicalType.BYTES: "`binary`, `large_binary`, `binary_view`; Parquet `BYTE_ARRAY` without a type",
    PhysicalType.FIXED: "`fixed_size_binary`",
    PhysicalType.TRUTH: "`bool`, extension `arrow.bool8`",
    PhysicalType.WHOLE: "`int8` … `int64`, `uint8` … `uint64`",
    PhysicalType.FLOAT: "`float16`, `float32`, `float64`",
    PhysicalType.DECIMAL: "`decimal32`, `decimal64`, `decimal128`, `decimal256`",
    PhysicalType.DATE: "`date32`, `date64`",
    PhysicalType.MOMENT: "`timestamp[s, ms, us, ns]`; Parquet `INT96`",
    PhysicalType.ZONED: "`timestamp[…, tz=…]`; Parquet timestamps that are adjusted to UTC",
    PhysicalType.TIME: "`time32`, `time64`",
    PhysicalType.DURATION: "`duration`, `month_day_nano_interval`",
    PhysicalType.NESTED: "`list`, `list_view`, `fixed_size_list`, `struct`, `map`, unions",
    PhysicalType.UUID: "extension `arrow.uuid`",
    PhysicalType.FOREIGN: "every other extension type",
}
UNWRAPPED = (
    "A dictionary or a run-end encoding of any of these means what the values in it mean, and so does any width: "
    "nothing but the form and the value counts."
)


@dataclass(frozen=True)
class Meaning:
    """What a kind of column takes from a form; ``read`` is absent where it is refused.

    Attributes:
        read: how values are read.
        says: what comes out; of a refusal, why.
        remedy: what to do about a refusal, and about single values that cannot be read.
        where: whether a domain takes the form at all, and in which words it does.
    """

    read: Reading | None
    says: str
    remedy: str = ""
    where: tuple[str, Callable[[Any], bool]] | None = None

    def takes(self, domain: Any) -> bool:
        return self.read is not None and (self.where is None or self.where[1](domain))


def _refused(says: str, remedy: str) -> Meaning:
    return Meaning(None, says, remedy)


TRUTHS = (
    "only where the categories hold exactly one spelling of true and one of false, or the domain is 0 to 1",
    lambda domain: bool(truth_words(domain)),
)
LABELS = (
    "only where every category that looks like a number is written as plainly as it can be, so that no other is meant",
    lambda domain: bool(number_labels(domain)),
)
MISSING = Meaning(missing, "every row is missing")
NOT_NUMBERS_OR_TEXT = "cast it to text, written as the categories are"
IN_FULL = "cast it to the type itself: a number is days to one reader, seconds or milliseconds to others"
NO_ZONE = (
    "convert it to the time it is to be learned in, UTC for one, and leave the zone out "
    "(pandas: `.dt.tz_convert('UTC').dt.tz_localize(None)`, Spark: `timestamp_ntz`, SQL: `AT TIME ZONE 'UTC'`)"
)
NEVER: dict[PhysicalType, Meaning] = {
    PhysicalType.NOTHING: MISSING,
    PhysicalType.FIXED: _refused("bytes say no text: where they end is unknown", "cast it to text"),
    PhysicalType.DURATION: _refused("a length of time is none of the kinds", "cast it to a number of one unit"),
    PhysicalType.NESTED: _refused("one cell holds one value", "write each part as a column of its own"),
    PhysicalType.UUID: _refused("a UUID is a name of something", "declare the column as text, or cast it"),
    PhysicalType.FOREIGN: _refused("what the type means is known to its maker alone", "cast it to its storage type"),
}
"""What holds of every kind that does not say otherwise."""
NOT_A_TRUTH = _refused("a truth is no such value", "cast it to what the column declares, or declare categories")
_TRUTH_IS_NO_NAME = _refused("a truth names nothing", "cast it to text")
_NO_FLOAT_NAME = _refused(
    "a number with a point names nothing: 7 and 7.0 are two texts", "cast it to whole numbers or text"
)
_NO_TIME_TEXT = _refused("a date or time has more than one form as text", "cast it to text")
_NO_ZONE = _refused("a zone or none: which clock is meant must be said before", NO_ZONE)
_NO_TIME = _refused("a date or time is no number", "declare it as what it is, or cast it")
_NO_NUMBER = _refused("a number does not say its unit or its calendar", IN_FULL)
_TEXTUAL_TIMES: dict[PhysicalType, Meaning] = dict.fromkeys(
    (PhysicalType.DATE, PhysicalType.MOMENT, PhysicalType.ZONED, PhysicalType.TIME), _NO_TIME_TEXT
)
_NUMERIC_TIMES: dict[PhysicalType, Meaning] = dict.fromkeys(
    (PhysicalType.DATE, PhysicalType.MOMENT, PhysicalType.ZONED, PhysicalType.TIME), _NO_TIME
)
_TIMELESS: dict[PhysicalType, Meaning] = dict.fromkeys(
    (PhysicalType.WHOLE, PhysicalType.FLOAT, PhysicalType.DECIMAL), _NO_NUMBER
) | {PhysicalType.TRUTH: NOT_A_TRUTH}


def _texts(read: Reading, says: str, remedy: str) -> dict[PhysicalType, Meaning]:
    """Text, and bytes that are text."""
    return {
        PhysicalType.TEXT: Meaning(read, says, remedy),
        PhysicalType.BYTES: Meaning(read, f"as text, where it is UTF-8: {says}", remedy),
    }


MEANINGS: Mapping[str, Mapping[PhysicalType, Meaning]] = {
    "categorical": NEVER | _TEXTUAL_TIMES | _texts(
        labels.label,
        "the category that is written so, letter by letter; `true`, `True`, `TRUE` and `false`, `False`, `FALSE` are the "
        "categories of truth where there is exactly one of each",
        "write a declared category, letter by letter, in UTF-8 without NUL",
    ) | {
        PhysicalType.TRUTH: Meaning(labels.truth_as_label, "the category that spells true or false", NOT_NUMBERS_OR_TEXT, TRUTHS),
        PhysicalType.WHOLE: Meaning(labels.number_as_label, "the category that is this number", NOT_NUMBERS_OR_TEXT, LABELS),
        PhysicalType.FLOAT: Meaning(
            labels.number_as_label, "the category whose nearest binary fraction it is; NaN is missing",
            NOT_NUMBERS_OR_TEXT, LABELS,
        ),
        PhysicalType.DECIMAL: Meaning(labels.number_as_label, "the category that is this number", NOT_NUMBERS_OR_TEXT, LABELS),
        PhysicalType.UUID: Meaning(labels.uuid_as_label, "nothing but a category that is a UUID in small letters"),
    },
    "text": NEVER | _TEXTUAL_TIMES | _texts(
        texts.text, "the text as it stands, whatever it looks like", "write it in UTF-8 without NUL"
    ) | {
        PhysicalType.TRUTH: _TRUTH_IS_NO_NAME,
        PhysicalType.WHOLE: Meaning(texts.whole_as_text, "its digits"),
        PhysicalType.FLOAT: _NO_FLOAT_NAME,
        PhysicalType.DECIMAL: Meaning(texts.decimal_as_text, "the digits of a whole number", "cast it to text"),
        PhysicalType.UUID: Meaning(texts.uuid, "its 36 characters, in small letters"),
    },
    "integer": NEVER | _NUMERIC_TIMES | _texts(
        numbers.integer_of_text,
        "the whole number that the digits say, exactly; with a point or an exponent where nothing is left after it; "
        "`nan`, `NaN`, `NAN` are missing; `true` and `false` where the domain is 0 to 1",
        "write plain ASCII digits, as in 1200 or -3",
    ) | {
        PhysicalType.TRUTH: Meaning(numbers.integer_of_truth, "1 and 0", "cast it to whole numbers", TRUTHS),
        PhysicalType.WHOLE: Meaning(numbers.integer_of_whole, "the number"),
        PhysicalType.FLOAT: Meaning(
            numbers.integer_of_float, "the whole number that it is; NaN is missing", "declare a number, or round it"
        ),
        PhysicalType.DECIMAL: Meaning(numbers.integer_of_decimal, "the whole number that it is", "declare a decimal, or round it"),
    },
    "number": NEVER | _NUMERIC_TIMES | _texts(
        numbers.number_of_text,
        "the double that is nearest to what the digits say; `nan`, `NaN`, `NAN` are missing",
        "write plain ASCII digits with a point, as in 12.5 or 1e-3",
    ) | {
        PhysicalType.TRUTH: NOT_A_TRUTH,
        PhysicalType.WHOLE: Meaning(numbers.number_of_whole, "the number, where a double holds it", "declare an integer"),
        PhysicalType.FLOAT: Meaning(numbers.number_of_float, "the number; NaN is missing, -0 is 0, an infinity is outside"),
        PhysicalType.DECIMAL: Meaning(numbers.number_of_decimal, "the nearest double, as of the same digits written out"),
    },
    "decimal": NEVER | _NUMERIC_TIMES | _texts(
        numbers.decimal_of_text,
        "the decimal that the digits say, exactly; `nan`, `NaN`, `NAN` are missing",
        "write plain ASCII digits with a point, without plus, exponent or leading zeros, as in 1200.50",
    ) | {
        PhysicalType.TRUTH: NOT_A_TRUTH,
        PhysicalType.WHOLE: Meaning(numbers.decimal_of_whole, "the number"),
        PhysicalType.FLOAT: Meaning(
            numbers.decimal_of_float,
            "the decimal of the declared digits that it is the nearest binary fraction to, or lies a millionth of a last "
            "digit from, where such fractions lie closer than the last digit; NaN is missing",
            "cast it to a decimal type of the declared digits",
        ),
        PhysicalType.DECIMAL: Meaning(
            numbers.decimal_of_decimal, "the decimal, where no digit is left beyond the declared ones",
            "round it to the declared digits, or declare more",
        ),
    },
    "date": NEVER | _TIMELESS | _texts(
        times.exact_of_text,
        "the day, written `2026-01-31`; a midnight written after it is left out",
        "write 2026-01-31; what has a time of the day is a timestamp",
    ) | {
        PhysicalType.DATE: Meaning(times.date_of_date, "the day", "cast it to date32"),
        PhysicalType.MOMENT: Meaning(
            times.date_of_moment, "the day of a midnight; other times of the day are refused",
            "declare a timestamp, or cast it to a date",
        ),
        PhysicalType.ZONED: _NO_ZONE,
        PhysicalType.TIME: _refused("a time says no day", "declare a time"),
    },
    "timestamp": NEVER | _TIMELESS | _texts(
        times.exact_of_text,
        "the moment, written `2026-01-31T10:00:00` (or with a space, with a fraction, without seconds, or as a date "
        "alone: its midnight), without a zone; what is finer than the declared resolution is cut off",
        "write 2026-01-31T10:00:00 without a zone; a moment with one is converted first",
    ) | {
        PhysicalType.DATE: Meaning(times.moment_of_date, "its midnight"),
        PhysicalType.MOMENT: Meaning(times.moment_of_moment, "the moment; what is finer than the declared resolution is cut off"),
        PhysicalType.ZONED: _NO_ZONE,
        PhysicalType.TIME: _refused("a time says no day", "declare a time"),
    },
    "time": NEVER | _TIMELESS | _texts(
        times.exact_of_text,
        "the time, written `10:00` or `10:00:00`; a fraction of a second is cut off",
        "write 10:00:00",
    ) | {
        PhysicalType.DATE: _refused("a day says no time", "declare a date"),
        PhysicalType.MOMENT: _refused("a moment has a day, which a time would lose", "declare a timestamp, or cast it to a time"),
        PhysicalType.ZONED: _NO_ZONE,
        PhysicalType.TIME: Meaning(times.time_of_time, "the time; a fraction of a second is cut off"),
    },
}  # fmt: skip
AT_REST: Mapping[str, str] = {
    "categorical": "`string`", "text": "`string`", "integer": "`int64`", "number": "`double`",
    "decimal": "`decimal128(18, scale)`", "date": "`date32`", "timestamp": "`timestamp[ms]`", "time": "`time32[ms]`",
}  # fmt: skip
IN_POSTGRES: Mapping[str, str] = {
    "categorical": "text", "text": "text", "integer": "bigint", "number": "double precision",
    "decimal": "numeric(18, scale)", "date": "date", "timestamp": "timestamp(3) without time zone",
    "time": "time(3) without time zone",
}  # fmt: skip
"""What a column becomes in a table of PostgreSQL that a delivery makes; ``scale`` is the domain's."""
_EXTENSION = b"ARROW:extension:name"
_FORMS: tuple[tuple[PhysicalType, Callable[[pa.DataType], bool]], ...] = (
    (PhysicalType.NOTHING, pa.types.is_null),
    (
        PhysicalType.TEXT,
        lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind),
    ),
    (
        PhysicalType.BYTES,
        lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind),
    ),
    (PhysicalType.FIXED, pa.types.is_fixed_size_binary),
    (PhysicalType.TRUTH, pa.types.is_boolean),
    (PhysicalType.WHOLE, pa.types.is_integer),
    (PhysicalType.FLOAT, pa.types.is_floating),
    (PhysicalType.DECIMAL, pa.types.is_decimal),
    (PhysicalType.DATE, pa.types.is_date),
    (PhysicalType.MOMENT, lambda kind: pa.types.is_timestamp(kind) and kind.tz is None),
    (PhysicalType.ZONED, pa.types.is_timestamp),
    (PhysicalType.TIME, pa.types.is_time),
    (PhysicalType.DURATION, lambda kind: pa.types.is_duration(kind) or pa.types.is_interval(kind)),
)


def physical_type_of(field: pa.Field) -> PhysicalType:
    """The form of a column, also within dictionaries and runs."""
    if field.metadata and _EXTENSION in field.metadata:
        return PhysicalType.FOREIGN
    kind = field.type
    if isinstance(kind, pa.BaseExtensionType):
        known = {"arrow.uuid": PhysicalType.UUID, "arrow.bool8": PhysicalType.TRUTH, "arrow.json": PhysicalType.TEXT}
        return known.get(str(getattr(kind, "extension_name", "")), PhysicalType.FOREIGN)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return physical_type_of(pa.field("", kind.value_type))
    return next((form for form, asked in _FORMS if asked(kind)), PhysicalType.NESTED)


def values_of(array: pa.Array) -> pa.Array:
    """The values themselves: dictionaries and runs written out, extension types as what they are stored as."""
    if isinstance(array, pa.ExtensionArray):
        truth = str(getattr(array.type, "extension_name", "")) == "arrow.bool8"
        stored = values_of(array.storage)
        return pc.not_equal(stored, 0) if truth else stored
    if pa.types.is_dictionary(array.type):
        return _plain(values_of(array.dictionary)).take(array.indices)
    if pa.types.is_run_end_encoded(array.type):
        return pc.run_end_decode(_runs_of_plain(array))
    return array


def _runs_of_plain(array: pa.Array) -> pa.Array:
    runs = pa.RunEndEncodedArray.from_arrays(array.run_ends, _plain(values_of(array.values)))
    return runs.slice(array.offset, len(array))


def _plain(values: pa.Array) -> pa.Array:
    """Arrow takes no views by their places, and decodes no runs of them."""
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        return values.cast(pa.binary_view()).cast(pa.binary())
    return values
