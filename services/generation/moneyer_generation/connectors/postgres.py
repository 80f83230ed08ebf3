"""PostgreSQL by its ADBC driver: one COPY of one query, in a read-only transaction of one snapshot."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

import certifi
import pyarrow as pa

from moneyer_generation.connectors.faults import (
    Fault,
    credentials_refused,
    not_found,
    not_permitted,
    query_failed,
    query_refused,
    schema_moved,
    tls_refused,
    too_slow,
    unreachable,
)
from moneyer_generation.connectors.plain import check_columns, plain_batches, plain_schema
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.sql import statement_of

CONNECT_SECONDS = 10
SILENT_MILLISECONDS = 30_000
BATCH_BYTES = 4 * 2**20
SETTINGS = {
    "default_transaction_read_only": "on",
    # Every batch is of one moment, however long the query takes.
    "default_transaction_isolation": r"repeatable\ read",
    "lock_timeout": "10s",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
}


@contextmanager
def opened(
    target: Mapping[str, Any], secret: str, reach: Reach, seconds: float, settings: Mapping[str, str] = SETTINGS
) -> Generator[Any]:
    """A connection at an address that was checked; it only reads, unless its session's ``settings`` say otherwise.

    Raises:
        Fault: it cannot be had.
    """
    import adbc_driver_postgresql.dbapi as adbc

    if target["tls"] == "none":
        reach.check_plain(target["host"])
    addresses = reach.addresses(target["host"], target["port"])
    try:
        connection = adbc.connect(_conninfo(target, secret, addresses, seconds, settings))
    except adbc.Error as error:
        raise _connecting(str(error)) from None
    with closing(connection):
        yield connection


def check(target: Mapping[str, Any], secret: str, reach: Reach, seconds: float) -> None:
    """That the database can be spoken with.

    Raises:
        Fault: it cannot.
    """
    with opened(target, secret, reach, seconds) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchall()


@contextmanager
def reading(
    target: Mapping[str, Any], asked: Mapping[str, Any], secret: str, reach: Reach, seconds: float
) -> Generator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """What one query gives, as it comes.

    Raises:
        Fault: it was refused, or broke off.
    """
    import adbc_driver_postgresql.dbapi as adbc

    with opened(target, secret, reach, seconds) as connection, closing(connection.cursor()) as cursor:
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)})
        try:
            cursor.execute(statement_of(asked))
            reader = cursor.fetch_record_batch()
            check_columns(reader.schema.names)
            schema = plain_schema(reader.schema)
            yield schema, plain_batches(reader, schema)
        except adbc.Error as error:
            raise _querying(getattr(error, "sqlstate", None), str(error)) from None
        except (OSError, pa.ArrowException) as error:
            # What goes wrong after the first rows comes through Arrow, without its SQLSTATE.
            raise _querying(None, str(error)) from None


def _conninfo(
    target: Mapping[str, Any], secret: str, addresses: Sequence[str], seconds: float, session: Mapping[str, str]
) -> str:
    settings = {**session, "statement_timeout": f"{max(1, round(seconds * 1000))}"}
    said: dict[str, str] = {
        "host": ",".join([target["host"]] * len(addresses)),
        "hostaddr": ",".join(addresses),
        "port": str(target["port"]),
        "dbname": target["database"],
        "user": target["user"],
        "password": secret,
        # A server that asks for the password itself does not get it.
        "require_auth": "scram-sha-256",
        "sslmode": "disable" if target["tls"] == "none" else str(target["tls"]),
        "sslrootcert": os.environ.get("SSL_CERT_FILE") or certifi.where(),
        "gssencmode": "disable",
        "connect_timeout": str(CONNECT_SECONDS),
        "tcp_user_timeout": str(SILENT_MILLISECONDS),
        "application_name": "moneyer",
        "passfile": os.devnull,
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
    }
    return " ".join(f"{name}='{_escaped(value)}'" for name, value in said.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _connecting(words: str) -> Fault:
    """What stood in the way; the driver has no code for it, and its words name user, host and database."""
    if "authentication" in words or "SCRAM" in words or "no password" in words or "pg_hba" in words:
        return credentials_refused()
    if 'FATAL:  database "' in words:
        return not_found("database")
    if "SSL" in words or "certificate" in words:
        return tls_refused()
    return unreachable()


REFUSALS: Mapping[str, Fault] = {
    "42P01": not_found("table"),
    "3F000": not_found("schema"),
    "42703": schema_moved(),
    "42501": not_permitted(),
    "25006": query_refused("The query would change something."),
    "0A000": query_refused("The database cannot do that in a query."),
    "57014": too_slow(),
    "55P03": too_slow(),
}


def _querying(state: str | None, words: str) -> Fault:
    if state is not None and state in REFUSALS:
        return REFUSALS[state]
    if "statement timeout" in words:
        return too_slow()
    if state is not None and state.startswith("42"):
        return query_refused(f"The database does not take the query (SQLSTATE {state}).")
    if state is None and ("connection" in words or "server closed" in words or "SSL" in words):
        return unreachable()
    told = f" (SQLSTATE {state})" if state else ""
    return query_failed(told)
