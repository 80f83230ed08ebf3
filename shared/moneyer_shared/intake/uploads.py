"""A table on its way in: its format found, its batches read and checked, so that no table need fit in memory."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa

from moneyer_shared.contracts.generation import Column, SourceDeclaration
from moneyer_shared.contracts.intake import BrokenRelation, ReadColumn, TableReport
from moneyer_shared.errors import Invalid, UnsupportedMedia
from moneyer_shared.exact import arrow_schema
from moneyer_shared.intake.arrow import arrow_batches, arrow_file_batches
from moneyer_shared.intake.csv_text import csv_batches
from moneyer_shared.intake.faults import Faults, Words, refusal
from moneyer_shared.intake.header import Limits, too_large
from moneyer_shared.intake.meanings import PhysicalType, physical_type_of
from moneyer_shared.intake.parquet import parquet_batches
from moneyer_shared.intake.relations import rows_that_break
from moneyer_shared.intake.units import Units
from moneyer_shared.intake.values import Checked, check_batch

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ARROW_STREAM, ARROW_FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"
MEDIA_TYPES = (CSV, PARQUET, ARROW_STREAM, ARROW_FILE)
ANY_BYTES = "application/octet-stream"
"""The format is found by what the body begins with."""
BEGINNINGS = ((b"PAR1", PARQUET), (b"PARE", PARQUET), (b"ARROW1", ARROW_FILE), (b"\xff\xff\xff\xff", ARROW_STREAM))
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
NOT_TEXT = {
    b"PK": "a ZIP archive or a workbook",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\xd0\xcf": "a workbook",
    b"FEA1": "a Feather file of version 1",
    b"Obj\x01": "Avro",
    b"BZh91AY&": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x04\x22M\x18": "lz4",
    b"SQLite f": "a SQLite database",
    b"%PDF-": "a PDF",
    b"<!DOCTYP": "a page of HTML",
    b"<?xml": "XML",
    b'[{"': "JSON",
    b'{"': "JSON",
}
FEWEST_UNITS = 2


def media_type_of(content_type: str) -> str:
    """The media type alone, as text is read in UTF-8 whatever is said of it.

    Raises:
        UnsupportedMedia: another character set is said.
    """
    media_type, _, parameters = content_type.partition(";")
    said = re.search(r"charset\s*=\s*\"?([^\s;\"]*)", parameters.lower())
    if said is not None and said[1] not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMedia("Text is read in UTF-8: write the file in it, and say so or nothing.")
    return media_type.strip().lower()


class Body(Protocol):
    """Bytes that can be read from the beginning as often as wanted."""

    def reader(self) -> IO[bytes]: ...


@dataclass(frozen=True)
class Upload:
    """A table on its way in: read from its body as often as needed, checked each time.

    ``sha256`` is that of the decoded body, where somebody counted it.
    """

    body: Body
    media_type: str
    declaration: SourceDeclaration
    limits: Limits
    sha256: str = ""

    def tables(self) -> Iterator[pa.Table]:
        """The declared columns as they lie at rest, a batch at a time, every value inside the declared domain.

        Raises:
            Invalid: with every fault up to the first batch that has one; or the body is no table.
            UnsupportedMedia: not a format we read.
            TooLarge: more rows or bytes than declared or allowed.
        """
        faults = Faults()
        schema = arrow_schema(self.declaration.columns)
        for checked, _ in self.checked(faults):
            if faults:
                raise refusal(faults.all(schema.names))
            yield pa.Table.from_arrays([checked.arrays[name] for name in schema.names], schema=schema)

    def checked(self, faults: Faults, seen: Callable[[pa.Schema], None] | None = None) -> Iterator[tuple[Checked, Any]]:
        """Each batch as it was read, and the numbers of its rows; what is wrong is added to the faults, to the end.

        Raises:
            Invalid: the body is no table with the declared columns.
            UnsupportedMedia: not a format we read.
            TooLarge: more rows or bytes than declared or allowed.
        """
        media_type = self.format()
        rows = size = 0
        try:
            with self.body.reader() as body:
                for batch, numbers in READERS[media_type](body, self.declaration, self.limits, faults):
                    if seen is not None:
                        seen(batch.schema)
                    rows += batch.num_rows
                    if rows > self.declaration.row_limit:
                        raise too_large(self.declaration, self.limits)
                    checked = check_batch(batch, self.declaration, numbers, faults)
                    size += max(checked.bytes_read, sum(array.nbytes for array in checked.arrays.values()))
                    if size > self.limits.table_bytes:
                        raise too_large(self.declaration, self.limits)
                    yield checked, numbers
        except (pa.ArrowException, OSError) as error:
            # Arrow's message may quote a line of the file.
            because = f"The body is not readable {media_type}: {_fault(error)}."
            raise Invalid(because, code="table-unreadable") from None
        if rows == 0 and not faults:
            raise Invalid("The table has no rows.", code="table-empty")

    def format(self) -> str:
        """The media type that the body has, by what it begins with.

        Raises:
            Invalid: it is another than was said, or compressed without saying so.
            UnsupportedMedia: not a format we read.
        """
        if self.media_type not in {*MEDIA_TYPES, ANY_BYTES}:
            raise UnsupportedMedia(
                f"Send {', '.join(MEDIA_TYPES)}, or {ANY_BYTES} to have it found; not "
                f"{self.media_type or 'an unnamed type'}."
            )
        with self.body.reader() as body:
            start = body.read(8)
        found = next((kind for mark, kind in BEGINNINGS if start.startswith(mark)), None)
        encoding = next((name for mark, name in COMPRESSED.items() if start.startswith(mark)), None)
        if encoding is not None:
            raise Invalid(
                f"The body is {encoding} and does not say so: send it with Content-Encoding: {encoding}.",
                code="encoding-unsaid",
            )
        other = next((name for mark, name in NOT_TEXT.items() if start.startswith(mark)), None)
        if found is None and other is not None:
            raise Invalid(f"The body is {other}; send CSV in UTF-8, Parquet or Arrow.", code="table-unreadable")
        if self.media_type in {ANY_BYTES, found}:
            return found or CSV
        if found is None and self.media_type == CSV:
            return CSV
        raise Invalid(
            f"The body is {found or 'neither Parquet nor Arrow'} and was sent as {self.media_type}: send it as "
            f"{found or CSV}.",
            code="media-type-disagrees",
        )


def inspect(upload: Upload, key: bytes, told: Callable[[int], None] | None = None) -> TableReport:
    """The whole table held against its declaration; ``told`` hears how many rows were read so far.

    Raises:
        Invalid, UnsupportedMedia, TooLarge: as ``Upload.checked``.
    """
    faults, units, seen = Faults(), Units(upload.declaration, key), _Seen(upload.declaration)
    for checked, numbers in upload.checked(faults, seen.types_of):
        units.see(checked.arrays, numbers)
        seen.count(checked)
        if told is not None:
            told(seen.rows)
    count = units.check(faults) if seen.rows else None
    if count is not None and count < FEWEST_UNITS:
        words = Words(f"at least {FEWEST_UNITS} privacy units", "fewer", "a part of them is held out to judge by")
        faults.add("table-too-small", "", np.array([0]), words)
    return seen.report(upload.format(), count, faults)


class _Seen:
    """What is counted of a table while it is read."""

    def __init__(self, declaration: SourceDeclaration) -> None:
        self._declaration = declaration
        self._types: dict[str, PhysicalType] = {}
        self._missing, self._replaced = Counter[str](), Counter[str]()
        self._broken = [0 for _ in declaration.constraints]
        self.rows = 0

    def types_of(self, schema: pa.Schema) -> None:
        names = [column.name for column in self._declaration.columns]
        self._types.update({name: physical_type_of(schema.field(name)) for name in names})

    def count(self, checked: Checked) -> None:
        self.rows += checked.rows
        self._missing.update(checked.missing)
        self._replaced.update(checked.replaced)
        for place, relation in enumerate(self._declaration.constraints):
            self._broken[place] += rows_that_break(relation, checked.arrays)

    def report(self, media_type: str, units: int | None, faults: Faults) -> TableReport:
        found = faults.all([column.name for column in self._declaration.columns])
        said = [f"{one.left} {one.relation} {one.right}" for one in self._declaration.constraints]
        return TableReport(
            fits=not found,
            format=media_type,
            rows=self.rows,
            units=units,
            columns=[self._column(column, faults.faulty(column.name)) for column in self._declaration.columns],
            broken=[
                BrokenRelation(relation=text, rows=rows) for text, rows in zip(said, self._broken, strict=True) if rows
            ],
            faults=found,
        )

    def _column(self, column: Column, faulty: int) -> ReadColumn:
        return ReadColumn(
            name=column.name,
            kind=column.domain.kind,
            physical_type=self._types.get(column.name, PhysicalType.NOTHING).value,
            missing=self._missing[column.name],
            replaced=self._replaced[column.name],
            rule=column.rule,
            faulty=faulty,
        )


def _fault(error: Exception) -> str:
    text = str(error).lower()
    if "utf8" in text or "utf-8" in text:
        return "it is not UTF-8"
    return "it is damaged or cut short"


Numbered = Iterator[tuple[pa.RecordBatch, Any]]
Reader = Callable[[IO[bytes], SourceDeclaration, Limits, Faults], Numbered]


def _numbered(read: Callable[[IO[bytes], SourceDeclaration, Limits], Iterator[pa.RecordBatch]]) -> Reader:
    """A format that has no rows but whole ones."""

    def batches(body: IO[bytes], declaration: SourceDeclaration, limits: Limits, _: Faults) -> Numbered:
        first = 1
        for batch in read(body, declaration, limits):
            yield batch, np.arange(first, first + batch.num_rows)
            first += batch.num_rows

    return batches


READERS: dict[str, Reader] = {
    CSV: csv_batches,
    PARQUET: _numbered(parquet_batches),
    ARROW_STREAM: _numbered(arrow_batches),
    ARROW_FILE: _numbered(arrow_file_batches),
}
