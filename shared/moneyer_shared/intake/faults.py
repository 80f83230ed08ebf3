"""What is wrong with a table: every kind of fault of every column counted to the end and told by row (I8)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np

from moneyer_shared.contracts.intake import Fault, FaultCode
from moneyer_shared.errors import Invalid

FIRST_ROWS = 5
MOST_FAULTS = 2_000
"""Above what a declaration's 500 columns can show, so that all are told."""


class Reason(TypedDict):
    """Where a fault of the header is."""

    code: str
    column: str
    row: int
    expected: str
    actual: str


def reason_of(code: str, column: str, row: int, expected: str, actual: str) -> Reason:
    return Reason(code=code, column=column, row=row, expected=expected, actual=actual)


@dataclass
class _Counted:
    rows: int = 0
    first: list[int] = field(default_factory=list[int])


@dataclass(frozen=True)
class Words:
    """What is said of a fault beside where it is."""

    expected: str
    actual: str
    remedy: str = ""


class Faults:
    """Faults as they are found, in the order they are first met."""

    def __init__(self) -> None:
        self._found: dict[tuple[FaultCode, str, Words], _Counted] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, code: FaultCode, column: str, rows: np.ndarray[Any, Any], words: Words) -> None:
        """Faults in these rows, counted from 1 in ascending order."""
        if not len(rows):
            return
        counted = self._found.setdefault((code, column, words), _Counted())
        counted.rows += len(rows)
        counted.first += [int(row) for row in rows[: FIRST_ROWS - len(counted.first)]]

    def faulty(self, column: str) -> int:
        return sum(counted.rows for (_, name, _), counted in self._found.items() if name == column)

    def all(self, columns: Sequence[str] = ()) -> list[Fault]:
        """Every one of them, in the order of the columns."""
        places = {name: place for place, name in enumerate(columns)}
        told = sorted(self._found.items(), key=lambda entry: places.get(entry[0][1], len(places)))
        return [
            Fault(
                code=code,
                column=column,
                row=counted.first[0],
                rows=counted.rows,
                first_rows=counted.first,
                expected=words.expected,
                actual=words.actual,
                remedy=words.remedy,
            )
            for (code, column, words), counted in told
        ]


def refusal(faults: Sequence[Fault]) -> Invalid:
    """All of them as one problem."""
    columns = {fault.column for fault in faults}
    return Invalid(
        f"{len(columns)} column(s) do not fit the declaration; each fault is told with how many rows have it and the "
        "first of them.",
        code="table-invalid",
        reasons=[fault.model_dump(exclude_defaults=True) for fault in faults[:MOST_FAULTS]],
    )
