"""What an issuer's token endpoint answers, and what an ID token claims."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moneyer_shared.claims import SUBJECT
from moneyer_shared.documents import read_json
from moneyer_shared.errors import Forbidden, Unavailable
from moneyer_shared.tokens import token_of

LEEWAY_SECONDS = 5.0


@dataclass(frozen=True)
class Tokens:
    """What was given; ``ends`` in seconds since 1970."""

    access: str
    ends: float
    refresh: str | None
    id: str | None


@dataclass(frozen=True)
class Claims:
    """Whom an ID token speaks of, and when they last proved it to the issuer."""

    subject: str
    name: str
    authenticated_at: float


def tokens_of(content: bytes) -> Tokens:
    """Raises Unavailable: the answer holds no token that can be read."""
    issued = token_of(content)
    if issued is None:
        raise Unavailable("The identity provider gives no token that can be read; try again.")
    told = read_json(content)
    return Tokens(issued.text, time.time() + issued.seconds, _text(told, "refresh_token"), _text(told, "id_token"))


def _text(told: Mapping[str, Any], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) and value else None


def claims_of(
    told: Mapping[str, Any], *, issuer: str, client: str, nonce: str | None, now: float, subject_claim: str = "sub"
) -> Claims:
    """What a verified ID token claims, if it is for this console and this sign-in (OpenID Connect Core §3.1.3.7).

    Without ``nonce`` it came with refreshed tokens, and need not repeat one. ``subject_claim`` names the person as the
    services know them.

    Raises:
        Forbidden: it is not.
    """
    audience = told.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    subject = told.get(subject_claim)
    wrong = {
        "iss": str(told.get("iss", "")).rstrip("/") != issuer,
        "aud": client not in audiences,
        "azp": told.get("azp", client) != client or (len(audiences) > 1 and "azp" not in told),
        "exp": not _is_time(told.get("exp")) or told["exp"] + LEEWAY_SECONDS < now,
        "iat": not _is_time(told.get("iat")) or told["iat"] - LEEWAY_SECONDS > now,
        "nonce": nonce is not None and told.get("nonce") != nonce,
        subject_claim: not isinstance(subject, str) or SUBJECT.fullmatch(subject) is None,
    }
    if broken := [name for name, is_wrong in wrong.items() if is_wrong]:
        message = f"The issuer's ID token is not for this sign-in: {', '.join(broken)}."
        raise Forbidden(message, code="id-token-invalid")
    since = told["auth_time"] if _is_time(told.get("auth_time")) else told["iat"]
    name = told.get("name") or told.get("preferred_username") or subject
    return Claims(str(subject), str(name)[:200], float(since))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
