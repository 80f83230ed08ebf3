"""The shared rooms: canonical form, custody, errors, idempotency of bytes, tokens, calls between services."""

import logging
from typing import Any
from uuid import UUID

import httpx
import pyarrow as pa
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from pgqueuer import RetryRequested

from moneyer_shared import custody
from moneyer_shared.canonical import canonical, check_storable, digest
from moneyer_shared.errors import KINDS, Invalid, MoneyerError, NotFound, Unavailable, from_problem
from moneyer_shared.http import Peer
from moneyer_shared.queue import Later, Superseded, carry_or_retry
from moneyer_shared.telemetry import JsonFormatter

KEY = bytes(range(32))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        json_values | st.floats(allow_nan=False, allow_infinity=False),
        max_size=5,
    )
)
@example({"é": "\x7f\u2028\b\x01", "z": [True, None, -1]})
@example({"a": '\x00\x1f\t"\\/\u00ff\U0001f600'})
def test_the_bytes_are_rfc_8785s_whichever_way_they_are_made(document: dict[str, Any]) -> None:
    assert canonical(document) == rfc8785.dumps(document)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values, max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_members(document: dict[str, Any]) -> None:
    reordered = dict(reversed(list(document.items())))
    assert canonical(document) == canonical(reordered)
    assert digest(document).startswith("sha256:")


@pytest.mark.parametrize("value", ["\x00", "\ud800", float("nan"), float("inf")])
def test_what_cannot_be_stored_is_refused_however_deep(value: object) -> None:
    for document in (value, [value], {"a": [{"b": value}]}, {"a": {value: 1}} if isinstance(value, str) else [value]):
        with pytest.raises(Invalid):
            check_storable(document)
    check_storable({"a": [1, 2.5, None, True, "ü"]})


# --- custody ------------------------------------------------------------------------------

TABLE = pa.table({"secret": ["visible-if-broken"] * 100, "n": list(range(100))})


def seal(name: str = "a") -> bytes:
    return bytes(custody.seal_table(TABLE.to_batches(), TABLE.schema, KEY, name))


def test_a_sealed_table_opens_under_its_own_key_and_name_only() -> None:
    sealed = seal()
    assert custody.unseal_table(sealed, KEY, "a").read() == TABLE
    assert b"visible-if-broken" not in sealed
    assert b"secret" not in sealed, "even the column names lie sealed"
    for key, name in ((bytes(32), "a"), (KEY, "b")):
        with pytest.raises(custody.SealBroken):
            custody.unseal_table(sealed, key, name).read()


@given(st.integers(0, 10_000))
def test_changed_bytes_do_not_open(position: int) -> None:
    sealed = bytearray(seal())
    sealed[position % len(sealed)] ^= 1
    try:
        opened = custody.unseal_table(bytes(sealed), KEY, "a").read()
    except (custody.SealBroken, OSError, pa.ArrowException):
        return
    assert position % len(sealed) < 4, "only the leading magic is not authenticated, and nothing is read from it"
    assert opened == TABLE


def test_every_object_has_a_key_of_its_own() -> None:
    assert len({custody.object_key(KEY, name) for name in ("a", "b", "")} | {KEY}) == 4


def test_a_plain_file_is_not_taken_for_a_sealed_one() -> None:
    import io

    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    with pytest.raises(custody.SealBroken):
        custody.unseal_table(sink.getvalue(), KEY, "a")


@given(st.binary(max_size=200), st.integers(0, 300))
def test_a_sealed_blob_opens_under_its_own_key_and_name_only(content: bytes, position: int) -> None:
    sealed = custody.seal_blob(content, KEY, "model")
    assert custody.unseal_blob(sealed, KEY, "model") == content
    changed = bytearray(sealed)
    changed[position % len(sealed)] ^= 1
    for bad, key, name in ((bytes(changed), KEY, "model"), (sealed, bytes(32), "model"), (sealed, KEY, "other")):
        with pytest.raises(custody.SealBroken):
            custody.unseal_blob(bad, key, name)
    assert custody.seal_blob(content, KEY, "model") != sealed, "a nonce is never used twice"


def test_objects_are_written_once(tmp_path: Any) -> None:
    store = custody.open_store(tmp_path.as_uri() + "/o")
    custody.put_new(store, "a/b", b"first")
    with pytest.raises(FileExistsError):
        custody.put_new(store, "a/b", b"second")
    assert bytes(custody.get(store, "a/b")) == b"first"
    assert custody.exists(store, "a/b")
    assert not custody.exists(store, "a/c")


# --- errors and logs ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_survives_the_wire(kind: type[MoneyerError]) -> None:
    sent = kind("why", code="special", reasons=[{"code": "r"}], extra=1)
    received = from_problem(kind.status, sent.problem())
    assert type(received) is kind
    assert (received.detail, received.problem_code, received.reasons) == ("why", "special", [{"code": "r"}])
    assert received.members == {"extra": 1}
    assert sent.problem()["title"]


def test_a_log_line_names_type_and_place_but_not_what_was_said() -> None:
    try:
        raise ValueError("row 7 holds Jane Doe")
    except ValueError as error:
        record = logging.LogRecord("l", logging.ERROR, "f", 1, "failed", (), (type(error), error, error.__traceback__))
    line = JsonFormatter("test").format(record)
    assert "Jane Doe" not in line
    assert "ValueError" in line
    assert "test_shared.py" in line


# --- jobs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Later(), Superseded("x"), Unavailable("down"), OSError("no space left on device"), KeyError("bug")]
)
async def test_a_job_that_cannot_go_on_is_asked_for_again_and_never_lost(fault: Exception) -> None:
    async def carry(subject: UUID) -> None:
        raise fault

    with pytest.raises(RetryRequested) as again:
        await carry_or_retry(carry, UUID(int=1))
    assert again.value.delay.total_seconds() > 0


# --- calls between services ---------------------------------------------------------------


class Tokens:
    async def token(self, audience: str) -> str:
        return f"token-for-{audience}"


def peer(handler: Any) -> Peer:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Peer(name="policy", base_url="http://p", tokens=Tokens(), http=http)


async def test_a_repeatable_call_is_tried_again_and_another_is_not() -> None:
    seen: list[httpx.Request] = []

    def flaky(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(503) if len(seen) == 1 else httpx.Response(200, json={"ok": True})

    assert await peer(flaky).post("/x", {}, idempotency_key="k") == {"ok": True}
    assert [request.headers["idempotency-key"] for request in seen] == ["k", "k"]
    assert seen[0].headers["authorization"] == "Bearer token-for-moneyer-policy"
    seen.clear()
    with pytest.raises(Unavailable):
        await peer(flaky).post("/x", {})
    assert len(seen) == 1, "a call without a key may have happened: it is not repeated"


async def test_a_verdict_is_not_retried_and_comes_back_as_itself() -> None:
    seen = []

    def gone(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json=NotFound("no such thing", code="lost").problem())

    with pytest.raises(NotFound, match="no such thing") as refused:
        await peer(gone).get("/x")
    assert refused.value.problem_code == "lost"
    assert len(seen) == 1


async def test_a_dead_peer_is_left_alone_for_a_while() -> None:
    seen = []

    def dead(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise httpx.ConnectError("refused")

    silent = peer(dead)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await silent.get("/x")
    assert len(seen) == 5, "after five failures the circuit answers by itself"
