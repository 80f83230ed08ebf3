"""Files of DuckDB and SQLite: opened to be read, by an engine that reaches nothing else and obeys one SELECT."""

import os
import sqlite3
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from moneyer_generation.connectors.faults import Fault, not_found, query_refused, unreadable
from moneyer_generation.connectors.folders import check_same, opened_below, place_below
from moneyer_generation.connectors.plain import check_columns, plain_batches, plain_schema
from moneyer_generation.connectors.sql import statement_of

BATCH_ROWS = 65_536
Reading = tuple[pa.Schema, Iterator[pa.RecordBatch]]
DUCKDB: dict[str, Any] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "lock_configuration": "true",
    "threads": "1",
}


@contextmanager
def reading_duckdb(
    target: Mapping[str, Any], asked: Mapping[str, Any], root: str | None, mebibytes: int
) -> Generator[Reading]:
    """What one query of a DuckDB file gives.

    Raises:
        Fault: it was refused, or the file is none.
    """
    import duckdb

    with _duckdb(target, root, mebibytes) as connection:
        try:
            _check_one_select(asked)
            reader = connection.execute(statement_of(asked)).to_arrow_reader(BATCH_ROWS)
            check_columns(reader.schema.names)
            schema = plain_schema(reader.schema)
            yield schema, plain_batches(reader, schema)
        except duckdb.CatalogException:
            raise not_found("table") from None
        except duckdb.BinderException:
            raise Fault("schema-moved", "The query names a column that is not there (any more).") from None
        except (duckdb.ParserException, duckdb.PermissionException, duckdb.InvalidInputException):
            raise query_refused("The engine does not take the query.") from None
        except duckdb.Error as error:
            raise Fault("query-failed", f"The query failed while it ran ({type(error).__name__}).") from None


@contextmanager
def _duckdb(target: Mapping[str, Any], root: str | None, mebibytes: int) -> Generator[Any]:
    import duckdb

    place = place_below(root, target["path"])
    with opened_below(root, place) as checked:
        # What does not fit is written beside the process, which is in memory, and not beside the file.
        limits = {"memory_limit": f"{mebibytes}MiB", "temp_directory": os.getcwd()}  # noqa: PTH109 - a name to hand on
        try:
            connection = duckdb.connect(str(place), read_only=True, config=DUCKDB | limits)
        except duckdb.Error:
            raise unreadable("DuckDB file of this version") from None
        with closing(connection):
            check_same(place, checked)
            yield connection


def _check_one_select(asked: Mapping[str, Any]) -> None:
    """Statements are counted by the engine's own parser."""
    import duckdb

    if asked.get("query") is None:
        return
    found = duckdb.extract_statements(asked["query"])
    if [one.type for one in found] != [duckdb.StatementType.SELECT]:
        raise query_refused("That is not one SELECT.")


# --- SQLite ---------------------------------------------------------------------------------------

ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
INTEGER, REAL, TEXT, BLOB = 1, 2, 4, 8
TYPES = {0: pa.null(), INTEGER: pa.int64(), REAL: pa.float64(), TEXT: pa.string(), BLOB: pa.binary()}
EXACT_IN_A_FLOAT = 2**53


@contextmanager
def reading_sqlite(
    target: Mapping[str, Any], asked: Mapping[str, Any], root: str | None, longest_value: int
) -> Generator[Reading]:
    """What one query of a SQLite file gives. A column has the one type that its values have, seen in a first pass.

    Raises:
        Fault: it was refused, the file is none, or a column's values are of several types.
    """
    with opened_sqlite(target, root, longest_value) as connection:
        try:
            statement = statement_of(asked)
            names = [column[0] for column in connection.execute(f"{statement} LIMIT 0").description]
            check_columns(names)
            schema = pa.schema(list(zip(names, _types(connection, statement, names), strict=True)))
            yield schema, _sqlite_batches(connection.execute(statement), schema)
        except sqlite3.Error as error:
            raise _sqlite_fault(str(error)) from None


@contextmanager
def opened_sqlite(target: Mapping[str, Any], root: str | None, longest_value: int) -> Generator[sqlite3.Connection]:
    """A SQLite file, from which is only read.

    Raises:
        Fault: there is none, or it is none.
    """
    place = place_below(root, target["path"])
    with opened_below(root, place) as checked:
        try:
            connection = sqlite3.connect(f"file:{quote(str(place))}?mode=ro", uri=True, isolation_level=None)
            with closing(connection):
                check_same(place, checked)
                connection.execute("PRAGMA query_only = ON")
                connection.execute("PRAGMA trusted_schema = OFF")
                # One read transaction: both passes see the same rows.
                connection.execute("BEGIN")
                connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest_value)
                connection.set_authorizer(_allow)
                yield connection
        except sqlite3.DatabaseError as error:
            raise _sqlite_fault(str(error)) from None


def _allow(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY


def _types(connection: sqlite3.Connection, statement: str, names: list[str]) -> list[pa.DataType]:
    """The Arrow type of each column, from the types of all its values."""
    places = [f"c{number}" for number in range(len(names))]
    seen = ", ".join(
        f"max(typeof({c})='integer') + 2*max(typeof({c})='real') + 4*max(typeof({c})='text')"
        f" + 8*max(typeof({c})='blob') + 16*max(typeof({c})='integer' AND abs({c}) > {EXACT_IN_A_FLOAT})"
        for c in places
    )
    row = connection.execute(f"WITH p({', '.join(places)}) AS ({statement}) SELECT {seen} FROM p").fetchone()  # noqa: S608
    return [_type(int(kinds or 0), name) for kinds, name in zip(row, names, strict=True)]


def _type(kinds: int, name: str) -> pa.DataType:
    """Whole numbers among fractions are fractions, where each is one exactly."""
    if kinds == INTEGER | REAL:
        return pa.float64()
    if kinds & ~16 in TYPES:
        return TYPES[kinds & ~16]
    reason: dict[str, str | int] = {
        "code": "column-mixed",
        "column": name,
        "row": 0,
        "expected": "values of one type",
        "actual": "several",
    }
    raise Fault("table-invalid", "A column's values are of several types: CAST them to one in a query.", [reason])


def _sqlite_batches(cursor: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(BATCH_ROWS):
        columns = zip(*rows, strict=True)
        yield pa.RecordBatch.from_arrays(
            [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)], schema=schema
        )


def _sqlite_fault(words: str) -> Fault:
    if words.startswith("no such table"):
        return not_found("table")
    if words.startswith("no such column"):
        return Fault("schema-moved", "The query names a column that is not there (any more).")
    if "not a database" in words or "malformed" in words or "unable to open" in words:
        return unreadable("SQLite file")
    if "too big" in words:
        return Fault("too-large", "A value is longer than a table may be.")
    return query_refused("The engine does not take the query.")
