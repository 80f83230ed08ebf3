"""Values against their declared domain, a batch at a time. A fault is told by column and row, never by value (I8).

A column may say before a row is seen what becomes of a value outside its domain. That happens here, once, for every
format: the value is read exactly, held against the domain, and replaced or refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import CategoricalDomain, IntegerDomain, NumberDomain, TextDomain
from moneyer_shared.contracts.extents import Extent, extent_of
from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.exact import arrow_type, from_steps
from moneyer_shared.intake.absent import read_around
from moneyer_shared.intake.faults import Faults, Words
from moneyer_shared.intake.meanings import MEANINGS, Meaning, PhysicalType, physical_type_of, values_of
from moneyer_shared.intake.readings.reading import Mask, Read, as_mask, none

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
Rows = np.ndarray[Any, Any]
Counts = dict[str, int]


@dataclass(frozen=True)
class Checked:
    """A batch that was read: each declared column as it lies at rest, absent where it holds a fault.

    ``bytes_read`` is what the columns took written out, also those with faults: reading them costs as much. ``missing``
    and ``replaced`` count values by column.
    """

    rows: int
    bytes_read: int = 0
    arrays: dict[str, pa.Array] = field(default_factory=dict[str, pa.Array])
    missing: Counts = field(default_factory=Counts)
    replaced: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class _Held:
    """A column held against its domain: its values as they are kept, and which rows are what."""

    values: pa.Array
    unreadable: Mask
    missing: Mask
    outside: Mask
    replaced: Mask


def check_batch(batch: pa.RecordBatch, declaration: SourceDeclaration, rows: Rows, faults: Faults) -> Checked:
    """Read the declared columns of a batch whose rows have these numbers; faults are added to those found before."""
    checked, size = Checked(batch.num_rows), 0
    for column in declaration.columns:
        place = batch.schema.get_field_index(column.name)
        form = physical_type_of(batch.schema.field(place))
        array = batch.column(place)
        if MEANINGS[column.domain.kind][form].takes(column.domain):
            array = values_of(array)
            size += array.nbytes
        held, clean = _check_column(array, form, column, rows, faults)
        checked.missing[column.name] = int(held.missing.sum())
        checked.replaced[column.name] = int(held.replaced.sum())
        if clean:
            kept = from_steps(held.values, column.domain).cast(arrow_type(column.domain))
            checked.arrays[column.name] = kept
    return replace(checked, bytes_read=size)


def _check_column(
    array: pa.Array, form: PhysicalType, column: Column, rows: Rows, faults: Faults
) -> tuple[_Held, bool]:
    """The column as it is kept, and whether it is without a fault."""
    meaning = MEANINGS[column.domain.kind][form]
    held = _by_rule(_read(array, column, meaning), column)
    gaps = held.missing if not column.nullable else none(array)
    expected = _expected(extent_of(column.domain))
    actual = (
        "something else"
        if meaning.takes(column.domain) and form is PhysicalType.TEXT
        else f"{form.value}: {_why(meaning)}"
    )
    faults.add("value-unreadable", column.name, rows[held.unreadable], Words(expected, actual, meaning.remedy))
    faults.add("value-missing", column.name, rows[gaps], Words("a value", "null or NaN"))
    faults.add("value-outside-domain", column.name, rows[held.outside], Words(expected, "a value outside it"))
    return held, not (held.unreadable.any() or gaps.any() or held.outside.any())


def _read(array: pa.Array, column: Column, meaning: Meaning) -> Read:
    if meaning.read is not None and meaning.takes(column.domain):
        if not column.missing_values:
            return meaning.read(array, column.domain)
        of_text = MEANINGS[column.domain.kind][PhysicalType.TEXT].read
        assert of_text is not None, "every kind is read from text"
        return read_around(array, column, meaning.read, of_text)
    return Read(pa.nulls(len(array)), np.asarray(array.is_valid(), dtype=bool), none(array))


def _why(meaning: Meaning) -> str:
    """Why a form is refused, or which values of one that is taken are not read."""
    if meaning.read is None:
        return meaning.says
    return f"taken {meaning.where[0]}" if meaning.where else f"what is taken is {meaning.says}"


# --- what lies outside, and what becomes of it ----------------------------------------------------------


def _by_rule(read: Read, column: Column) -> _Held:
    """The values as the column's rule leaves them: each by itself, whatever else the table holds."""
    missing = np.asarray(read.values.is_null(), dtype=bool) & ~read.unreadable & ~read.outside
    below, above = _beyond(read.values, column)
    outside = read.outside | below | above
    if not column.replaces or not outside.any():
        return _Held(read.values, read.unreadable, missing, outside, none(read.values))
    if column.rule == "nearest":
        kept = _nearest(read.values, below, above, column)
        return _Held(kept, read.unreadable, missing, read.outside, below | above)
    instead = None if column.rule == "null" else column.rule
    kept = pc.if_else(pa.array(outside), pa.scalar(instead, read.values.type), read.values)
    return _Held(kept, read.unreadable, missing, none(read.values), outside)


def _nearest(values: pa.Array, below: Mask, above: Mask, column: Column) -> pa.Array:
    domain = column.plain.domain
    assert isinstance(domain, IntegerDomain | NumberDomain), "only bounds have a nearest one"
    # As numbers are read: zero has no sign.
    low, high = (pa.scalar(end + 0, values.type) for end in (domain.minimum, domain.maximum))
    return pc.if_else(pa.array(below), low, pc.if_else(pa.array(above), high, values))


def _beyond(values: pa.Array, column: Column) -> tuple[Mask, Mask]:
    """(below the least, above the most or too long)."""
    if pa.types.is_null(values.type):
        return none(values), none(values)
    match column.plain.domain:
        case CategoricalDomain():
            return none(values), none(values)
        case IntegerDomain(minimum=low, maximum=high) | NumberDomain(minimum=low, maximum=high):
            return as_mask(pc.less(values, low)), as_mask(pc.greater(values, high))
        case TextDomain(maximum_length=longest):
            return none(values), as_mask(pc.greater(pc.utf8_length(values), longest))
        case _:
            message = "exact values come in steps"
            raise ValueError(message)


_BETWEEN: Mapping[str, str] = {
    "integer": "a whole number from {} to {}",
    "number": "a number from {} to {}",
    "decimal": "a decimal from {} to {} with at most {scale} digits after the point",
    "timestamp": "a moment (ISO 8601, no time zone) from {} to {}",
    "date": "a date (ISO 8601) from {} to {}",
    "time": "a time (ISO 8601) from {} to {}",
}


def _expected(extent: Extent) -> str:
    if extent.longest is not None:
        return f"text of at most {extent.longest} characters"
    if extent.ends is None:
        return f"one of the {len(extent.categories)} declared categories"
    return _BETWEEN[extent.kind].format(*extent.written, scale=extent.scale)
