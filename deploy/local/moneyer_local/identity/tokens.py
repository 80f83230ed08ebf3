"""What the issuer signs: access tokens (RFC 9068) and ID tokens (OpenID Connect Core 1.0 §2)."""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from moneyer_local.identity.people import PEOPLE, SERVICES

LIFETIME_SECONDS = 3600
ALGORITHM = "ES256"
APPLICATIONS = ("console",)
"""Programs that people sign in to, beside the command line, which keeps no secret."""


def new_registry() -> dict[str, Any]:
    """Keys and client secrets, made once at the first start."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    clients = {
        name: {"secret": secrets.token_urlsafe(32), "scope": scope} for name, scope in {**PEOPLE, **SERVICES}.items()
    }
    return complete({"key": key.as_dict(private=True), "clients": clients})


def complete(registry: Mapping[str, Any]) -> dict[str, Any]:
    """The same registry with a secret for each application that an earlier version did not have."""
    made = {name: {"secret": secrets.token_urlsafe(32), "scope": ""} for name in APPLICATIONS}
    return {**registry, "clients": {**made, **registry["clients"]}}


def _scope_of(registry: Mapping[str, Any], client: str) -> str:
    """What a client may do by this version, though its secret was made by an earlier one."""
    return {**PEOPLE, **SERVICES}.get(client) or str(registry["clients"][client]["scope"])


def sign_token(
    registry: Mapping[str, Any],
    *,
    issuer: str,
    client: str,
    audience: str | Sequence[str],
    scope: str | None = None,
    lifetime: int = LIFETIME_SECONDS,
    **claims: Any,
) -> str:
    """An RFC 9068 access token; ``claims`` are said beside, or instead of, those of the client itself."""
    now = int(time.time())
    told = {
        "iss": issuer,
        "sub": client,
        "client_id": client,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_hex(16),
        "scope": _scope_of(registry, client) if scope is None else scope,
    }
    return _signed(registry, "at+jwt", told | claims)


def sign_id_token(registry: Mapping[str, Any], *, issuer: str, lifetime: int, access: str, **claims: Any) -> str:
    """Who signed in, said to the client alone; ``at_hash`` binds it to the access token beside it."""
    now = int(time.time())
    half = hashlib.sha256(access.encode()).digest()[:16]
    told = {"iss": issuer, "iat": now, "exp": now + lifetime, "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode()}
    return _signed(registry, "JWT", told | {name: value for name, value in claims.items() if value is not None})


def read_own(registry: Mapping[str, Any], token: str, *, kind: str) -> dict[str, Any] | None:
    """The claims of a token that this issuer signed as ``kind``, however old; None of any other text."""
    try:
        read = jwt.decode(token, ECKey.import_key(registry["key"]), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError):
        return None
    return read.claims if read.header.get("typ") == kind else None


def _signed(registry: Mapping[str, Any], kind: str, claims: Mapping[str, Any]) -> str:
    key = ECKey.import_key(registry["key"])
    return jwt.encode({"alg": ALGORITHM, "typ": kind, "kid": key.kid}, dict(claims), key)
