"""A table of PostgreSQL, made by one COPY in one transaction, and read back in it before it is kept.

The comment on the table is its mark: whose table it is, and of which delivery. Whoever finds it there knows what it is,
and a worker that was lost after the commit finds that it was done.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import IO, Any

import pyarrow as pa
import pyarrow.ipc as pa_ipc

from moneyer_generation import forms
from moneyer_generation.connectors.faults import Fault, not_found, too_slow, unreachable
from moneyer_generation.connectors.postgres import BATCH_BYTES, SETTINGS, opened
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.sql import quoted
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.connectors.writing import Committing, not_as_recorded, place_taken, unsure
from moneyer_generation.rules.delivery import table_name

WRITING = {name: value for name, value in SETTINGS.items() if name in {"lock_timeout", "TimeZone", "DateStyle"}} | {
    # A table is read back in the order it was written in.
    "synchronize_seqscans": "off",
    "max_parallel_workers_per_gather": "0",
}
TAKEN = {"42P07", "42710", "23505"}
"""A table or type of that name: seen at once, or made by somebody else meanwhile."""


def deliver(job: FetchJob, reach: Reach, table: IO[bytes], committing: Committing) -> None:
    """Make the table, or leave everything as it was.

    Raises:
        Fault: it was refused, or differs from its record; nothing was kept.
        Unsure: the connection broke off while the transaction was committed.
    """
    import adbc_driver_postgresql.dbapi as adbc

    asked = job["asked"] or {}
    with opened(job["target"], job["secret"] or "", reach, job["seconds"], WRITING) as connection:
        try:
            with closing(connection.cursor()) as cursor:
                place = _place(cursor, asked)
                mark = _mark_at(cursor, place)
                if mark is not None:
                    _check_own(mark, asked)
                    return
                _make(cursor, place, asked)
                _copy(cursor, place, asked, table)
        except adbc.Error as error:
            raise _fault(getattr(error, "sqlstate", None)) from None
        except (OSError, pa.ArrowException):
            raise unreachable() from None
        committing()
        try:
            connection.commit()
        except adbc.Error as error:
            raise unsure(_fault(getattr(error, "sqlstate", None))) from None


def look(job: FetchJob, reach: Reach) -> tuple[bool, list[str]]:
    """Whether the table that this delivery made is there; a transaction that was lost leaves nothing.

    Raises:
        Fault: nobody answers, or lets this be seen.
    """
    import adbc_driver_postgresql.dbapi as adbc

    asked = job["asked"] or {}
    with opened(job["target"], job["secret"] or "", reach, job["seconds"]) as connection:
        try:
            with closing(connection.cursor()) as cursor:
                mark = _mark_at(cursor, _place(cursor, asked))
        except adbc.Error as error:
            raise _fault(getattr(error, "sqlstate", None)) from None
    return mark is not None and _is_own(mark, asked), []


Place = tuple[str, str]


def _place(cursor: Any, asked: Mapping[str, Any]) -> Place:
    """(schema, table): a name without a schema means the one the user's tables are made in."""
    schema, name = table_name(asked["table"])
    if schema is None:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
        if schema is None:
            raise not_found("schema")
    return schema, name


MARK = """
SELECT coalesce(obj_description(found.oid, 'pg_class'), '') FROM pg_catalog.pg_class AS found
JOIN pg_catalog.pg_namespace AS schema ON schema.oid = found.relnamespace
WHERE schema.nspname = $1 AND found.relname = $2
"""


def _mark_at(cursor: Any, place: Place) -> str | None:
    """The comment on what is there under that name, whatever it is; None where nothing is."""
    cursor.execute(MARK, list(place))
    found = cursor.fetchone()
    return str(found[0]) if found is not None else None


def _is_own(mark: str, asked: Mapping[str, Any]) -> bool:
    try:
        said = json.loads(mark)
    except ValueError:
        return False
    return isinstance(said, dict) and (said.get("delivery"), said.get("sha256")) == (
        asked["delivery"], asked["sha256"]
    )  # fmt: skip


def _check_own(mark: str, asked: Mapping[str, Any]) -> None:
    if not _is_own(mark, asked):
        raise place_taken("There is a table, view or index of that name.")


def _make(cursor: Any, place: Place, asked: Mapping[str, Any]) -> None:
    """The empty table and its mark. Names are quoted, and the mark is quoted by the server itself."""
    table = ".".join(map(quoted, place))
    columns = ", ".join(
        f"{quoted(one['name'])} {one['type']}{'' if one['nullable'] else ' NOT NULL'}" for one in asked["columns"]
    )
    cursor.execute(f"CREATE TABLE {table} ({columns})")
    cursor.execute(
        "SELECT format('COMMENT ON TABLE %I.%I IS %L', $1::text, $2::text, $3::text)", [*place, asked["mark"]]
    )
    (comment,) = cursor.fetchone()
    cursor.execute(comment)


def _copy(cursor: Any, place: Place, asked: Mapping[str, Any], table: IO[bytes]) -> None:
    """The rows, and the same rows again as the database gives them back.

    Raises:
        Fault: they are not those that the record states.
    """
    schema, name = place
    with pa_ipc.open_stream(table) as rows:
        cursor.adbc_ingest(name, rows, mode="append", db_schema_name=schema)
        declared = rows.schema
    cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
    names = ", ".join(map(quoted, declared.names))
    cursor.execute(f"SELECT {names} FROM {'.'.join(map(quoted, place))}")  # noqa: S608 - quoted above
    found = forms.measured(_as_declared(cursor.fetch_record_batch(), declared), declared, "arrow")
    if (found.sha256, found.bytes) != (asked["sha256"], asked["bytes"]):
        raise not_as_recorded("The database gives back other rows than it was sent, or not in their order.")


def _as_declared(batches: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The database's rows in the types of the table at rest, exactly."""
    for batch in batches:
        columns = [column.storage if isinstance(column, pa.ExtensionArray) else column for column in batch.columns]
        cast = [column.cast(kind) for column, kind in zip(columns, schema.types, strict=True)]
        yield pa.RecordBatch.from_arrays(cast, schema=schema)


NO_TABLE = Fault(
    "not-permitted", "The database's user may not make a table there: have it granted CREATE on the schema."
)
ANSWERS: Mapping[str, Fault] = {
    "42501": NO_TABLE,
    "25006": Fault("not-permitted", "The database only reads: it is a standby, or its user is kept from writing."),
    "3F000": not_found("schema"),
    "57014": too_slow(),
    "55P03": too_slow(),
    "53100": Fault("no-room", "The database has no room left."),
    "54000": Fault("too-large", "The table has more columns than a row of the database holds."),
    "54011": Fault("too-large", "The table has more columns than a table of the database may have."),
}


def _fault(state: str | None) -> Fault:
    if state in TAKEN:
        return place_taken("Something of that name is there by now.")
    if state in ANSWERS:
        return ANSWERS[str(state)]
    if state is None or state.startswith(("08", "57")):
        return unreachable()
    return Fault("write-failed", f"The database did not take the table (SQLSTATE {state}).")
