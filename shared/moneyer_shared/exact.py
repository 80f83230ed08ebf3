"""Tables as their declaration says they lie at rest, and as the plain numbers that engines and measures see.

A date, a moment, a time of the day and a decimal are whole numbers of a step: with them no engine and no measure needs
to know a fourth kind of column.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import (
    DateDomain,
    DecimalDomain,
    Domain,
    TimeDomain,
    TimestampDomain,
)
from moneyer_shared.contracts.generation import Column, SourceDeclaration

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
DECIMAL_DIGITS = 18
MILLISECONDS = 1000
PLAIN_TYPES: dict[str, pa.DataType] = {
    "categorical": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}


def arrow_type(domain: Domain) -> pa.DataType:
    """The type of such a column at rest and in a download."""
    match domain:
        case DateDomain():
            return pa.date32()
        case TimestampDomain():
            return pa.timestamp("ms")
        case TimeDomain():
            return pa.time32("ms")
        case DecimalDomain(scale=scale):
            return pa.decimal128(DECIMAL_DIGITS, scale)
        case _:
            return PLAIN_TYPES[domain.kind]


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of a table of these columns at rest."""
    return pa.schema([pa.field(c.name, arrow_type(c.domain), nullable=c.nullable) for c in columns])


def plain_table(table: pa.Table, declaration: SourceDeclaration) -> pa.Table:
    """The learned columns of a table at rest, exact values as whole numbers of their step."""
    arrays = [to_steps(table[column.name], column.domain) for column in declaration.learned]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(declaration.plain.learned))


def to_steps(array: Any, domain: Domain) -> Any:
    """A column at rest, its exact values as whole numbers (int64)."""
    match domain:
        case DateDomain():
            return array.cast(pa.int32()).cast(pa.int64())
        case TimestampDomain(per_second=per_second):
            return pc.divide(array.cast(pa.int64()), MILLISECONDS // per_second)
        case TimeDomain():
            return pc.divide(array.cast(pa.int32()).cast(pa.int64()), MILLISECONDS)
        case DecimalDomain(scale=scale):
            unit = pa.scalar(Decimal(10**scale), pa.decimal128(scale + 1, 0))
            return pc.multiply(array, unit).cast(pa.int64())
        case _:
            return array


def from_steps(array: Any, domain: Domain) -> Any:
    """Whole numbers as the column they are at rest."""
    match domain:
        case DateDomain():
            return array.cast(pa.int32()).cast(pa.date32())
        case TimestampDomain(per_second=per_second):
            return pc.multiply(array, MILLISECONDS // per_second).cast(pa.timestamp("ms"))
        case TimeDomain():
            return pc.multiply(array, MILLISECONDS).cast(pa.int32()).cast(pa.time32("ms"))
        case DecimalDomain(scale=scale):
            step = pa.scalar(Decimal(1).scaleb(-scale), pa.decimal128(scale + 1, scale))
            scaled = pc.multiply(array.cast(pa.decimal128(19, 0)), step)
            return scaled.cast(pa.decimal128(DECIMAL_DIGITS, scale))
        case _:
            return array
