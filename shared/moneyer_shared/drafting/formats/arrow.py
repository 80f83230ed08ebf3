"""The schema of a Parquet or Arrow file, or of an Arrow schema message: names and types, and never a value."""

import io
from typing import TYPE_CHECKING, Any

from moneyer_shared.drafting.facts import BOOLEANS, Kind, Said, TableSaid
from moneyer_shared.drafting.given import MOST_COLUMNS, Given, unreadable, words_of

if TYPE_CHECKING:
    import pyarrow as pa

NAME = "Arrow or Parquet schema"
PARQUET, ARROW = {".parquet", ".pq"}, {".arrow", ".feather", ".ipc", ".arrows", ".schema"}


def fits(given: Given) -> bool:
    return given.suffix in PARQUET | ARROW


def read(given: Given) -> list[TableSaid]:
    """Raises Invalid: it is damaged, or too wide."""
    schema = schema_of(given)
    if len(schema) > MOST_COLUMNS:
        raise unreadable(given, f"a source has at most {MOST_COLUMNS} columns.")
    return [TableSaid(given.name, tuple(said_of(field) for field in schema), name=given.stem)]


def schema_of(given: Given) -> "pa.Schema":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if given.suffix in PARQUET:
            from moneyer_shared.intake.parquet_layout import read_layout

            # A library that reads a footer of columns within columns within columns runs out of stack.
            read_layout(io.BytesIO(given.content))
            return pq.read_schema(io.BytesIO(given.content))
        if given.content[:6] == b"ARROW1":
            return pa.ipc.open_file(io.BytesIO(given.content)).schema
        return pa.ipc.read_schema(io.BytesIO(given.content))
    except (pa.ArrowException, OSError, ValueError):
        # Arrow's message may quote the file.
        raise unreadable(given, "it is damaged, or of another format than its name says.") from None


def said_of(field: Any) -> Said:
    """What a field's type says."""
    meant = field.metadata or {}
    words = next((meant[key] for key in (b"description", b"comment", b"label") if key in meant), b"")
    kind, scale = kind_of(field.type)
    return Said(
        field.name,
        kind,
        categories=BOOLEANS if kind == "categorical" else (),
        # A file's fields may all be null unless it says otherwise: that says nothing.
        nullable=None if field.nullable else False,
        scale=scale,
        words=words_of(words.decode("utf-8", "replace")),
    )


def kind_of(arrow: Any) -> tuple[Kind | None, int | None]:
    """(kind, scale of a decimal) of an Arrow type."""
    import pyarrow as pa

    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    for is_one, kind in _kinds():
        if is_one(arrow):
            return kind, arrow.scale if kind == "decimal" else None
    return None, None


def _kinds() -> list[tuple[Any, Kind]]:
    import pyarrow as pa

    t = pa.types
    return [
        (t.is_boolean, "categorical"), (t.is_integer, "integer"), (t.is_floating, "number"), (t.is_decimal, "decimal"),
        (t.is_date, "date"), (t.is_timestamp, "timestamp"), (t.is_time, "time"), (t.is_string, "text"),
        (t.is_large_string, "text"), (t.is_string_view, "text"),
    ]  # fmt: skip
