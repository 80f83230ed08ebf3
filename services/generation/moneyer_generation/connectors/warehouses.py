"""Snowflake and BigQuery by their ADBC drivers: one query as an Arrow stream, through the door alone.

The drivers are Go libraries. They look names up themselves, and read their proxy from the environment that their
process was begun with: so the process is begun anew with it, its door open and its job in hand.
"""

import json
import os
import socket
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from moneyer_generation.connectors.door import Door
from moneyer_generation.connectors.faults import (
    Fault,
    credentials_refused,
    not_allowed,
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
from moneyer_generation.connectors.sql import QUOTES, check_stays_in_brackets, statement_of
from moneyer_generation.connectors.wire import FetchJob

KINDS = frozenset({"snowflake", "bigquery"})
DOOR, JOB = "MONEYER_DOOR", "MONEYER_JOB"
"""File descriptors that the process hands on to itself."""
TOKENS = "https://oauth2.googleapis.com/token"
BACKTICKS = ("`", "`")
SNOWFLAKE, BIGQUERY = "adbc.snowflake.sql", "adbc.bigquery.sql"
STAGES = (".snowflakecomputing.com", ".amazonaws.com", ".blob.core.windows.net", "storage.googleapis.com")
"""Where Snowflake puts a result of some size: the store of whichever cloud the account lies in."""


def begin_anew(job: FetchJob) -> None:
    """Become a process whose proxy is a door that is open already; it goes on at ``taken_over``."""
    door = socket.create_server(("127.0.0.1", 0))
    proxy = f"http://127.0.0.1:{door.getsockname()[1]}"
    handed = os.memfd_create("job", 0)
    os.write(handed, json.dumps(job).encode() + b"\n")
    os.lseek(handed, 0, os.SEEK_SET)
    door.set_inheritable(True)
    told = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": "", DOOR: str(door.fileno()), JOB: str(handed)}
    command = [sys.executable, "-m", "moneyer_generation.connectors.child"]
    os.execve(sys.executable, command, {**os.environ, **told})  # noqa: S606 - this very program


def taken_over() -> FetchJob | None:
    """The job that this process has from the one it was, where it was one."""
    handed = os.environ.get(JOB)
    if handed is None:
        return None
    with os.fdopen(int(handed), "rb") as opened:
        job: FetchJob = json.loads(opened.readline())
    return job


def hosts_of(target: Mapping[str, Any]) -> list[str]:
    """The hosts that a warehouse is at; one that begins with a dot stands for all below it."""
    if target["kind"] == "bigquery":
        return ["bigquery.googleapis.com", "bigquerystorage.googleapis.com", "oauth2.googleapis.com"]
    return [f"{target['account'].replace('_', '-').lower()}.snowflakecomputing.com", *STAGES]


@contextmanager
def reading(
    target: Mapping[str, Any], asked: Mapping[str, Any], secret: str, reach: Reach, seconds: float
) -> Generator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """What one query gives, as it comes.

    Raises:
        Fault: it was refused, or broke off.
    """
    import adbc_driver_manager as manager

    statement = statement_asked(target, asked)
    with _opened(target, secret, reach) as (door, connection):
        try:
            with closing(connection.cursor()) as cursor:
                _limit(target, cursor, seconds)
                cursor.execute(statement)
                reader = cursor.fetch_record_batch()
                check_columns(reader.schema.names)
                schema = plain_schema(reader.schema)
                yield schema, plain_batches(reader, schema)
        except (manager.Error, OSError, pa.ArrowException) as error:
            raise _fault(error, door) from None


def check(target: Mapping[str, Any], secret: str, reach: Reach, seconds: float) -> None:
    """That the warehouse takes a query.

    Raises:
        Fault: it does not.
    """
    with reading(target, {"query": "SELECT 1 AS one"}, secret, reach, seconds) as (_, batches):
        for _batch in batches:
            pass


def statement_asked(target: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The one statement.

    Raises:
        Fault: the query does not stay in its brackets.
    """
    is_snowflake = target["kind"] == "snowflake"
    if asked.get("query") is not None:
        check_stays_in_brackets(asked["query"], ("--", "//") if is_snowflake else ("--", r"\#"))
    elif not is_snowflake and "`" in asked["table"]:
        raise query_refused("No table of BigQuery has a ` in its name.")
    return statement_of(asked, QUOTES if is_snowflake else BACKTICKS)


@contextmanager
def _opened(target: Mapping[str, Any], secret: str, reach: Reach) -> Generator[tuple[Door, Any]]:
    import adbc_driver_manager as manager

    door = Door(reach, hosts_of(target), socket.socket(fileno=int(os.environ[DOOR])))
    try:
        connection = _connected(target, secret)
    except manager.Error as error:
        raise _fault(error, door) from None
    with closing(connection):
        yield door, connection


def _fault(error: Exception, door: Door) -> Fault:
    """What the door refused counts where nothing answered; drivers also ask for lists that they can do without."""
    fault = fault_of(error)
    return door.refused if door.refused is not None and fault.code == "unreachable" else fault


def _connected(target: Mapping[str, Any], secret: str) -> Any:
    if target["kind"] == "snowflake":
        import adbc_driver_snowflake.dbapi as snowflake

        return snowflake.connect(db_kwargs=snowflake_options(target, secret), autocommit=True)
    import adbc_driver_bigquery.dbapi as bigquery

    return bigquery.connect(bigquery_options(target, secret), autocommit=True)


def snowflake_options(target: Mapping[str, Any], secret: str) -> dict[str, str]:
    """What the driver is told: to sign with a key, to say nothing to anybody else, to keep every digit.

    Raises:
        Fault: the secret is no private key.
    """
    if "-----BEGIN PRIVATE KEY-----" not in secret:
        raise Fault("credentials-refused", "The secret is no private key in PEM (PKCS #8, without a passphrase).")
    option = f"{SNOWFLAKE}.client_option"
    role = {f"{SNOWFLAKE}.role": target["role"]} if target["role"] else {}
    return role | {
        "username": target["user"],
        f"{SNOWFLAKE}.account": target["account"],
        f"{SNOWFLAKE}.db": target["database"],
        f"{SNOWFLAKE}.schema": target["schema_name"],
        f"{SNOWFLAKE}.warehouse": target["warehouse"],
        f"{SNOWFLAKE}.auth_type": "auth_jwt",
        f"{option}.jwt_private_key_pkcs8_value": secret,
        f"{option}.login_timeout": "20s",
        f"{option}.disable_telemetry": "true",
        f"{option}.use_high_precision": "true",
        # Else a moment outside 1678 to 2262 would come as another.
        f"{option}.max_timestamp_precision": "nanoseconds_error_on_overflow",
        f"{option}.store_temp_creds": "false",
        f"{option}.app_name": "moneyer",
    }


def bigquery_options(target: Mapping[str, Any], secret: str) -> dict[str, str]:
    """What the driver is told: to sign with a service account's key, for the one place where tokens are had.

    Raises:
        Fault: the secret is no such key.
    """
    try:
        key = json.loads(secret)
        kind, tokens, _ = key["type"], key["token_uri"], (key["private_key"], key["client_email"])
    except (ValueError, KeyError, TypeError):
        raise Fault("credentials-refused", "The secret is no service account's key (JSON).") from None
    if (kind, tokens) != ("service_account", TOKENS):
        raise not_allowed(f"The secret is no key of a service account that has its tokens from {TOKENS}.")
    named = {"dataset_id": target["dataset"], "location": target["location"]}
    more = {f"{BIGQUERY}.{name}": said for name, said in named.items() if said}
    return more | {
        f"{BIGQUERY}.project_id": target["project"],
        f"{BIGQUERY}.auth_type": f"{BIGQUERY}.auth_type.json_credential_string",
        f"{BIGQUERY}.auth_credentials": json.dumps(key),
    }


def _limit(target: Mapping[str, Any], cursor: Any, seconds: float) -> None:
    whole = max(1, round(seconds))
    if target["kind"] == "snowflake":
        cursor.execute(f"ALTER SESSION SET TIMEZONE = 'UTC', STATEMENT_TIMEOUT_IN_SECONDS = {whole}")
        return
    limit = {f"{BIGQUERY}.query.job_timeout": whole * 1000}
    cursor.adbc_statement.set_options(**limit, **{f"{BIGQUERY}.query.use_legacy_sql": "false"})


WORDS: Mapping[str, Fault] = {
    **dict.fromkeys(("jwt token is invalid", "incorrect username", "authentication"), credentials_refused()),
    **dict.fromkeys(("invalid_grant", "invalid_client"), credentials_refused()),
    **dict.fromkeys(("x509:", "tls:"), tls_refused()),
    **dict.fromkeys(("statement timeout", "job timed out", "deadline exceeded", "timeoutexceeded"), too_slow()),
    **dict.fromkeys(("does not exist or not authorized", "not found: table", "not found: dataset"), not_found("table")),
    **dict.fromkeys(("invalid identifier", "unrecognized name"), schema_moved()),
    **dict.fromkeys(("insufficient privileges", "access denied", "accessdenied"), not_permitted()),
    **dict.fromkeys(("syntax error", "invalidquery"), query_refused("The warehouse does not take the query.")),
    **dict.fromkeys(("dial tcp", "proxyconnect", "no such host", "connection re", "eof"), unreachable()),
    **dict.fromkeys(('": bad gateway', '": forbidden'), unreachable()),
}
"""Of several the first counts."""


def fault_of(error: Exception) -> Fault:
    """What went wrong, by the few words that the drivers have for it; theirs hold addresses, names and values."""
    said = str(error).lower()
    for words, fault in WORDS.items():
        if words in said:
            return fault
    state = getattr(error, "sqlstate", None)
    told = f" (SQLSTATE {state})" if state else ""
    return query_failed(told)
