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
    """A declared column: the physical type it came in, and how many of its rows are missing, replaced or faulty.

    ``rule`` is what the declaration says of values outside the domain; ``replaced`` counts those it changed, which
    are not among the ``missing``.
    """

    name: str
    kind: str
    physical_type: str
    missing: int
    replaced: int
    rule: str
    faulty: int


class BrokenRelation(Document):
    """A relation between columns that the declaration says of every row, and how many rows do not keep it.

    Rows are told as they would be kept: after values outside a domain were replaced. Where a value is missing nothing
    is broken.
    """

    relation: str
    rows: int


class TableReport(Document):
    """A table held against its declaration; it can be uploaded where it ``fits``.

    ``units`` counts privacy units; it is absent where their column has faults itself. Rows that break a relation are
    told in ``broken`` and kept: relations are what made tables are held to, and what real rows lack is theirs to show.
    """

    fits: bool
    format: str
    rows: int
    units: int | None
    columns: list[ReadColumn]
    broken: list[BrokenRelation]
    faults: list[Fault]

    @property
    def replaced(self) -> dict[str, int]:
        """How many values of each column were replaced, of those with any."""
        return {column.name: column.replaced for column in self.columns if column.replaced}
