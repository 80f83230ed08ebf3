"""The rows themselves: names and types are facts of the file; bounds and categories are read, and marked as such.

A CSV is read as text and its types recognised by one rule a kind, as intake will read them: ``0123`` is text, not 123.
Bounds go outward to round ones. No value of a column of many values leaves this module.
"""

import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from moneyer_shared.drafting.facts import Kind, RowsSaid, Said, TableSaid
from moneyer_shared.drafting.formats.arrow import ARROW, PARQUET, said_of
from moneyer_shared.drafting.given import Given, check_names, unreadable
from moneyer_shared.errors import TooLarge

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_TABLE = 2 * 2**30
"""Bytes of a file; a larger one is drafted from a part of it, or from its schema."""
MOST_CATEGORIES = 200
REPEATS = 20
"""A text column is taken for categories if each of its values stands in so many rows on average."""
PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("integer", r"^-?(0|[1-9][0-9]{0,15})$"),
    ("number", r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$"),
    ("date", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?$"),
    ("time", r"^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"),
)


MISSING_WORDS = ("?", ".", "-", "--", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None", "NaN", "nan", "missing")
"""What statistics packages and spreadsheets write where a value is missing: words of theirs, not of the people."""
_NUMBER = r"[-+]?[0-9]+([.][0-9]+)?"


def read_rows(given: Given) -> RowsSaid:
    """What a CSV, Parquet or Arrow file shows of itself.

    Raises:
        Invalid: it is damaged, too wide, or names no columns.
        TooLarge: it is larger than is read here.
    """
    if len(given.content) > LARGEST_TABLE:
        raise TooLarge(f"{given.name} is larger than {LARGEST_TABLE} bytes: draft from a part of it.")
    table = _read(given)
    names = table.column_names
    check_names(given, names)
    if sum(re.fullmatch(_NUMBER, name) is not None for name in names) * 2 > len(names):
        raise unreadable(given, "its first line is a row and no header: put the columns' names above it.")
    seen = [_column(table[name].combine_chunks(), _is_text(given), table.schema.field(name)) for name in names]
    return RowsSaid(
        TableSaid(given.name, tuple(one.said for one in seen), name=given.stem),
        {one.said.name: one.most_rows for one in seen if one.most_rows},
        {one.said.name: one.few for one in seen if one.few},
        {one.said.name: one.ends for one in seen if one.ends},
    )


def is_table(given: Given) -> bool:
    """Whether a file may hold rows, by its name."""
    return _is_text(given) or given.suffix in PARQUET | ARROW


def _is_text(given: Given) -> bool:
    return given.suffix == ".csv"


def _read(given: Given) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    from moneyer_shared.intake.parquet_layout import read_layout

    body = io.BytesIO(given.content)
    try:
        if given.suffix in PARQUET:
            read_layout(body)
            body.seek(0)
            return pq.read_table(body)
        if given.suffix in ARROW:
            opened = pa.ipc.open_file(body) if given.content[:6] == b"ARROW1" else pa.ipc.open_stream(body)
            return opened.read_all()
        header = next(_rows_of(given))
        return pa_csv.read_csv(
            body,
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, OSError, ValueError, KeyError, StopIteration):
        # Arrow's message may quote a line of the file.
        raise unreadable(given, "it is damaged, or of another format than its name says.") from None


def _rows_of(given: Given) -> Any:
    import csv

    first = given.content[: 2**20].split(b"\n", 1)[0].decode("utf-8").removeprefix("\ufeff")
    return csv.reader([first.rstrip("\r")])


@dataclass(frozen=True)
class _Seen:
    """What a column shows, and beside it what is never shown itself."""

    said: Said
    few: frozenset[str] | None
    most_rows: int | None
    ends: tuple[str, str] | None


def _column(array: Any, written: bool, field: Any) -> _Seen:
    import pyarrow as pa
    import pyarrow.compute

    pc: Any = pyarrow.compute
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    present = array.drop_null()
    kind: Kind | None = said_of(field).kind
    missing: tuple[str, ...] = ()
    if written:
        kind, present, missing = _written_kind(present, pc)
    counts = sorted(pc.value_counts(present).field("counts").to_pylist(), reverse=True) if _names(kind) else []
    distinct = len(counts)
    few = frozenset(str(one) for one in pc.unique(present).cast(pa.string()).to_pylist()) if _is_few(counts) else None
    categories: tuple[str, ...] = ()
    if kind in {"text", "categorical"} and few is not None and len(present) >= REPEATS * distinct:
        categories = tuple(sorted(few))
    ends = _ends(present, kind, written, pc)
    low, high = ROUNDED[kind](*ends) if ends and kind is not None else (None, None)
    said = Said(
        field.name,
        "categorical" if categories else kind,
        low,
        high,
        categories,
        unique=bool(counts) and counts[0] == 1 and distinct == len(array) > 1,
        scale=None if written else said_of(field).scale,
        missing=missing,
    )
    return _Seen(said, few, counts[0] if counts else None, ends)


def _names(kind: Kind | None) -> bool:
    return kind in {"text", "categorical", "integer"}


def _is_few(counts: list[int]) -> bool:
    return 0 < len(counts) <= MOST_CATEGORIES


def _written_kind(present: Any, pc: Any) -> tuple[Kind | None, Any, tuple[str, ...]]:
    """The first kind whose every value is written so, the values, and what stands beside them for missing ones.

    Text may be any word, so that none of it is taken for a missing value; None where no value is.
    """
    import pyarrow as pa

    worded = pc.is_in(present, value_set=pa.array(MISSING_WORDS))
    values = present.filter(pc.invert(worded))
    for kind, pattern in PATTERNS:
        if len(values) and pc.all(pc.match_substring_regex(values, pattern)).as_py():
            return kind, values, tuple(sorted(pc.unique(present.filter(worded)).to_pylist()))
    return "text" if len(present) else None, present, ()


def _ends(present: Any, kind: Kind | None, written: bool, pc: Any) -> tuple[str, str] | None:
    """The least and the greatest value; None where there is no order, or nothing."""
    import pyarrow as pa

    if not len(present) or kind not in ROUNDED:
        return None
    if written and kind in {"integer", "number"}:
        present = present.cast(pa.float64() if kind == "number" else pa.int64())
    if pa.types.is_floating(present.type):
        present = present.filter(pc.is_finite(present))
    ends = pc.min_max(present).as_py()
    return None if ends["min"] is None else (_written(ends["min"]), _written(ends["max"]))


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None, microsecond=0).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value).replace(" ", "T")


# --- outward to round bounds ------------------------------------------------------------------------


def round_numbers(least_seen: str, most_seen: str) -> tuple[str, str]:
    """The next round numbers outside a range: 1, 2 or 5 times a power of ten, and 0 from above it."""
    low, high = Decimal(least_seen), Decimal(most_seen)
    least = Decimal(0) if low >= 0 else -_round_up(-low)
    most = Decimal(0) if high <= 0 else _round_up(high)
    return f"{least:f}", f"{most if most > least else least + 1:f}"


def _round_up(number: Decimal) -> Decimal:
    """The least of 1, 2, 5 times a power of ten that is no smaller than a positive number."""
    power = Decimal(1).scaleb(math.floor(number.log10()))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= number)


def _round_days(low: str, high: str) -> tuple[str, str]:
    """From the first day of a decade to the last day of one."""
    first, last = _year(low), _year(high)
    return f"{max(first // 10 * 10, 1):04}-01-01", f"{min(last // 10 * 10 + 9, 9999):04}-12-31"


def _round_moments(low: str, high: str) -> tuple[str, str]:
    first, last = _round_days(low, high)
    return f"{first}T00:00:00", f"{last}T23:59:59"


def _year(written: str) -> int:
    found = re.match(r"[0-9]{4}", written)
    return int(found[0]) if found else 1900


def _round_times(low: str, high: str) -> tuple[str, str]:
    del low, high
    return "00:00:00", "23:59:59"


ROUNDED: dict[Kind, Callable[[str, str], tuple[str, str]]] = {
    "integer": round_numbers, "number": round_numbers, "decimal": round_numbers, "date": _round_days,
    "timestamp": _round_moments, "time": _round_times,
}  # fmt: skip
