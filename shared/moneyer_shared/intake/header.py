"""What is known of a table before its rows: how large it may be, and that its columns are the declared ones."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid, TooLarge
from moneyer_shared.intake.faults import MOST_FAULTS, reason_of

MOST_COLUMNS = 2_000
"""Beyond what a declaration may name, so that a strange column is still told by its place."""
LONGEST_HEADER = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much an upload may hold: as sent, and once decoded."""

    body_bytes: int
    table_bytes: int


def too_large(declaration: SourceDeclaration, limits: Limits) -> TooLarge:
    return TooLarge(f"The table holds more than {declaration.row_limit} rows or {limits.table_bytes} bytes.")


def too_wide() -> Invalid:
    return Invalid(
        f"A table may have {MOST_COLUMNS} columns, and a header {LONGEST_HEADER} bytes.", code="table-invalid"
    )


def check_header(names: Sequence[str], declaration: SourceDeclaration, schema: pa.Schema | None = None) -> None:
    """That the columns are the declared ones, each once, in any order, beside those that are to be left out.

    The schema tells which are a data frame's index.

    Raises:
        Invalid: naming every column that is missing, twice there or not declared.
    """
    declared = [column.name for column in declaration.columns]
    known, counts, indices = {*declared, *declaration.left_out}, Counter(names), _pandas_index(schema)
    # An undeclared name may itself be data (a file without a header); it is counted, not repeated.
    strange = [
        (i, _strange(name, i == len(names) - 1, known, indices)) for i, name in enumerate(names) if name not in known
    ]
    twice = sorted(name for name, count in counts.items() if count > 1)
    reasons = [
        reason_of("column-duplicate", name, 0, "each column once", "more than once") for name in twice if name in known
    ]
    reasons += [reason_of("column-missing", name, 0, "present", "absent") for name in declared if name not in counts]
    reasons += [
        reason_of("column-undeclared", f"number {i + 1}", 0, "a declared column", actual) for i, actual in strange
    ]
    if reasons or twice:
        raise Invalid("The header does not match the declaration.", code="table-invalid", reasons=reasons[:MOST_FAULTS])


def _strange(name: str, is_last: bool, known: set[str], indices: set[str]) -> str:
    """What a column that is not declared seems to be; of its name no more than that a declared one is like it."""
    if name in indices or (not name.strip() and not is_last):
        return "a data frame's index, written with it: leave it out with index=False"
    if not name.strip():
        return "no name: the rows may all end with a comma, which begins a further field"
    like = next((one for one in known if one.strip().casefold() == name.strip().casefold()), None)
    return "another name" if like is None else f"{like}, but for capitals or spaces around it"


def _pandas_index(schema: pa.Schema | None) -> set[str]:
    """The columns that pandas says it made of an index."""
    told = (schema.metadata or {}).get(b"pandas") if schema is not None else None
    try:
        read = json.loads(told or b"{}")
        return {name for name in read.get("index_columns", []) if isinstance(name, str)}
    except (ValueError, AttributeError, TypeError, RecursionError):
        return set()
