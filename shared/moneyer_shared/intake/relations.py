"""Relations between columns, held against rows as they are kept."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute

from moneyer_shared.contracts.shape import Constraint
from moneyer_shared.intake.readings.reading import as_mask

# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
BROKEN_BY: Mapping[str, str] = {
    "<": "greater_equal", "<=": "greater", "=": "not_equal", "!=": "equal", ">=": "less", ">": "less_equal",
}  # fmt: skip
"""What holds of two values where a relation does not."""


def rows_that_break(relation: Constraint, arrays: Mapping[str, pa.Array]) -> int:
    """How many rows of a batch break a relation; none where a value is missing, or a column has faults itself."""
    left, right = arrays.get(relation.left), arrays.get(relation.right)
    if left is None or right is None:
        return 0
    return int(as_mask(getattr(pc, BROKEN_BY[relation.relation])(left, right)).sum())
