"""Tokens, key sets and parameters as nobody should write them: each is refused in words, none is a 500."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from attacks.conftest import Service, routes
from conftest import ISSUER
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from policy.conftest import World

from moneyer.client import Refused, _Tokens
from moneyer_shared.auth import TokenSource, TokenVerifier, keys_from_issuer
from moneyer_shared.errors import MoneyerError, Unauthenticated, Unavailable

DEEP: Any = 1
for _ in range(900):
    DEEP = [DEEP]
ODD_VALUES: list[Any] = [
    None, True, 7, -1, 1.5, 1e308, "", " ", "\x00", "a\x00b", "x" * 201, "x" * 100_000, "é", "a b", "\ud83d\ude00", "\u202e",
    "a\nb", [], ["a"], [["a"]], {}, {"a": 1}, 2**70, "1", "NaN", DEEP,
]  # fmt: skip


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made = {
        "iss": ISSUER, "sub": "auditor", "client_id": "auditor", "aud": "moneyer-policy", "iat": now, "exp": now + 600,
        "jti": "j", "scope": "policy:read",
    }  # fmt: skip
    return {name: value for name, value in (made | changes).items() if value is not ...}


def signed(registry: dict[str, Any], told: Any, **header: Any) -> str:
    key = ECKey.import_key(registry["key"])
    head = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid} | header
    return by_hand(key, {name: value for name, value in head.items() if value is not ...}, told)


def by_hand(key: Any, head: Any, told: Any) -> str:
    """What no library would sign: any header, any payload."""
    first = _encoded(head if isinstance(head, bytes) else json.dumps(head).encode())
    second = _encoded(told if isinstance(told, bytes) else json.dumps(told).encode())
    made = key.private_key.sign(f"{first}.{second}".encode(), ec.ECDSA(hashes.SHA256()))
    signature = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(made))
    return f"{first}.{second}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


async def ask(world: World, token: str) -> Any:
    return await world.call.bare("GET", "/v1/charters", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("name", ["sub", "client_id", "aud", "iss", "exp", "nbf", "iat", "scope", "jti"])
async def test_odd_claims_are_refused_or_harmless(policy: World, registry: dict[str, Any], name: str) -> None:
    assert (await ask(policy, signed(registry, claims()))).status_code == 200
    for value in ODD_VALUES:
        answer = await ask(policy, signed(registry, claims(**{name: value})))
        allowed = {200, 401} if name in {"jti", "iat", "nbf"} else {401, 403} if name == "scope" else {401}
        if (name == "client_id" and value in ("1", "NaN")) or (name == "sub" and value in ("1", "NaN")):
            allowed = {200}
        if name == "exp" and value in (2**70, 1e308):
            allowed = {200, 401}
        assert answer.status_code in allowed, (name, repr(value)[:60], answer.status_code)
        assert answer.status_code == 200 or answer.headers["content-type"] == "application/problem+json"


async def test_missing_claims_and_other_documents_are_refused(policy: World, registry: dict[str, Any]) -> None:
    for name in ("sub", "aud", "iss", "exp"):
        assert (await ask(policy, signed(registry, claims(**{name: ...})))).status_code == 401, name
    twice = json.dumps(claims())[:-1] + ', "sub": "admin"}'
    for told in ([], None, 1, "x", b"", b"{", b"\xff", b"[" * 5000, twice.encode(), b'{"exp": 1e999}', b'{"exp": NaN}'):
        assert (await ask(policy, signed(registry, told))).status_code == 401, repr(told)[:40]


async def test_odd_headers_are_refused(policy: World, registry: dict[str, Any]) -> None:
    key = ECKey.import_key(registry["key"])
    good = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
    heads: list[Any] = [
        {**good, "alg": "none"}, {**good, "alg": "HS256"}, {**good, "alg": 1}, {**good, "alg": None}, {**good, "alg": ["ES256"]},
        {**good, "typ": "JWT"}, {**good, "typ": 1}, {**good, "typ": ["at+jwt"]}, {**good, "kid": 1}, {**good, "kid": ["x"]},
        {**good, "kid": {}}, {**good, "kid": "x" * 10_000}, {**good, "crit": ["exp"]}, {**good, "crit": 1}, {**good, "b64": False},
        {**good, "x": DEEP}, json.dumps(good)[:-1].encode() + b', "alg": "none"}',
        [], None, 1, "x", b"", b"{", b"[" * 5000, b"\xff",
    ]  # fmt: skip
    for head in heads:
        answer = await ask(policy, by_hand(key, head, claims()))
        assert answer.status_code == 401, (repr(head)[:80], answer.status_code)
    for harmless in ({"zip": "DEF"}, {"enc": "A128GCM"}, {"jku": "http://evil"}, {"jwk": {}}, {"x5u": "http://evil"}):
        # Nothing of it is followed: the key is the issuer's, whatever a header offers.
        assert (await ask(policy, by_hand(key, good | harmless, claims()))).status_code in {200, 401}
    for token in ("", ".", "..", "...", "a.b.c", "a.b.c.d.e", "é.b.c", "x" * 100_000, "a b", "\x7f"):
        sent = {"Authorization": f"Bearer {token}".encode()}
        assert (await policy.call.bare("GET", "/v1/charters", headers=sent)).status_code == 401, token[:20]


@given(st.dictionaries(st.sampled_from(["sub", "client_id", "aud", "exp", "nbf", "iat", "scope", "iss"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5), max_size=3))  # fmt: skip
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_a_token_says_the_answer_is_a_caller_or_a_refusal(
    registry: dict[str, Any], changes: dict[str, Any]
) -> None:
    public = ECKey.import_key(registry["key"]).as_dict(private=False)

    async def fetch() -> KeySet:
        return KeySet.import_key_set({"keys": [public]})

    verifier = TokenVerifier(issuer=ISSUER, audience="moneyer-policy", fetch_keys=fetch)
    told = claims(**changes)
    try:
        caller = await verifier.verify(signed(registry, json.dumps(told, ensure_ascii=True).encode()))
    except Unauthenticated:
        return
    assert 0 < len(caller.subject) <= 200
    assert caller.subject.isprintable()


# --- key sets (RFC 7517 §5: what is not understood is ignored) --------------------------------


def odd_keys() -> dict[str, dict[str, Any]]:
    rsa = RSAKey.generate_key(2048).as_dict(private=False)
    return {
        "unknown type": {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x"},
        "OKP of an unknown curve": {"kty": "OKP", "crv": "Ed999", "x": "AA"},
        "EC of an unknown curve": {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        "EC off its curve": {"kty": "EC", "crv": "P-256", "x": "AA" * 21 + "A", "y": "AA" * 21 + "A"},
        "no kty": {"crv": "P-256"},
        "broken RSA": {"kty": "RSA", "n": "!!", "e": "AQAB"},
        "RSA for encryption": rsa | {"use": "enc"},
        "a symmetric key": {"kty": "oct", "k": "AAAA"},
        "an odd kid": OKPKey.generate_key("Ed25519").as_dict(private=False) | {"kid": 7},
    }


@pytest.mark.parametrize("odd", [*odd_keys(), "null", "text", "list", "number"])
async def test_one_odd_key_does_not_shut_everybody_out(registry: dict[str, Any], odd: str) -> None:
    public = ECKey.import_key(registry["key"]).as_dict(private=False)
    entry = {"null": None, "text": "x", "list": [], "number": 1}.get(odd, odd_keys().get(odd))
    for keys in ([entry, public], [public, entry]):
        verifier = TokenVerifier(issuer=ISSUER, audience="moneyer-policy", fetch_keys=issuer({"keys": keys}))
        assert (await verifier.verify(signed(registry, claims()))).subject == "auditor"


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"keys": []}, [], None, "x", 1])
async def test_a_key_set_that_is_none_is_an_outage(registry: dict[str, Any], document: Any) -> None:
    verifier = TokenVerifier(issuer=ISSUER, audience="moneyer-policy", fetch_keys=issuer(document))
    with pytest.raises((Unavailable, Unauthenticated)):
        await verifier.verify(signed(registry, claims()))


@pytest.mark.parametrize("content", [b"", b"{", b"<html>", b"\xff", b"[" * 5000])
async def test_an_issuer_that_speaks_no_json_is_an_outage(registry: dict[str, Any], content: bytes) -> None:
    verifier = TokenVerifier(issuer=ISSUER, audience="moneyer-policy", fetch_keys=issuer(None, content))
    with pytest.raises(Unavailable):
        await verifier.verify(signed(registry, claims()))


def issuer(keys: Any, content: bytes | None = None) -> Callable[[], Any]:
    def answer(request: httpx.Request) -> httpx.Response:
        if content is not None:
            return httpx.Response(200, content=content)
        found = {"jwks_uri": f"{ISSUER}/jwks"} if "configuration" in request.url.path else keys
        return httpx.Response(200, json=found)

    return keys_from_issuer(ISSUER, httpx.AsyncClient(transport=httpx.MockTransport(answer)))


# --- token endpoints as they are -----------------------------------------------------------


@pytest.mark.parametrize("lasts", ["3600", 3600.0, ..., 20, 0, -5, None, "x", True, [], 1e308, "1e5"])
async def test_a_token_is_used_however_its_end_is_told(lasts: Any) -> None:
    asked = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        body = {"access_token": "t", "token_type": "Bearer"} | ({} if lasts is ... else {"expires_in": lasts})
        return httpx.Response(200, json=body)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    source = TokenSource(token_url="http://i/token", client_id="c", client_secret="s", http=http)
    for _ in range(10):
        assert await source.token("a") == "t"
    assert asked == 1, "no storm of token requests"
    kept = _Tokens()
    told = httpx.Response(200, json={"access_token": "t"} | ({} if lasts is ... else {"expires_in": lasts}))
    assert kept.keep("policy", told) == "t"
    assert kept.valid("policy") == "t"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"<html>", b'{"access_token": 7}', b'{"access_token": ""}', b"\xff"]
)
async def test_no_token_is_an_outage_in_words(content: bytes) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    source = TokenSource(token_url="http://i/token", client_id="c", client_secret="s", http=http)
    with pytest.raises(Unavailable):
        await source.token("a")
    with pytest.raises(Refused):
        _Tokens().keep("policy", httpx.Response(200, content=content))


# --- parameters ----------------------------------------------------------------------------


async def test_no_text_parameter_of_any_service_takes_nul(services: dict[str, Service]) -> None:
    """O29, and all its siblings: every parameter of every route of the four documents."""
    asked = 0
    for route in routes():
        service = services[route.service]
        for parameter in route.operation.get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in ("%00", "a%00b"):
                path = f"{route.path}?{quote(parameter['name'])}={value}"
                answer = await service.send(route.method, path, headers={"Idempotency-Key": "k"}, json={})
                assert 400 <= answer.status_code < 500, (route.method, path, answer.status_code)
                asked += 1
        if "/x" in route.path or "/plant" in route.path:
            path = route.path.replace("/x", "/a%00b", 1)
            answer = await service.send(route.method, path, headers={"Idempotency-Key": "k"}, json={})
            assert answer.status_code < 500, (route.method, path)
    assert asked > 100


@pytest.mark.parametrize(
    "value",
    ["9007199254740992", "9223372036854775808", "-9007199254740992", "1" + "0" * 30, "9" * 5001],
    ids=len,
)
async def test_a_parameter_beyond_what_json_keeps_is_refused_in_words(policy: World, value: str) -> None:
    await policy.set_up()
    request = policy.request()
    text = json.dumps(request).replace('"iterations": 500', f'"iterations": {value}')
    headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
    answer = await policy.call("generation", "POST", "/v1/decisions", content=text, headers=headers)
    assert answer.status_code == 422
    assert "number" in answer.json()["detail"]


def test_the_canonical_form_of_what_has_none_is_a_refusal() -> None:
    from moneyer_shared.canonical import canonical, check_storable

    for document in (2**53, {"a": [2**70]}, {1: 2}, float("inf"), "\ud800", DEEP, [DEEP] * 2, {"a": DEEP}):
        with pytest.raises(MoneyerError):
            canonical(document)
    with pytest.raises(MoneyerError):
        check_storable(DEEP)


def test_a_library_signs_what_is_signed_by_hand(registry: dict[str, Any]) -> None:
    """The forger of this file is no weaker than an issuer."""
    decoded = jwt.decode(signed(registry, claims()), ECKey.import_key(registry["key"]), algorithms=["ES256"])
    assert decoded.claims["sub"] == "auditor"
