"""Snowflake and BigQuery: what can be tested of them without a server of theirs, of which none can be had."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from adbc_driver_manager import AdbcStatusCode, OperationalError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from generation.connectors.conftest import World

from moneyer_generation.connectors import warehouses
from moneyer_generation.connectors.faults import Fault

SNOWFLAKE: dict[str, Any] = {
    "kind": "snowflake",
    "account": "acme-clinic",
    "database": "CLINIC",
    "user": "READER",
    "warehouse": "SMALL",
}
BIGQUERY: dict[str, Any] = {"kind": "bigquery", "project": "acme-clinic"}
WHOLE = {"schema_name": "PUBLIC", "role": None, "dataset": None, "location": None}


def private_key() -> str:
    made = rsa.generate_private_key(65537, 2048)
    said = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return said.decode()


def account_key(**changes: str) -> str:
    key = {
        "type": "service_account", "project_id": "acme-clinic", "private_key_id": "1", "private_key": private_key(),
        "client_email": "reader@acme-clinic.iam.gserviceaccount.com", "client_id": "1", "token_uri": warehouses.TOKENS,
    }  # fmt: skip
    return json.dumps(key | changes)


SECRETS = {"snowflake": private_key, "bigquery": account_key}


@pytest.mark.parametrize(
    "wrong",
    [
        SNOWFLAKE | {"account": "evil.example.org/x"},
        SNOWFLAKE | {"account": "a.b.c.d.e"},
        SNOWFLAKE | {"account": "acme;proxy=1"},
        SNOWFLAKE | {"host": "evil.example.org"},
        SNOWFLAKE | {"user": "a b"},
        {"kind": "snowflake", "account": "acme", "database": "D", "user": "U"},
        BIGQUERY | {"project": "Acme Clinic"},
        BIGQUERY | {"project": "acme/../x"},
        BIGQUERY | {"endpoint": "https://evil.example.org"},
    ],
)
async def test_a_warehouse_is_named_and_no_address(world: World, wrong: dict[str, Any]) -> None:
    body = {"name": "c", "target": wrong, "secret_ref": "file:x"}
    assert (await world.call("POST", "/v1/connections", json=body)).status_code == 422


@pytest.mark.parametrize("target", [SNOWFLAKE, BIGQUERY])
async def test_a_warehouse_needs_its_key(world: World, target: dict[str, Any]) -> None:
    body: dict[str, Any] = {"name": "c", "target": target}
    assert (await world.call("POST", "/v1/connections", json=body)).status_code == 422
    connection = await world.connect(target, "env:NOT_SET")
    assert (await world.pull(connection, table="people"))["problem"]["code"] == "secret-missing"
    (world.folder / "secrets" / "w").write_text("a password")
    connection = await world.connect(target, "file:w")
    pull = await world.pull(connection, table="people")
    assert pull["problem"]["code"] == "credentials-refused"
    assert "key" in pull["problem"]["detail"]


def test_a_key_that_has_its_tokens_elsewhere_is_not_used() -> None:
    for changes in ({"token_uri": "https://evil.example.org/token"}, {"type": "external_account"}):
        with pytest.raises(Fault) as fault:
            warehouses.bigquery_options(BIGQUERY | WHOLE, account_key(**changes))
        assert fault.value.code == "not-allowed"


def test_the_drivers_are_told_to_sign_and_to_keep_every_digit() -> None:
    key = private_key()
    said = warehouses.snowflake_options(SNOWFLAKE | WHOLE | {"role": "READERS"}, key)
    option = "adbc.snowflake.sql.client_option"
    assert said["adbc.snowflake.sql.auth_type"] == "auth_jwt"
    assert said["adbc.snowflake.sql.role"] == "READERS"
    assert said[f"{option}.use_high_precision"] == "true"
    assert said[f"{option}.max_timestamp_precision"] == "nanoseconds_error_on_overflow"
    assert "password" not in said
    told = warehouses.bigquery_options(BIGQUERY | WHOLE | {"location": "EU"}, account_key())
    assert told["adbc.bigquery.sql.location"] == "EU"
    assert told["adbc.bigquery.sql.auth_type"].endswith("json_credential_string")


@pytest.mark.parametrize("target", [SNOWFLAKE, BIGQUERY])
async def test_a_driver_takes_its_options_and_goes_through_the_door(target: dict[str, Any]) -> None:
    """Of hosts that no address of the public internet is known of, nothing is asked but the door; it says so."""
    job = {
        "target": WHOLE | target, "asked": {"query": "SELECT 1 AS a"}, "secret": SECRETS[target["kind"]](), "hosts": [], "files": None,
        "seconds": 60, "mebibytes": 2048, "table_bytes": 2**30,
    }  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "moneyer_generation.connectors.child"], input=json.dumps(job).encode() + b"\n",
        capture_output=True, timeout=120, env=os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9"},
    )  # fmt: skip
    told = json.loads(done.stdout[5:])["failed"]
    assert told["code"] == "not-allowed", (told, done.stderr)
    assert "no address of the public internet" in told["detail"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("[Snowflake] 390144 (08004): JWT token is invalid.", "credentials-refused"),
        (
            "[Snowflake] 002003 (42S02): SQL compilation error: Object 'X.Y' does not exist or not authorized.",
            "not-found",
        ),
        ("[Snowflake] 000904 (42000): SQL compilation error: error line 1 invalid identifier 'NAME'", "schema-moved"),
        ("[Snowflake] 001003 (42000): SQL compilation error: syntax error line 1 at position 9", "query-refused"),
        (
            "[Snowflake] 000630 (57014): Statement reached its statement timeout of 3 second(s) and was canceled.",
            "too-slow",
        ),
        (
            "[Snowflake] 003001 (42501): SQL access control error: Insufficient privileges to operate on table",
            "not-permitted",
        ),
        ('IO: Post "https://x": dial tcp: lookup x: no such host', "unreachable"),
        ("IO: tls: failed to verify certificate: x509: certificate signed by unknown authority", "tls-refused"),
        ("[BigQuery] googleapi: Error 404: Not found: Table acme:clinic.people was not found", "not-found"),
        (
            "[BigQuery] googleapi: Error 403: Access Denied: Table acme:clinic.people: User does not have permission",
            "not-permitted",
        ),
        ("[BigQuery] googleapi: Error 400: Unrecognized name: nam at [1:8], invalidQuery", "schema-moved"),
        ("[BigQuery] googleapi: Error 400: Syntax error: Unexpected keyword, invalidQuery", "query-refused"),
        ('oauth2: "invalid_grant" "Invalid JWT Signature."', "credentials-refused"),
        ("Value Xyzzy-4711 is out of range", "query-failed"),
    ],
)
def test_a_drivers_words_become_ours(words: str, code: str) -> None:
    fault = warehouses.fault_of(OperationalError(words, status_code=AdbcStatusCode.UNKNOWN))
    assert fault.code == code
    assert not [word for word in ("Xyzzy", "acme", "people", "X.Y", "NAME") if word in fault.detail]


@pytest.mark.parametrize("target", [SNOWFLAKE, BIGQUERY])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1) AS a; DROP TABLE people; SELECT * FROM (SELECT 1",
        "SELECT '\\') AS a; DROP TABLE people; SELECT (''",
        "SELECT $$) AS a; DROP TABLE people; SELECT ($$",
        "SELECT '''a'b''') AS a; DROP TABLE people; SELECT ('",
        "SELECT (1",
        "SELECT 'a",
    ],
)
def test_a_query_of_a_warehouse_stays_in_its_brackets(target: dict[str, Any], query: str) -> None:
    with pytest.raises(Fault) as fault:
        warehouses.statement_asked(target, {"query": query})
    assert fault.value.code == "query-refused"


def test_a_table_of_a_warehouse_is_named_literally() -> None:
    assert warehouses.statement_asked(SNOWFLAKE, {"table": 'PUBLIC.a"b'}) == 'SELECT * FROM "PUBLIC"."a""b"'
    assert warehouses.statement_asked(BIGQUERY, {"table": "clinic.people"}) == "SELECT * FROM `clinic`.`people`"
    with pytest.raises(Fault):
        warehouses.statement_asked(BIGQUERY, {"table": "a`b"})
    query = {"query": "SELECT ')' AS a, \"b)\" FROM t -- ) (\n WHERE (c) > 1;"}
    assert warehouses.statement_asked(SNOWFLAKE, query).endswith("\n) AS pulled")
