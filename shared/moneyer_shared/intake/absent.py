"""What a declaration says stands for a missing value, found by its letters or by the value it writes.

A file of numbers that says ``-99`` for missing says so in a CSV as text and in Parquet as a number: both are missing.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.domains import CategoricalDomain
from moneyer_shared.contracts.generation import Column
from moneyer_shared.intake.readings.reading import FARTHEST, FLOATS, Read, Reading, as_mask, without

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute


def read_around(array: pa.Array, column: Column, reading: Reading, of_text: Reading) -> Read:
    """An array with the column's ``missing_values`` null; ``reading`` reads its type, ``of_text`` text."""
    written = pa.array(column.missing_values, pa.string())
    if isinstance(column.domain, CategoricalDomain):
        # Read as if they were listed: a number then stands for the word that writes it, as for a category.
        wider = column.domain.model_copy(update={"categories": [*column.domain.categories, *column.missing_values]})
        return _without(reading(array, wider), written)
    if _is_text(array.type):
        array = without(array, as_mask(pc.is_in(array, value_set=written.cast(array.type))))
    return _without(reading(array, column.domain), _values(written, column, array.type, of_text))


def _without(read: Read, values: pa.Array) -> Read:
    return Read(without(read.values, as_mask(pc.is_in(read.values, value_set=values))), read.unreadable, read.outside)


def _values(written: pa.Array, column: Column, form: pa.DataType, of_text: Reading) -> pa.Array:
    """Those of the words that write a value of the kind, as the values of an array of this type are read."""
    values = of_text(written, column.domain).values.drop_null()
    if pa.types.is_integer(values.type):
        # What lies farther is read as one and the same, and is no longer told apart.
        return values.filter(pc.less(pc.abs(values), FARTHEST))
    if pa.types.is_floating(values.type) and pa.types.is_floating(form):
        narrow = FLOATS[form.bit_width]
        return pa.array(np.asarray(values).astype(narrow).astype(np.float64))
    return values


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
