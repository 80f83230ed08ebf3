"""Reading an upload against its declaration. A refusal names column and row, never the value (I8)."""

import io
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from mintmark_generation.generators.encoding import ARROW_TYPES, arrow_schema
from mintmark_shared.contracts.generation import (
    CategoricalDomain,
    Column,
    IntegerDomain,
    NumberDomain,
    SourceDeclaration,
    TextDomain,
)
from mintmark_shared.errors import Invalid, TooLarge, UnsupportedMedia

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
# Its functions are made at run time, which no type checker can see.
pc: Any = pyarrow.compute
BATCH_ROWS = 65_536
MOST_REASONS = 20


@dataclass(frozen=True)
class Limits:
    """How much an upload may hold: as sent, and once decoded."""

    body_bytes: int
    table_bytes: int


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limits: Limits) -> io.BytesIO:
    """The body in memory, decoded if it is gzip, refused as soon as it is too large.

    Raises:
        TooLarge: more bytes than the limit, as sent or once decompressed.
        UnsupportedMedia: an encoding other than gzip.
        Invalid: broken gzip.
    """
    if encoding not in {"", "identity", "gzip"}:
        raise UnsupportedMedia(f"Content-Encoding {encoding} is not accepted; send gzip or none.")
    body, inflate = io.BytesIO(), zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        part = _inflate(inflate, chunk, limits.table_bytes - body.tell()) if inflate else chunk
        body.write(part)
        if received > limits.body_bytes or body.tell() > limits.table_bytes:
            raise TooLarge(
                f"The upload may hold {limits.body_bytes} bytes, and {limits.table_bytes} once decompressed."
            )
    if inflate is not None and not inflate.eof:
        raise Invalid("The gzip body is cut short.", code="table-unreadable")
    body.seek(0)
    return body


def _inflate(inflate: Any, chunk: bytes, room: int) -> bytes:
    try:
        out: bytes = inflate.decompress(chunk, room + 1)
    except zlib.error as error:
        raise Invalid("The gzip body is broken.", code="table-unreadable") from error
    if inflate.unconsumed_tail:
        raise TooLarge("The upload decompresses to more than this service accepts.")
    return out


def read_table(body: io.BytesIO, media_type: str, declaration: SourceDeclaration, limits: Limits) -> pa.Table:
    """The declared table in the upload, every value inside the declared domain.

    Raises:
        Invalid: with reasons naming column and row.
        UnsupportedMedia: neither CSV nor Parquet.
        TooLarge: more rows or bytes than declared or allowed.
    """
    readers: dict[str, Callable[..., Iterator[pa.RecordBatch]]] = {
        CSV: _csv_batches,
        PARQUET: _parquet_batches,
    }
    reader = readers.get(media_type)
    if reader is None:
        raise UnsupportedMedia(f"Send {CSV} or {PARQUET}, not {media_type or 'an unnamed type'}.")
    checked: list[pa.RecordBatch] = []
    rows = size = 0
    try:
        for batch in reader(body, declaration, limits):
            checked.append(_check_batch(batch, declaration, rows))
            rows += batch.num_rows
            size += checked[-1].nbytes
            if rows > declaration.row_limit or size > limits.table_bytes:
                raise TooLarge(f"The table holds more than {declaration.row_limit} rows or {limits.table_bytes} bytes.")
    except (pa.ArrowException, OSError) as error:
        # Arrow's message may quote a line of the file.
        raise Invalid(f"The body is not readable {media_type}: {_fault(error)}.", code="table-unreadable") from None
    if rows == 0:
        raise Invalid("The table has no rows.", code="table-empty")
    return pa.Table.from_batches(checked, schema=arrow_schema(declaration.columns))


def _fault(error: Exception) -> str:
    text = str(error).lower()
    if "utf8" in text or "utf-8" in text:
        return "it is not UTF-8"
    return "it is damaged or cut short"


# --- the two formats ----------------------------------------------------------------------


def _csv_batches(body: io.BytesIO, declaration: SourceDeclaration, _: Limits) -> Iterator[pa.RecordBatch]:
    header = _csv_header(body)
    _check_header(header, declaration)
    ragged: list[int] = []

    def on_ragged(row: Any) -> str:
        ragged.append(-1 if row.number is None else row.number - 1)
        return "error"

    try:
        reader = pa_csv.open_csv(
            body,
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=4 * 2**20),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=on_ragged),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        yield from reader
    except pa.ArrowInvalid:
        if ragged:
            reason = _reason("row-ragged", "", ragged[0], f"{len(header)} fields", "another number of fields")
            raise Invalid("A row has another number of fields.", code="table-invalid", reasons=[reason]) from None
        raise


def _csv_header(body: io.BytesIO) -> list[str]:
    line = body.readline(1_000_000)
    body.seek(0)
    if not line.strip():
        raise Invalid("The table has no rows.", code="table-empty")
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("The body is not readable text/csv: it is not UTF-8.", code="table-unreadable") from None
    first = pa_csv.read_csv(
        io.BytesIO(line), read_options=pa_csv.ReadOptions(autogenerate_column_names=True, use_threads=False)
    )
    return [str(column[0].as_py()) for column in first.columns]


def _parquet_batches(body: io.BytesIO, declaration: SourceDeclaration, limits: Limits) -> Iterator[pa.RecordBatch]:
    file = pq.ParquetFile(body)
    metadata = file.metadata
    _check_header(file.schema_arrow.names, declaration)
    decoded = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > declaration.row_limit or decoded > limits.table_bytes:
        raise TooLarge(f"The table holds more than {declaration.row_limit} rows or {limits.table_bytes} bytes.")
    yield from file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)


def _check_header(names: Sequence[str], declaration: SourceDeclaration) -> None:
    declared = [column.name for column in declaration.columns]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    missing = [name for name in declared if name not in names]
    # An undeclared name may itself be data (a file without a header); it is counted, not repeated.
    strange = [i for i, name in enumerate(names) if name not in declared]
    reasons = [
        _reason("column-duplicate", name, 0, "each column once", "more than once") for name in twice if name in declared
    ]
    reasons += [_reason("column-missing", name, 0, "present", "absent") for name in missing]
    reasons += [
        _reason("column-undeclared", f"number {i + 1}", 0, "a declared column", "another name") for i in strange
    ]
    if reasons or twice:
        raise Invalid(
            "The header does not match the declaration.", code="table-invalid", reasons=reasons[:MOST_REASONS]
        )


# --- values against the domain -------------------------------------------------------------


def _check_batch(batch: pa.RecordBatch, declaration: SourceDeclaration, first_row: int) -> pa.RecordBatch:
    reasons: list[dict[str, Any]] = []
    arrays: list[pa.Array] = []
    for column in declaration.columns:
        array, faults = _check_column(batch.column(column.name), column)
        arrays.append(array)
        reasons += [
            _reason(code, column.name, first_row + row + 1, expected, actual) for code, row, expected, actual in faults
        ]
    if reasons:
        count = len(reasons)
        raise Invalid(
            f"{count} column(s) hold values outside the declaration; the first row of each is named.",
            code="table-invalid",
            reasons=reasons[:MOST_REASONS],
        )
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(declaration.columns))


Fault = tuple[str, int, str, str]


def _check_column(array: pa.Array, column: Column) -> tuple[pa.Array, list[Fault]]:
    """The column in its own type, and the first row of each kind of fault."""
    cast, unreadable = _cast(array, column)
    faults = _first(unreadable, "value-unreadable", _expected(column), "something else")
    if not column.nullable:
        faults += _first(pc.and_(pc.is_null(cast), pc.invert(unreadable)), "value-missing", "a value", "null or NaN")
    outside = pc.fill_null(_outside(cast, column), fill_value=False)
    faults += _first(outside, "value-outside-domain", _expected(column), "a value outside it")
    return cast, faults


def _first(mask: pa.Array, code: str, expected: str, actual: str) -> list[Fault]:
    row = pc.index(mask, value=True).as_py()
    return [] if row < 0 else [(code, row, expected, actual)]


def _cast(array: pa.Array, column: Column) -> tuple[pa.Array, pa.Array]:
    """(values in the column's type with nulls where unreadable, mask of the unreadable)."""
    wanted = ARROW_TYPES[column.domain.kind]
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if wanted == pa.string():
        texts = array.cast(pa.string())
        return texts, _none(texts)
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array, unreadable = _numbers(array)
    elif pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        unreadable = _none(array)
    else:
        return pa.nulls(len(array), wanted), pc.is_valid(array)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.fill_null(pc.is_nan(array), fill_value=False), pa.scalar(None, array.type), array)
    if wanted == pa.int64() and pa.types.is_floating(array.type):
        fraction = pc.fill_null(pc.not_equal(array, pc.trunc(array)), fill_value=False)
        unreadable = pc.or_(unreadable, fraction)
        array = pc.if_else(fraction, pa.scalar(None, array.type), array)
        far = pc.fill_null(pc.greater(pc.abs(array), 2.0**62), fill_value=False)
        array = pc.if_else(far, pa.scalar(2.0**62, array.type), array)
    return array.cast(wanted, safe=False), unreadable


NUMBER = r"^\s*[+-]?(\d+\.?\d*([eE][+-]?\d{1,3})?|\.\d+([eE][+-]?\d{1,3})?|nan|NaN|NAN)\s*$"


def _numbers(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    readable = pc.fill_null(pc.match_substring_regex(texts, NUMBER), fill_value=True)
    kept = pc.if_else(readable, pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string()))
    return kept.cast(pa.float64()), pc.invert(readable)


def _none(array: pa.Array) -> pa.Array:
    return pa.array(np.zeros(len(array), dtype=bool))


def _outside(array: pa.Array, column: Column) -> pa.Array:
    match column.domain:
        case CategoricalDomain(categories=categories):
            listed = pc.is_in(array, value_set=pa.array(categories, type=pa.string()))
            return pc.and_(pc.invert(listed), pc.is_valid(array))
        case IntegerDomain(minimum=low, maximum=high) | NumberDomain(minimum=low, maximum=high):
            return pc.or_(pc.less(array, low), pc.greater(array, high))
        case TextDomain(maximum_length=longest):
            return pc.greater(pc.utf8_length(array), longest)


def _expected(column: Column) -> str:
    match column.domain:
        case CategoricalDomain(categories=categories):
            return f"one of the {len(categories)} declared categories"
        case IntegerDomain(minimum=low, maximum=high):
            return f"a whole number from {low} to {high}"
        case NumberDomain(minimum=low, maximum=high):
            return f"a number from {low} to {high}"
        case TextDomain(maximum_length=longest):
            return f"text of at most {longest} characters"


def _reason(code: str, column: str, row: int, expected: str, actual: str) -> dict[str, Any]:
    """Where a fault is; rows are counted from 1 after the header, 0 is the header."""
    return {"code": code, "column": column, "row": row, "expected": expected, "actual": actual}


def check_units(table: pa.Table, declaration: SourceDeclaration) -> None:
    """That no privacy unit owns more rows than declared, nor lies in two partitions of its population.

    Raises:
        Invalid: naming the first row that is one too many, or in another partition.
    """
    unit = declaration.privacy_unit
    if unit.column is None:
        return
    codes = table[unit.column].combine_chunks().dictionary_encode().indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], codes[order])
    excess = order[np.arange(len(codes)) - starts >= unit.maximum_rows]
    if len(excess):
        reason = _reason(
            "unit-too-large",
            unit.column,
            int(excess.min()) + 1,
            f"at most {unit.maximum_rows} rows",
            "one more",
        )
        raise Invalid("A privacy unit owns more rows than declared.", code="table-invalid", reasons=[reason])
    if declaration.partition_column is not None:
        _check_partitions(table, declaration.partition_column, order, starts)


def _check_partitions(table: pa.Table, column: str, order: Any, starts: Any) -> None:
    """Budgets of partitions compose in parallel only while no unit lies in two of them."""
    partitions = table[column].combine_chunks().dictionary_encode().indices.to_numpy()[order]
    strays = order[partitions != partitions[starts]]
    if len(strays):
        row = int(strays.min()) + 1
        reason = _reason("unit-in-two-partitions", column, row, "the partition of the unit's other rows", "another")
        raise Invalid("A privacy unit lies in two partitions.", code="table-invalid", reasons=[reason])
