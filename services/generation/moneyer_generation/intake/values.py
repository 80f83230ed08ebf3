"""Values against their declared domain, a batch at a time. A refusal names column and row, never the value (I8)."""

from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    ExactDomain,
    IntegerDomain,
    NumberDomain,
    TextDomain,
    TimeDomain,
    TimestampDomain,
    UnmeasuredDomain,
)
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.exact import PLAIN_TYPES, arrow_schema, from_steps

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
MOST_REASONS = 20
FARTHEST = 2.0**62


class Reason(TypedDict):
    """Where a fault is; rows are counted from 1 after the header, 0 is the header."""

    code: str
    column: str
    row: int
    expected: str
    actual: str


def check_batch(batch: pa.RecordBatch, declaration: SourceDeclaration, first_row: int) -> pa.Table:
    """The declared columns of a batch that begins at that row, as they lie at rest.

    Raises:
        Invalid: values that are unreadable, missing or outside their domain; the first row of each kind is named.
    """
    reasons: list[Reason] = []
    arrays: list[pa.Array] = []
    for column in declaration.columns:
        array, faults = _check_column(batch.column(column.name), column)
        arrays.append(array)
        reasons += [
            reason_of(code, column.name, first_row + row + 1, expected, actual)
            for code, row, expected, actual in faults
        ]
    if reasons:
        count = len(reasons)
        raise Invalid(
            f"{count} column(s) hold values outside the declaration; the first row of each is named.",
            code="table-invalid",
            reasons=reasons[:MOST_REASONS],
        )
    at_rest = [from_steps(array, column.domain) for array, column in zip(arrays, declaration.columns, strict=True)]
    return pa.Table.from_arrays(at_rest, schema=arrow_schema(declaration.columns))


Fault = tuple[str, int, str, str]


def _check_column(array: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    """The column with exact values in steps, and the first row of each kind of fault."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    cast, unreadable = _steps(array, column.domain) if isinstance(column.domain, ExactDomain) else _cast(array, column)
    faults = _first(unreadable, "value-unreadable", _expected(column), "something else")
    if not column.nullable:
        faults += _first(pc.and_(pc.is_null(cast), pc.invert(unreadable)), "value-missing", "a value", "null or NaN")
    outside = pc.fill_null(_outside(cast, column.plain), fill_value=False)
    faults += _first(outside, "value-outside-domain", _expected(column), "a value outside it")
    return cast, faults


def _first(mask: pa.Array, code: str, expected: str, actual: str) -> list[Fault]:
    row = pc.index(mask, value=True).as_py()
    return [] if row < 0 else [(code, row, expected, actual)]


def _cast(array: pa.Array, column: Column) -> tuple[pa.Array, pa.Array]:
    """(values in the column's type with nulls where unreadable, mask of the unreadable)."""
    wanted = PLAIN_TYPES[column.domain.kind]
    if wanted == pa.string():
        texts = array.cast(pa.string())
        return texts, _none(texts)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array, unreadable = _numbers(array)
    elif pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        unreadable = _none(array)
    else:
        return pa.nulls(len(array), wanted), pc.is_valid(array)
    array = _without_nan(array)
    if wanted == pa.int64() and pa.types.is_floating(array.type):
        fraction = pc.fill_null(pc.not_equal(array, pc.trunc(array)), fill_value=False)
        unreadable = pc.or_(unreadable, fraction)
        array = pc.if_else(fraction, pa.scalar(None, array.type), array)
        far = pc.fill_null(pc.greater(pc.abs(array), FARTHEST), fill_value=False)
        array = pc.if_else(far, pa.scalar(FARTHEST, array.type), array)
    return array.cast(wanted, safe=False), unreadable


NUMBER = r"^\s*[+-]?(\d+\.?\d*([eE][+-]?\d{1,3})?|\.\d+([eE][+-]?\d{1,3})?|nan|NaN|NAN)\s*$"


def _numbers(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    readable = pc.fill_null(pc.match_substring_regex(texts, NUMBER), fill_value=True)
    kept = pc.if_else(readable, pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string()))
    return kept.cast(pa.float64()), pc.invert(readable)


def _without_nan(array: pa.Array) -> pa.Array:
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.fill_null(pc.is_nan(array), fill_value=False), pa.scalar(None, array.type), array)


def _steps(array: pa.Array, domain: ExactDomain) -> tuple[pa.Array, pa.Array]:
    """(exact values in steps with nulls where unreadable, mask of the unreadable)."""
    if pa.types.is_temporal(array.type) and not pa.types.is_duration(array.type):
        return _cut(array, domain)
    if isinstance(domain, DecimalDomain) and pa.types.is_floating(array.type):
        # Binary fractions have no last decimal digit: they are rounded to the declared one.
        array = pc.round(_without_nan(array), ndigits=domain.scale)
    texts = array.cast(pa.string()).dictionary_encode()
    known = pa.array([_step_or_none(domain, text) for text in texts.dictionary.to_pylist()], pa.int64())
    steps = known.take(texts.indices)
    return steps, pc.and_(pc.is_valid(texts.indices), pc.is_null(steps))


def _step_or_none(domain: ExactDomain, text: str) -> int | None:
    try:
        return domain.steps(text.strip())
    except ValueError:
        return None


def _cut(array: pa.Array, domain: ExactDomain) -> tuple[pa.Array, pa.Array]:
    """Dates and times of any unit in the domain's steps, what is finer cut off."""
    is_time = pa.types.is_time(array.type)
    if isinstance(domain, DecimalDomain) or is_time != isinstance(domain, TimeDomain):
        return pa.nulls(len(array), pa.int64()), pc.is_valid(array)
    unit, step = _nanoseconds(array.type), _nanoseconds_of_step(domain)
    narrow = pa.int32() if array.type.bit_width == 32 else pa.int64()  # noqa: PLR2004
    counts = np.asarray(array.cast(narrow).fill_null(0), dtype=np.int64)
    steps = counts // (step // unit) if step >= unit else counts * (unit // step)
    return pa.array(steps, pa.int64(), mask=np.asarray(array.is_null())), _none(array)


def _nanoseconds(kind: pa.DataType) -> int:
    if pa.types.is_date32(kind):
        return 86_400 * 10**9
    return 10**6 if pa.types.is_date64(kind) else {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit]


def _nanoseconds_of_step(domain: DateDomain | TimestampDomain | TimeDomain) -> int:
    match domain:
        case DateDomain():
            return 86_400 * 10**9
        case TimestampDomain(per_second=per_second):
            return 10**9 // per_second
        case TimeDomain():
            return 10**9


def _none(array: pa.Array) -> pa.Array:
    return pa.array(np.zeros(len(array), dtype=bool))


def _outside(array: pa.Array, column: Column) -> pa.Array:
    match column.domain:
        case CategoricalDomain(categories=categories):
            listed = pc.is_in(array, value_set=pa.array(categories, type=pa.string()))
            return pc.and_(pc.invert(listed), pc.is_valid(array))
        case IntegerDomain(minimum=low, maximum=high) | NumberDomain(minimum=low, maximum=high):
            return pc.or_(pc.less(array, low), pc.greater(array, high))
        case TextDomain(maximum_length=longest):
            return pc.greater(pc.utf8_length(array), longest)
        case _:
            message = "exact values come in steps"
            raise ValueError(message)


def _expected(column: Column) -> str:  # noqa: PLR0911 - one return a kind reads as the table it is
    match column.domain:
        case CategoricalDomain(categories=categories):
            return f"one of the {len(categories)} declared categories"
        case IntegerDomain(minimum=low, maximum=high):
            return f"a whole number from {low} to {high}"
        case NumberDomain(minimum=low, maximum=high):
            return f"a number from {low} to {high}"
        case DecimalDomain(minimum=least, maximum=most, scale=scale):
            return f"a decimal from {least} to {most} with at most {scale} digits after the point"
        case TimestampDomain(minimum=first, maximum=last):
            return f"a moment (ISO 8601, no time zone) from {first.isoformat()} to {last.isoformat()}"
        case DateDomain(minimum=begin, maximum=end) | TimeDomain(minimum=begin, maximum=end):
            return f"a {column.domain.kind} (ISO 8601) from {begin.isoformat()} to {end.isoformat()}"
        case TextDomain(maximum_length=longest):
            return f"text of at most {longest} characters"
        case UnmeasuredDomain(of=of):
            return f"a {of}"


def reason_of(code: str, column: str, row: int, expected: str, actual: str) -> Reason:
    return Reason(code=code, column=column, row=row, expected=expected, actual=actual)
