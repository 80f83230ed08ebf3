"""Values against their declared domain, a batch at a time. A fault is told by column and row, never by value (I8)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import (
    CategoricalDomain,
    DateDomain,
    DecimalDomain,
    IntegerDomain,
    NumberDomain,
    TextDomain,
    TimeDomain,
    TimestampDomain,
    UnmeasuredDomain,
)
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_type, from_steps
from moneyer_shared.intake.faults import Faults, Words
from moneyer_shared.intake.meanings import MEANINGS, Meaning, PhysicalType, physical_type_of, values_of
from moneyer_shared.intake.readings import Mask, Read, as_mask

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
Rows = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Checked:
    """A batch that was read: each declared column as it lies at rest, absent where it holds a fault.

    ``bytes_read`` is what the columns took written out, also those with faults: reading them costs as much.
    """

    arrays: dict[str, pa.Array]
    missing: dict[str, int]
    rows: int
    bytes_read: int


def check_batch(batch: pa.RecordBatch, declaration: SourceDeclaration, rows: Rows, faults: Faults) -> Checked:
    """Read the declared columns of a batch whose rows have these numbers; faults are added to those found before."""
    arrays: dict[str, pa.Array] = {}
    missing: dict[str, int] = {}
    size = 0
    for column in declaration.columns:
        place = batch.schema.get_field_index(column.name)
        form = physical_type_of(batch.schema.field(place))
        array = batch.column(place)
        if MEANINGS[column.domain.kind][form].takes(column.domain):
            array = values_of(array)
            size += array.nbytes
        read, clean = _check_column(array, form, column, rows, faults)
        missing[column.name] = int(_missing(read).sum())
        if clean:
            arrays[column.name] = from_steps(read.values, column.domain).cast(arrow_type(column.domain))
    return Checked(arrays, missing, batch.num_rows, size)


def _check_column(array: pa.Array, form: PhysicalType, column: Column, rows: Rows, faults: Faults) -> tuple[Read, bool]:
    """The column as it was read, and whether it is without a fault."""
    meaning = MEANINGS[column.domain.kind][form]
    read = _read(array, column, meaning)
    outside = read.outside | as_mask(_outside(read.values, column))
    gaps = _missing(read) if not column.nullable else np.zeros(len(array), dtype=bool)
    expected = _expected(column)
    actual = (
        "something else"
        if meaning.takes(column.domain) and form is PhysicalType.TEXT
        else f"{form.value}: {_why(meaning)}"
    )
    faults.add("value-unreadable", column.name, rows[read.unreadable], Words(expected, actual, meaning.remedy))
    faults.add("value-missing", column.name, rows[gaps], Words("a value", "null or NaN"))
    faults.add("value-outside-domain", column.name, rows[outside], Words(expected, "a value outside it"))
    return read, not (read.unreadable.any() or gaps.any() or outside.any())


def _read(array: pa.Array, column: Column, meaning: Meaning) -> Read:
    if meaning.read is not None and meaning.takes(column.domain):
        return meaning.read(array, column.domain)
    nothing = np.zeros(len(array), dtype=bool)
    return Read(pa.nulls(len(array)), np.asarray(array.is_valid(), dtype=bool), nothing)


def _why(meaning: Meaning) -> str:
    """Why a form is refused, or which values of one that is taken are not read."""
    if meaning.read is None:
        return meaning.says
    return f"taken {meaning.where[0]}" if meaning.where else f"what is taken is {meaning.says}"


def _missing(read: Read) -> Mask:
    return np.asarray(read.values.is_null(), dtype=bool) & ~read.unreadable & ~read.outside


def _outside(array: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_null(array.type):
        return pa.array(np.zeros(len(array), dtype=bool))
    match column.plain.domain:
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
