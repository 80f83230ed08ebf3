"""An OpenID Connect provider, found by discovery: the authorization code flow with PKCE, refresh, logout, revocation.

Written on httpx and joserfc, which the services verify tokens with: what a larger library would add (a session in a
signed cookie, a registry of many providers) is what the console does otherwise.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from moneyer_console.signin.tokens import Claims, Tokens, claims_of, tokens_of
from moneyer_shared.auth import ALGORITHMS, read_keys
from moneyer_shared.documents import read_json
from moneyer_shared.errors import Forbidden, Invalid, Unauthenticated, Unavailable

DISCOVERED_SECONDS = 600.0
FRESH_SECONDS = 10.0
REFUSED = 400
BASIC = "client_secret_basic"


@dataclass(frozen=True)
class Discovered:
    """What an issuer publishes of itself (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    revocation_endpoint: str | None
    client_authentication: Sequence[str]


@dataclass(frozen=True)
class Client:
    """Who the console is at the issuer."""

    id: str
    secret: str
    redirect_uri: str
    subject_claim: str = "sub"


class Provider:
    """One issuer, asked no more often than needed."""

    def __init__(self, issuer: str, client: Client, http: httpx.AsyncClient) -> None:
        self.issuer = issuer
        self.client = client
        self._http = http
        self._known: tuple[float, Discovered] | None = None
        self._keys: tuple[float, KeySet] | None = None

    # --- where people are sent -------------------------------------------------------------------------

    async def authorization_url(self, asked: Mapping[str, str]) -> str:
        known = await self.discovered()
        given = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.client.redirect_uri,
            **asked,
        }
        return _with_query(known.authorization_endpoint, given)

    async def logout_url(self, id_token: str, after: str) -> str | None:
        """Where the issuer's own session ends (RP-Initiated Logout 1.0); None where it offers no such place."""
        known = await self.discovered()
        if known.end_session_endpoint is None:
            return None
        given = {"id_token_hint": id_token, "client_id": self.client.id, "post_logout_redirect_uri": after}
        return _with_query(known.end_session_endpoint, given)

    @property
    def origins(self) -> list[str]:
        """Where a form of ours may lead on to: the issuer, and the places it sends people to."""
        ends = [self.issuer]
        if self._known is not None:
            known = self._known[1]
            ends += [known.authorization_endpoint, known.end_session_endpoint or self.issuer]
        return sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, ends)})

    # --- what is asked behind people's backs -----------------------------------------------------------

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """The tokens that a code stands for.

        Raises:
            Forbidden: the issuer does not take the code.
            Unavailable: it does not answer.
        """
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        answer = await self._post_token(form | {"redirect_uri": self.client.redirect_uri})
        if answer.status_code >= REFUSED:
            raise Forbidden("The issuer did not take the code; sign in once more.", code="sign-in-refused")
        return tokens_of(answer.content)

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens for a session that goes on.

        Raises:
            Unauthenticated: the session is over at the issuer.
            Unavailable: it does not answer.
        """
        answer = await self._post_token({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if answer.status_code >= REFUSED:
            raise Unauthenticated("Your session is over; sign in once more.", code="session-over")
        return tokens_of(answer.content)

    async def revoke(self, refresh_token: str) -> None:
        """End what a refresh token would still give (RFC 7009), where the issuer offers it.

        Raises:
            Unavailable: the issuer does not answer.
        """
        known = await self.discovered()
        if known.revocation_endpoint is not None:
            await self._post(known, known.revocation_endpoint, {"token": refresh_token})

    async def claims(self, id_token: str, *, nonce: str | None) -> Claims:
        """Whom an ID token speaks of (OpenID Connect Core 1.0 §3.1.3.7).

        Raises:
            Forbidden: it is not one of this issuer for this console and this sign-in.
            Unavailable: the issuer's keys cannot be read.
        """
        for fresh in (False, True):
            try:
                told = jwt.decode(id_token, await self._key_set(fresh=fresh), algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, TypeError, KeyError) as error:
                if fresh:
                    raise Forbidden("The issuer's ID token is not valid here.", code="id-token-invalid") from error
                continue
            return claims_of(
                told,
                issuer=self.issuer,
                client=self.client.id,
                nonce=nonce,
                now=time.time(),
                subject_claim=self.client.subject_claim,
            )
        raise AssertionError

    async def discovered(self) -> Discovered:
        """What the issuer says of itself; read anew every ten minutes.

        Raises:
            Unavailable: it cannot be read, or speaks of another issuer.
        """
        if self._known is not None and time.monotonic() - self._known[0] < DISCOVERED_SECONDS:
            return self._known[1]
        told = await self._get(f"{self.issuer}/.well-known/openid-configuration")
        if str(told.get("issuer", "")).rstrip("/") != self.issuer:
            raise Unavailable("The identity provider speaks of another issuer than the one that is configured.")
        try:
            known = _discovered(told)
        except KeyError as error:
            raise Unavailable("The identity provider does not say where people sign in.") from error
        self._known = (time.monotonic(), known)
        return known

    async def _key_set(self, *, fresh: bool) -> KeySet:
        if self._keys is None or (fresh and time.monotonic() - self._keys[0] > FRESH_SECONDS):
            known = await self.discovered()
            try:
                self._keys = (time.monotonic(), read_keys(await self._get(known.jwks_uri)))
            except ValueError as error:
                raise Unavailable("The identity provider's keys cannot be read; try again.") from error
        return self._keys[1]

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = await self._http.get(url)
            answer.raise_for_status()
            told = read_json(answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, Invalid) as error:
            raise Unavailable("The identity provider does not answer; try again.") from error
        if not isinstance(told, dict):
            raise Unavailable("The identity provider's answer cannot be read; try again.")
        return told

    async def _post_token(self, form: Mapping[str, str]) -> httpx.Response:
        known = await self.discovered()
        answer = await self._post(known, known.token_endpoint, form)
        if answer.is_server_error:
            raise Unavailable("The identity provider gives no token; try again.")
        return answer

    async def _post(self, known: Discovered, url: str, form: Mapping[str, str]) -> httpx.Response:
        """As the client of this console, in the way that the issuer takes (Core §9)."""
        basic = BASIC in known.client_authentication
        said = {} if basic else {"client_id": self.client.id, "client_secret": self.client.secret}
        who = httpx.BasicAuth(quote_plus(self.client.id), quote_plus(self.client.secret)) if basic else httpx.Auth()
        try:
            return await self._http.post(url, data={**form, **said}, auth=who)
        except httpx.TransportError as error:
            raise Unavailable("The identity provider does not answer; try again.") from error


def _discovered(told: Mapping[str, Any]) -> Discovered:
    return Discovered(
        authorization_endpoint=str(told["authorization_endpoint"]),
        token_endpoint=str(told["token_endpoint"]),
        jwks_uri=str(told["jwks_uri"]),
        end_session_endpoint=told.get("end_session_endpoint"),
        revocation_endpoint=told.get("revocation_endpoint"),
        client_authentication=told.get("token_endpoint_auth_methods_supported", [BASIC]),
    )


def _with_query(url: str, given: Mapping[str, str]) -> str:
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(given)}"
