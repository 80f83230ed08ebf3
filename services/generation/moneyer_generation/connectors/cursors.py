"""Rows of a driver's cursor as Arrow batches, in the types that the cursor declares: each value exactly, or refused."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from moneyer_generation.connectors.faults import Fault

BATCH_ROWS = 16_384
BATCH_BYTES = 4 * 2**20
LESS = 16
"""What a value is taken to weigh that has no length, in bytes."""


@dataclass(frozen=True)
class Column:
    """A column of a result. ``read`` makes of a value, as the driver gives it, what ``type`` takes.

    It raises ValueError where the type has no such value; ``holds`` says which values it has.
    """

    name: str
    type: pa.DataType
    read: Callable[[Any], Any]
    holds: str


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in columns])


def batches(rows: Iterable[Sequence[Any]], columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    """The rows in the columns' types, so many at a time as fit a bound of memory.

    Raises:
        Fault: a value is none that its column's type has.
    """
    schema, before = schema_of(columns), 0
    for chunk in _chunks(rows):
        values = zip(*chunk, strict=True)
        yield pa.RecordBatch.from_arrays(
            [_array(column, found, before) for column, found in zip(columns, values, strict=True)], schema=schema
        )
        before += len(chunk)


def _chunks(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    chunk: list[Sequence[Any]] = []
    weight = 0
    for row in rows:
        chunk.append(row)
        weight += sum(len(one) if isinstance(one, str | bytes) else LESS for one in row)
        if len(chunk) == BATCH_ROWS or weight >= BATCH_BYTES:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def _array(column: Column, values: Sequence[Any], before: int) -> pa.Array:
    read = column.read
    try:
        return pa.array([None if one is None else read(one) for one in values], column.type)
    except (ValueError, OverflowError, ArithmeticError, TypeError):
        raise _first_fault(column, values, before) from None


def _first_fault(column: Column, values: Sequence[Any], before: int) -> Fault:
    row = next((place for place, one in enumerate(values, before + 1) if not _is_read(column, one)), 0)
    reason: dict[str, str | int] = {
        "code": "value-unreadable",
        "column": column.name,
        "row": row,
        "expected": column.holds,
        "actual": "another value",
    }
    detail = "A column holds a value that no table can: leave it out, or CAST the column in a query."
    return Fault("table-invalid", detail, [reason])


def _is_read(column: Column, value: Any) -> bool:
    try:
        pa.array([None if value is None else column.read(value)], column.type)
    except (ValueError, OverflowError, ArithmeticError, TypeError):
        return False
    return True


def refused_type(name: str, remedy: str) -> Fault:
    """A column whose type no table has."""
    reason: dict[str, str | int] = {
        "code": "column-type-refused",
        "column": name,
        "row": 0,
        "expected": "a type that tables have",
        "actual": "another",
    }
    return Fault("table-invalid", f"A column's type is none that tables have: {remedy}.", [reason])
