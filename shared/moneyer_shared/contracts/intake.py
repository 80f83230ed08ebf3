"""What a table was found to be when it was held against its declaration; no value of it stands here."""

from typing import Literal

from moneyer_shared.contracts.documents import Document

FaultCode = Literal[
    "value-unreadable", "value-missing", "value-outside-domain", "row-ragged", "unit-too-large",
    "unit-in-two-partitions", "table-too-small",
]  # fmt: skip


class Fault(Document):
    """One kind of fault of one column, in the whole table.

    Rows are counted from 1 after the header: ``row`` is the first faulty one, ``first_rows`` the first few, ``rows``
    how many there are. A fault of the whole table has no column, and row 0.
    """

    code: FaultCode
    column: str
    row: int
    rows: int
    first_rows: list[int]
    expected: str
    actual: str
    remedy: str = ""


class ReadColumn(Document):
    """A declared column: the physical type it came in, and how many of its rows are missing or faulty."""

    name: str
    kind: str
    physical_type: str
    missing: int
    faulty: int


class TableReport(Document):
    """A table held against its declaration; it can be uploaded where it ``fits``.

    ``units`` counts privacy units; it is absent where their column has faults itself.
    """

    fits: bool
    format: str
    rows: int
    units: int | None
    columns: list[ReadColumn]
    faults: list[Fault]
