"""CSV: every cell is text, in the header too; what text means is the declaration's to say."""

import io
import secrets
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.errors import Invalid
from moneyer_shared.intake.faults import Faults, Words
from moneyer_shared.intake.header import LONGEST_HEADER, MOST_COLUMNS, Limits, check_header, too_wide

CSV_BLOCK = 4 * 2**20
MOST_RAGGED = 100_000
"""Rows of another length, above which nobody mends them one by one."""
BOM = b"\xef\xbb\xbf"


def csv_batches(
    body: IO[bytes], declaration: SourceDeclaration, _: Limits, faults: Faults
) -> Iterator[tuple[pa.RecordBatch, Any]]:
    """The batches and the numbers of their rows; rows with another number of fields are faults, and left out.

    Raises:
        Invalid: no header, another header, a quote that is never closed, or very many rows of another length.
    """
    header = read_header(body)
    check_header(header, declaration)
    ragged = _Ragged()
    # Whoever opens a quote and never closes it swallows all rows after it: one more row must come out at the end.
    last = secrets.token_hex(16)
    reader = pa_csv.open_csv(
        _Followed(body, last.encode() + b"," * (len(header) - 1) + b"\n"),
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK),
        parse_options=pa_csv.ParseOptions(
            newlines_in_values=True,
            invalid_row_handler=ragged.met,
            # An empty line is a row of one missing value where there is one column, and none where there are more.
            ignore_empty_lines=len(header) > 1,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    yield from _but_the_last(reader, last, ragged)
    words = Words(f"{len(header)} fields", "another number of fields", "quote what holds a comma or a line break")
    faults.add("row-ragged", "", np.array(sorted(ragged.rows), dtype=np.int64), words)


def _but_the_last(reader: Any, last: str, ragged: "_Ragged") -> Iterator[tuple[pa.RecordBatch, Any]]:
    held: pa.RecordBatch | None = None
    numbers = _Numbers(ragged)
    for batch in reader:
        if batch.num_rows == 0:
            continue
        if held is not None:
            yield held, numbers.of(held.num_rows)
        held = batch
    if held is None or held.column(0)[held.num_rows - 1].as_py() != last:
        raise Invalid(
            "A quote is opened and never closed, so that all rows after it would be one cell; close it, and write a "
            "quote inside quotes twice.",
            code="table-unreadable",
        )
    if held.num_rows > 1:
        yield held.slice(0, held.num_rows - 1), numbers.of(held.num_rows - 1)


class _Ragged:
    """The rows whose number of fields is another."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def met(self, row: pa_csv.InvalidRow) -> str:
        self.rows.append(row.number - 1)
        return "skip" if len(self.rows) < MOST_RAGGED else "error"


class _Numbers:
    """Which rows of the file those are that are left once the ragged ones are out."""

    def __init__(self, ragged: _Ragged) -> None:
        self._ragged = ragged
        self._next = 1
        self._passed = 0

    def of(self, count: int) -> Any:
        """The numbers of the next ``count`` rows."""
        numbers = np.arange(self._next, self._next + count)
        rows = self._ragged.rows
        while self._passed < len(rows) and rows[self._passed] <= numbers[-1]:
            numbers[numbers >= rows[self._passed]] += 1
            self._passed += 1
        self._next = int(numbers[-1]) + 1
        return numbers


class _Followed(io.RawIOBase):
    """A body on a line of its own, and one row more."""

    def __init__(self, body: IO[bytes], row: bytes) -> None:
        self._body = body
        self._row = row
        self._ends_a_line = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._body.read(len(buffer))
        if got:
            self._ends_a_line = got[-1:] in {b"\n", b"\r"}
        elif self._row:
            if not self._ends_a_line:
                self._row, self._ends_a_line = b"\n" + self._row, True
            got, self._row = self._row[: len(buffer)], self._row[len(buffer) :]
        buffer[: len(got)] = got
        return len(got)


def read_header(body: IO[bytes]) -> list[str]:
    """The names in the first row, as text and nothing else; the body stands at its beginning again.

    Raises:
        Invalid: there is none, or it is too long, too wide or no UTF-8.
    """
    line = _first_row(body.read(LONGEST_HEADER))
    body.seek(0)
    if len(line) == LONGEST_HEADER or line.count(b",") >= MOST_COLUMNS:
        raise too_wide()
    if not line.strip():
        raise Invalid("The table has no rows.", code="table-empty")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The body is not readable text/csv: it is not UTF-8.", code="table-unreadable") from None
    names = [f"f{place}" for place in range(line.count(b",") + 1)]
    first = pa_csv.read_csv(
        pa.BufferReader(line + b"\n"),
        read_options=pa_csv.ReadOptions(autogenerate_column_names=True, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[]),
    )
    return [column[0].as_py() for column in first.columns]


def _first_row(start: bytes) -> bytes:
    """Up to the first line end outside of quotes."""
    quoted = False
    for place, letter in enumerate(start):
        if letter == ord('"'):
            quoted = not quoted
        elif not quoted and letter in b"\r\n":
            return start[:place]
    return start
