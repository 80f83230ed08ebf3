"""CSV: every cell is text, in the header too; what text means is the declaration's to say."""

import io
import re
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
_WELL_QUOTED = re.compile(rb'(?:[^"]*+(?:(?<![,\r\n])"|"[^"]*+(?:""[^"]*+)*+"(?=[,\r\n])))*+[^"]*+')
"""Fields in quotes that end with their quote, and quotes within fields that are not in quotes (RFC 4180 §2)."""
_IN_QUOTES = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
LONGEST_ROW = 2 * CSV_BLOCK
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def csv_batches(
    body: IO[bytes], declaration: SourceDeclaration, _: Limits, faults: Faults
) -> Iterator[tuple[pa.RecordBatch, Any]]:
    """The batches and the numbers of their rows; rows with another number of fields are faults, and left out.

    Raises:
        Invalid: no header, another header, a quote that is never closed, or very many rows of another length.
    """
    header = read_header(body)
    _check_delimiter(header, declaration)
    check_header(header, declaration)
    ragged = _Ragged()
    try:
        yield from _rows(body, header, ragged)
    except pa.ArrowInvalid as error:
        raise _unreadable(str(error), ragged) from None
    words = Words(
        f"{len(header)} fields",
        "another number of fields",
        "quote what holds a comma or a line break, and end no row with a comma",
    )
    faults.add("row-ragged", "", np.array(sorted(ragged.rows), dtype=np.int64), words)


def _rows(body: IO[bytes], header: list[str], ragged: "_Ragged") -> Iterator[tuple[pa.RecordBatch, Any]]:
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
        raise _never_closed()
    if held.num_rows > 1:
        yield held.slice(0, held.num_rows - 1), numbers.of(held.num_rows - 1)


def _unreadable(words: str, ragged: "_Ragged") -> Exception:
    """What Arrow refuses for its own limits, in words that say what to do; its own may quote a line of the file."""
    if len(ragged.rows) >= MOST_RAGGED:
        return Invalid(
            f"More than {MOST_RAGGED} rows have another number of fields than the header: the fields are apart by "
            "something else than commas, or each row ends with one.",
            code="table-unreadable",
        )
    if "straddling" in words or "boundar" in words:
        return Invalid(
            f"A row is longer than {CSV_BLOCK} bytes: a quote may be missing, or the line ends are.",
            code="table-unreadable",
        )
    refused: Exception = pa.ArrowInvalid(words)
    return refused


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
    """A body on a line of its own, and one row more; its quotes are seen before anybody reads them in their own way."""

    def __init__(self, body: IO[bytes], row: bytes) -> None:
        self._body = body
        self._row = row
        self._ends_a_line = True
        self._quotes = _Quotes()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        got = self._body.read(len(buffer))
        if got:
            self._ends_a_line = got[-1:] in {b"\n", b"\r"}
            self._quotes.see(got)
        elif self._row:
            if not self._ends_a_line:
                self._row, self._ends_a_line = b"\n" + self._row, True
            got, self._row = self._row[: len(buffer)], self._row[len(buffer) :]
        buffer[: len(got)] = got
        return len(got)


class _Quotes:
    r"""That what follows a closing quote is the end of its field: readers differ in what anything else means.

    ``"a\"b"`` is one field to those who escape by a backslash, and something else to everybody else.
    """

    def __init__(self) -> None:
        # The first field has no delimiter before it, and perhaps a mark.
        self._held = b""
        self._lines = 0

    def see(self, piece: bytes) -> None:
        """The next piece of a body; a field in quotes that it cuts off waits for its end.

        Raises:
            Invalid: something else than a comma or a line's end follows a closing quote, or it is very far away.
        """
        text = self._held + piece if self._held else b"\n" + piece.removeprefix(BOM)
        read = _WELL_QUOTED.match(text)
        end = read.end() if read else 0
        field = _IN_QUOTES.match(text, end)
        if field is not None and field.end() < len(text):
            raise _stray_quote(self._line_of(text, field.end()))
        if len(text) - end > LONGEST_ROW:
            raise _never_closed(f" in line {self._line_of(text, end)}")
        # The letter before a field says that it begins there.
        kept = max(end - 1, 0)
        self._lines += text.count(b"\n", 0, kept)
        self._held = text[kept:]

    def _line_of(self, text: bytes, place: int) -> int:
        return self._lines + text.count(b"\n", 0, place)


def _stray_quote(line: int) -> Invalid:
    return Invalid(
        f"In line {line} a quote ends a field and more of it follows: readers differ in what that is. Write a quote "
        "inside quotes twice, not after a backslash, and nothing between the last one and the comma.",
        code="table-unreadable",
    )


def _never_closed(where: str = "") -> Invalid:
    return Invalid(
        f"A quote is opened{where} and never closed, so that all rows after it would be one cell; close it, and write "
        "a quote inside quotes twice.",
        code="table-unreadable",
    )


def read_header(body: IO[bytes]) -> list[str]:
    """The names in the first row, as text and nothing else; the body stands at its beginning again.

    Raises:
        Invalid: there is none, or it is too long, too wide or no UTF-8.
    """
    start = body.read(LONGEST_HEADER)
    body.seek(0)
    line = _first_row(start)
    if len(line) == LONGEST_HEADER or line.count(b",") >= MOST_COLUMNS:
        raise too_wide()
    _check_is_header(line, start)
    names = [f"f{place}" for place in range(line.count(b",") + 1)]
    first = pa_csv.read_csv(
        pa.BufferReader(line + b"\n"),
        read_options=pa_csv.ReadOptions(autogenerate_column_names=True, use_threads=False),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[]),
    )
    return [column[0].as_py() for column in first.columns]


def _check_is_header(line: bytes, start: bytes) -> None:
    """That a first row can be one, in words for what is no CSV in UTF-8 with commas.

    Raises:
        Invalid: it cannot.
    """
    if not start.removeprefix(BOM).strip():
        raise Invalid("The table has no rows.", code="table-empty")
    if b"\x00" in line:
        raise _no_header("it holds NUL, as text in UTF-16 or UTF-32 does; write it in UTF-8")
    if not line.strip():
        raise _no_header("it is empty; the names of the columns stand in the first line")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The body is not readable text/csv: it is not UTF-8.", code="table-unreadable") from None
    if line.lower().startswith(b"sep="):
        raise _no_header("it is a note to a spreadsheet (sep=); leave it out, and write commas between fields")
    if line.count(b'"') % 2:
        raise _never_closed(" in the header")
    if len(start) <= len(line) + 1:
        raise Invalid("The table has no rows.", code="table-empty")


def _check_delimiter(header: list[str], declaration: SourceDeclaration) -> None:
    names = {column.name for column in declaration.columns}
    other = next((name for mark, name in OTHER_DELIMITERS.items() if mark in header[0]), None)
    if len(header) == 1 and header[0] not in names and other is not None:
        raise _no_header(f"its names are apart by {other}; write commas between fields")


def _no_header(why: str) -> Invalid:
    return Invalid(f"The first line of the CSV is no header: {why}.", code="table-unreadable")


def _first_row(start: bytes) -> bytes:
    """Up to the first line end outside of quotes."""
    quoted = False
    for place, letter in enumerate(start):
        if letter == ord('"'):
            quoted = not quoted
        elif not quoted and letter in b"\r\n":
            return start[:place]
    return start
