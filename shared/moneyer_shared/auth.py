"""Who is calling: RFC 9068 bearer tokens, verified against the issuer's published keys."""

import logging
import math
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Request, Security
from fastapi.security import OAuth2, SecurityScopes
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, KeySet
from starlette.requests import HTTPConnection

from moneyer_shared.claims import CHALLENGE, Reading
from moneyer_shared.documents import EXACT, read_json
from moneyer_shared.errors import Forbidden, Invalid, Unauthenticated, Unavailable
from moneyer_shared.tokens import token_of

logger = logging.getLogger("moneyer.auth")

ALGORITHMS = ["ES256", "RS256", "PS256"]
KEY_TYPES = {"EC", "RSA"}
LEEWAY_SECONDS = 5
REFRESH_SECONDS = 10
LONGEST_TOKEN = 16 * 1024
TOKEN_PARTS = 3
# What a JOSE library raises for a header or a payload of another shape than it expects.
MALFORMED = (JoseError, Invalid, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True)
class Caller:
    """The verified bearer of a token, which ends at ``expires_at`` (seconds since 1970)."""

    subject: str
    client: str
    scopes: frozenset[str]
    expires_at: float = math.inf

    def holds(self, scope: str) -> bool:
        """Whether the token carries a right that a route looks at beside the one it requires."""
        return scope in self.scopes


ANYBODY = Caller("public", "public", frozenset())
"""Who asks where no token is asked for."""
FetchKeys = Callable[[], Awaitable[KeySet]]


def keys_from_issuer(issuer: str, http: httpx.AsyncClient) -> FetchKeys:
    """Read the issuer's key set as OpenID Connect Discovery 1.0 publishes it."""

    async def fetch() -> KeySet:
        try:
            discovery = await http.get(f"{issuer}/.well-known/openid-configuration")
            discovery.raise_for_status()
            keys = await http.get(read_json(discovery.content)["jwks_uri"])
            keys.raise_for_status()
            return read_keys(read_json(keys.content))
        except (httpx.HTTPError, httpx.InvalidURL, Invalid, KeyError, TypeError, ValueError) as error:
            raise Unavailable("The identity provider's keys cannot be read; try again.") from error

    return fetch


def read_keys(document: Any) -> KeySet:
    """The keys of a JWK set that are understood; the others are left aside, as RFC 7517 §5 asks.

    Raises:
        ValueError: it is no JWK set, or none of its keys is understood.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        message = "no JWK set"
        raise ValueError(message)  # noqa: TRY004 - what cannot be read, like a number of the wrong shape
    keys = [key for entry in entries if (key := _key(entry)) is not None]
    if not keys:
        message = "no key that is understood"
        raise ValueError(message)
    return KeySet(keys)


def _key(entry: Any) -> Any:
    try:
        if entry.get("kty") not in KEY_TYPES or entry.get("use", "sig") != "sig":
            return None
        if not isinstance(entry.get("kid", ""), str):
            return None
        key = JWKRegistry.import_key(entry)
        # Some faults of a key are only met when it is used.
        _ = key.public_key
    except MALFORMED as error:
        logger.warning("a key of the issuer is left aside", extra={"fields": {"because": type(error).__name__}})
        return None
    return key


class TokenVerifier:
    """Checks iss, aud, exp, nbf, typ, alg and signature; remembers tokens it verified until they expire.

    ``reading`` says which claims say who it is and what they may do.
    """

    def __init__(self, *, issuer: str, audience: str, fetch_keys: FetchKeys, reading: Reading | None = None) -> None:
        self._fetch_keys = fetch_keys
        self._reading = reading or Reading()
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._verified: dict[str, Caller] = {}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Caller:
        """The caller a token speaks for.

        Raises:
            Unauthenticated: the token is not one this service accepts now.
            Unavailable: the issuer's keys cannot be read.
        """
        known = self._verified.get(token)
        if known and known.expires_at > time.time():
            return known
        claims = await self._decode(token)
        caller = Caller(*self._reading.told(claims), float(claims["exp"]))
        self._remember(token, caller)
        return caller

    def _remember(self, token: str, caller: Caller) -> None:
        if len(self._verified) > 10_000:  # noqa: PLR2004 - bounded memory, not a tuning knob
            self._verified.clear()
        self._verified[token] = caller

    async def _decode(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            words = f"A bearer token may be {LONGEST_TOKEN // 1024} KiB long; have the issuer leave out other groups."
            raise Unauthenticated(words, headers=CHALLENGE)
        if token.count(".") != TOKEN_PARTS - 1:
            raise _not_valid()
        for fresh in (False, True):
            keys = await self.keys(fresh=fresh)
            try:
                return self._checked(token, keys)
            except MALFORMED as error:
                # An unknown key may be a new one: look once at fresh keys before refusing.
                if not fresh and self._stale():
                    continue
                raise _not_valid() from error
        raise Unauthenticated(headers=CHALLENGE)

    def _checked(self, token: str, keys: KeySet) -> dict[str, Any]:
        head, told = (read_json(_decoded(part)) for part in token.split(".")[:2])
        if not isinstance(head, dict) or not isinstance(told, dict):
            raise _not_valid()
        jwt.decode(token, keys, algorithms=ALGORITHMS)
        self._reading.check_kind(head, told)
        _check_times(told)
        self._claims.validate(told)
        return told

    def _stale(self) -> bool:
        return time.monotonic() - self._fetched_at > REFRESH_SECONDS

    async def keys(self, *, fresh: bool = False) -> KeySet:
        if self._keys is None or fresh:
            self._keys = await self._fetch_keys()
            self._fetched_at = time.monotonic()
        return self._keys


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _not_valid() -> Unauthenticated:
    return Unauthenticated("The bearer token is not valid here.", headers=CHALLENGE)


def _check_times(claims: Mapping[str, Any]) -> None:
    """NumericDate (RFC 7519 §2) is a number, and no clock goes beyond what readers keep exactly."""
    for name in ("exp", "nbf", "iat"):
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= EXACT:
            raise Unauthenticated(f"The token's {name} is no time.", headers=CHALLENGE)


class BearerScheme(OAuth2):
    """Shown in OpenAPI as OAuth 2 client credentials; refusals are our own problems."""

    def __init__(self) -> None:
        super().__init__(flows={"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}, auto_error=False)

    async def __call__(self, request: HTTPConnection) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else None


bearer = BearerScheme()


async def current_caller(
    request: Request,
    needed: SecurityScopes,
    token: str | None = Security(bearer),
) -> Caller:
    """The caller of this request, holding every scope the route names.

    Raises:
        Unauthenticated: there is no token, or not one this service accepts.
        Forbidden: the token lacks a scope.
    """
    if not token:
        raise Unauthenticated(headers=CHALLENGE)
    verifier: TokenVerifier = request.app.state.verifier
    caller = await verifier.verify(token)
    missing = [scope for scope in needed.scopes if scope not in caller.scopes]
    if missing:
        raise Forbidden(f"The token lacks the scope {' '.join(missing)}.", code="missing-scope")
    return caller


def requires(scope: str) -> Any:
    """A route's dependency: the caller, who must hold ``scope``."""
    return Security(current_caller, scopes=[scope])


class TokenSource:
    """Client-credentials tokens (RFC 6749 §4.4) for one client, one per audience, renewed before they end."""

    def __init__(
        self, *, token_url: str, client_id: str, client_secret: str, http: httpx.AsyncClient, scope: str = ""
    ) -> None:
        self._request = {"grant_type": "client_credentials", "client_id": client_id}
        self._request |= {"scope": scope} if scope else {}
        self._secret = client_secret
        self._url = token_url
        self._http = http
        self._tokens: dict[str, tuple[float, str]] = {}

    async def token(self, audience: str) -> str:
        """A token for ``audience``.

        Raises:
            Unavailable: the identity provider did not give one.
        """
        expires, kept = self._tokens.get(audience, (0.0, ""))
        if expires > time.monotonic():
            return kept
        form = self._request | {"client_secret": self._secret, "audience": audience}
        try:
            answer = await self._http.post(self._url, data=form)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("The identity provider gives no token; try again.") from error
        token = token_of(answer.content)
        if token is None:
            raise Unavailable("The identity provider gives no token that can be read; try again.")
        self._tokens[audience] = (time.monotonic() + token.seconds, token.text)
        return token.text
