"""Who is calling: RFC 9068 bearer tokens, verified against the issuer's published keys."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Request, Security
from fastapi.security import OAuth2, SecurityScopes
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.requests import HTTPConnection

from mintmark_shared.errors import Forbidden, Unauthenticated, Unavailable

ALGORITHMS = ["ES256", "RS256", "PS256"]
LEEWAY_SECONDS = 5
REFRESH_SECONDS = 10
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Caller:
    """The verified bearer of a token."""

    subject: str
    client: str
    scopes: frozenset[str]

    def holds(self, scope: str) -> bool:
        """Whether the token carries a right that a route looks at beside the one it requires."""
        return scope in self.scopes


FetchKeys = Callable[[], Awaitable[KeySet]]


def keys_from_issuer(issuer: str, http: httpx.AsyncClient) -> FetchKeys:
    """Read the issuer's key set as OpenID Connect Discovery 1.0 publishes it."""

    async def fetch() -> KeySet:
        try:
            discovery = await http.get(f"{issuer}/.well-known/openid-configuration")
            discovery.raise_for_status()
            keys = await http.get(discovery.json()["jwks_uri"])
            keys.raise_for_status()
        except (httpx.HTTPError, KeyError, ValueError) as error:
            raise Unavailable("The identity provider's keys cannot be read; try again.") from error
        return KeySet.import_key_set(keys.json())

    return fetch


class TokenVerifier:
    """Checks iss, aud, exp, nbf, typ, alg and signature; remembers tokens it verified until they expire."""

    def __init__(self, *, issuer: str, audience: str, fetch_keys: FetchKeys) -> None:
        self._fetch_keys = fetch_keys
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._verified: dict[str, tuple[float, Caller]] = {}
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
        if known and known[0] > time.time():
            return known[1]
        claims = await self._decode(token)
        caller = Caller(
            subject=str(claims["sub"]),
            client=str(claims.get("client_id", claims["sub"])),
            scopes=frozenset(str(claims.get("scope", "")).split()),
        )
        self._remember(token, float(claims["exp"]), caller)
        return caller

    def _remember(self, token: str, expires: float, caller: Caller) -> None:
        if len(self._verified) > 10_000:  # noqa: PLR2004 - bounded memory, not a tuning knob
            self._verified.clear()
        self._verified[token] = (expires, caller)

    async def _decode(self, token: str) -> dict[str, Any]:
        for fresh in (False, True):
            keys = await self.keys(fresh=fresh)
            try:
                decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
                if str(decoded.header.get("typ", "")).lower() not in {"at+jwt", "application/at+jwt"}:
                    raise Unauthenticated("The token is not an access token (RFC 9068).", headers=CHALLENGE)
                self._claims.validate(decoded.claims)
            except (JoseError, ValueError, TypeError) as error:
                # An unknown key may be a new one: look once at fresh keys before refusing.
                if not fresh and self._stale():
                    continue
                raise Unauthenticated("The bearer token is not valid here.", headers=CHALLENGE) from error
            return dict(decoded.claims)
        raise Unauthenticated(headers=CHALLENGE)

    def _stale(self) -> bool:
        return time.monotonic() - self._fetched_at > REFRESH_SECONDS

    async def keys(self, *, fresh: bool = False) -> KeySet:
        if self._keys is None or fresh:
            self._keys = await self._fetch_keys()
            self._fetched_at = time.monotonic()
        return self._keys


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

    def __init__(self, *, token_url: str, client_id: str, client_secret: str, http: httpx.AsyncClient) -> None:
        self._request = {"grant_type": "client_credentials", "client_id": client_id}
        self._secret = client_secret
        self._url = token_url
        self._http = http
        self._tokens: dict[str, tuple[float, str]] = {}

    async def token(self, audience: str) -> str:
        """A token for ``audience``.

        Raises:
            Unavailable: the identity provider did not give one.
        """
        expires, token = self._tokens.get(audience, (0.0, ""))
        if expires > time.monotonic():
            return token
        form = self._request | {"client_secret": self._secret, "audience": audience}
        try:
            answer = await self._http.post(self._url, data=form)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("The identity provider gives no token; try again.") from error
        body = answer.json()
        self._tokens[audience] = (time.monotonic() + body["expires_in"] - 30, body["access_token"])
        return str(body["access_token"])
