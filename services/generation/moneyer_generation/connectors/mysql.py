"""MySQL and MariaDB by PyMySQL: one SELECT, streamed, in a read-only transaction of one snapshot.

Values come as the server writes them and are read by the types that it declares; fractions in binary are asked for in
double precision, since a server writes FLOAT to six digits only.
"""

import os
import socket
import ssl
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import certifi
import pyarrow as pa

from moneyer_generation.connectors.cursors import batches, schema_of
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
from moneyer_generation.connectors.mysql_columns import column_of, is_cut
from moneyer_generation.connectors.plain import check_columns
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.sql import check_stays_in_brackets, quoted, statement_of

CONNECT_SECONDS = 10
SILENT_MILLISECONDS = 30_000
QUOTES = ("`", "`")
COMMENTS = (r"\#", r"--(?=[\s\x00-\x1f]|\Z)")
TELLING = ("mysql_clear_password", "sha256_password", "dialog", "mysql_old_password")
"""Ways of proving a password that tell it to the server, or as good as tell it."""


@contextmanager
def opened(target: Mapping[str, Any], secret: str, reach: Reach, seconds: float) -> Generator[Any]:
    """A connection at an address that was checked, in a transaction that changes nothing.

    Raises:
        Fault: it cannot be had.
    """
    import pymysql

    if target["tls"] == "none":
        reach.check_plain(target["host"])
    addresses = reach.addresses(target["host"], target["port"])
    told = target["tls"] == "verify-full" and reach.is_named(target["host"])
    connection = _connection(target, secret, told=told)
    try:
        connection.connect(_socket(addresses, target["port"]))
        _begin(connection, seconds)
    except pymysql.Error as error:
        raise _connecting(error) from None
    try:
        yield connection
    finally:
        # Nobody reads the rest of a result that was left.
        if connection._result is not None:  # noqa: SLF001
            connection._result.unbuffered_active = False  # noqa: SLF001
        connection.close()


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
        Fault: it was refused, or broke off, or holds a value that no table can.
    """
    import pymysql
    from pymysql.cursors import SSCursor

    if asked.get("query") is not None:
        check_stays_in_brackets(asked["query"], COMMENTS)
    statement = statement_of(asked, QUOTES)
    with opened(target, secret, reach, seconds) as connection:
        try:
            declared = _declared(connection, statement)
            cursor = SSCursor(connection)
            cursor.execute(_exactly(statement, declared))
            columns = [column_of(field) for field in declared]
            yield schema_of(columns), batches(cursor.fetchall_unbuffered(), columns)
        except pymysql.Error as error:
            raise _querying(error) from None


def _connection(target: Mapping[str, Any], secret: str, *, told: bool) -> Any:
    """One that is not connected yet, and tells the password to no server but one that may be told it."""
    careful, ways = _careful(told=told)
    return careful(
        host=target["host"],
        port=target["port"],
        user=target["user"],
        password=secret.encode(),
        database=target["database"],
        charset="utf8mb4",
        use_unicode=False,
        conv={},
        defer_connect=True,
        autocommit=None,
        local_infile=False,
        auth_plugin_map=ways,
        program_name="moneyer",
        ssl=_tls(target["tls"]),
        ssl_disabled=target["tls"] == "none",
    )


def _careful(*, told: bool) -> tuple[Any, dict[str, Any]]:
    """A connection that looks at what a server asks for, and how it answers to each way of proving a password."""
    from pymysql import _auth
    from pymysql.connections import Connection

    class Telling:
        def __init__(self, _: Any) -> None: ...

        def authenticate(self, _: Any) -> Any:
            raise _asks_for_it()

    class Proving:
        """What MySQL 8 asks by itself: a proof, where it has seen the password lately; else the password."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def authenticate(self, packet: Any) -> Any:
            connection = self._connection
            if packet.is_auth_switch_request():
                connection.salt = packet.read_all().removesuffix(b"\0")
                connection.write_packet(_auth.scramble_caching_sha2(connection.password, connection.salt))
                packet = connection._read_packet()  # noqa: SLF001 - there is no other
            if packet.get_all_data()[:2] != IS_PROVED:
                raise _asks_for_it()
            return connection._read_packet()  # noqa: SLF001

    class Careful(Connection):  # type: ignore[misc]
        def _get_server_information(self) -> None:
            super()._get_server_information()  # pyright: ignore[reportAttributeAccessIssue] - stubs leave it out
            if not told and self._auth_plugin_name in TELLING:  # pyright: ignore[reportAttributeAccessIssue]
                raise _asks_for_it()

    return Careful, {} if told else dict.fromkeys(TELLING, Telling) | {"caching_sha2_password": Proving}


def _tls(asked: str) -> ssl.SSLContext | None:
    """An authority is asked for in both ways, and the host's name in one: as with PostgreSQL."""
    if asked == "none":
        return None
    context = ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())
    context.check_hostname = asked == "verify-full"
    return context


def _socket(addresses: Sequence[str], port: int) -> socket.socket:
    """One to the first of the addresses that answers; a server that falls silent is given up."""
    for address in addresses:
        with suppress(OSError):
            made = socket.create_connection((address, port), CONNECT_SECONDS)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_MILLISECONDS)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, CONNECT_SECONDS)
            return made
    raise unreachable()


def _begin(connection: Any, seconds: float) -> None:
    whole = max(1, round(seconds))
    if "MariaDB" in connection.get_server_info():
        limit = f"max_statement_time = {whole}"
    else:
        limit = f"max_execution_time = {whole * 1000}"
    # A worker that checks and seals reads more slowly than a server writes.
    waits = f"lock_wait_timeout = 10, net_write_timeout = {whole}"
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET SESSION time_zone = '+00:00', {waits}, {limit}")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def _declared(connection: Any, statement: str) -> Sequence[Any]:
    """What the server says of each column, without a row."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"{statement} LIMIT 0")
        fields = list(cursor._result.fields)  # noqa: SLF001 - its description leaves out signs and character sets
    check_columns([field.name for field in fields])
    return fields


def _exactly(statement: str, declared: Sequence[Any]) -> str:
    """The statement with its binary fractions in double precision, which a server writes to the last digit."""
    if not any(is_cut(field) for field in declared):
        return statement
    names = [(quoted(field.name, QUOTES), is_cut(field)) for field in declared]
    asked = ", ".join(f"{name} * 1e0 AS {name}" if cut else name for name, cut in names)
    return f"SELECT {asked} FROM (\n{statement}\n) AS exactly"  # noqa: S608 - quoted above


def _asks_for_it() -> Fault:
    return Fault(
        "credentials-refused",
        "The server asks for the password itself, which it is told only if the operator names it in CONNECTOR_HOSTS "
        "and tls is verify-full; or give the user mysql_native_password.",
    )


def _connecting(error: Exception) -> Fault:
    if isinstance(getattr(error, "original_exception", None), ssl.SSLError) or _code(error) == NO_TLS:
        return tls_refused()
    return CONNECTING.get(_code(error)) or unreachable()


def _code(error: Exception) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


IS_PROVED = b"\1\3"
NO_TLS = 2026
LOST = {2003, 2006, 2013, 2055, 1053, 1152, 1158, 1159, 1160, 1161, 1927}
SLOW = {1205, 1969, 3024}
REFUSED = {1064, 1149, 1235, 1248, 1295, 1327, 1792, 1290, 1060, 3954}
CONNECTING: Mapping[int, Fault] = {
    **dict.fromkeys((1045, 1698, 1130, 1129, 1251, 2059, 1862, 1820), credentials_refused()),
    **dict.fromkeys((1044, 1049), not_found("database")),
    3159: tls_refused(),
}
QUERYING: Mapping[int, Fault] = {
    1146: not_found("table"),
    1049: not_found("database"),
    1054: schema_moved(),
    **dict.fromkeys(
        (1044, 1142, 1143, 1227, 1370),
        not_permitted(),
    ),
    **dict.fromkeys(SLOW, too_slow()),
    **dict.fromkeys(LOST, unreachable()),
}


def _querying(error: Exception) -> Fault:
    code = _code(error)
    if code in QUERYING:
        return QUERYING[code]
    if code in REFUSED:
        return query_refused(f"The database does not take the query (error {code}).")
    told = f" (error {code})" if code else ""
    return query_failed(told)
