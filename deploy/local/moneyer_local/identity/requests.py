"""What is asked at the issuer's endpoints, read strictly: each parameter once, and only what is understood."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, unquote_plus, urlencode

from fastapi import Request

LARGEST_FORM = 64 * 1024
LONGEST_PARAMETER = 4096
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""A SHA-256 digest in base64url: what S256 makes (RFC 7636 §4.2)."""
Asked = Mapping[str, str]


class OAuthError(Exception):
    """An error in the words of RFC 6749 §5.2 and its neighbours."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        self.error = error
        self.description = description
        self.status = status
        super().__init__(f"{error}: {description}")

    @property
    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


def once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; an empty one counts as left out (RFC 6749 §3.1).

    Raises:
        OAuthError: one comes twice, or is longer than anything asked here.
    """
    asked: dict[str, str] = {}
    for name, value in pairs:
        if name in asked:
            raise OAuthError("invalid_request", f"The parameter {name[:40]!a} comes twice.")
        if len(value) > LONGEST_PARAMETER:
            raise OAuthError("invalid_request", f"The parameter {name[:40]!a} is too long.")
        asked[name] = value
    return {name: value for name, value in asked.items() if value}


async def form_of(request: Request) -> dict[str, str]:
    """A form as browsers and OAuth clients send one.

    Raises:
        OAuthError: it is too large, no text, or a parameter comes twice.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise OAuthError("invalid_request", "The form is too large.", status=413)
    try:
        return once(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50))
    except ValueError as error:
        raise OAuthError("invalid_request", "The form cannot be read.") from error


def credentials_of(request: Request, form: Asked) -> tuple[str, str | None]:
    """Client id and secret: in the Authorization header or in the form, not in both (RFC 6749 §2.3).

    Raises:
        OAuthError: they are nowhere, twice, or cannot be read.
    """
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        if "client_id" not in form:
            raise OAuthError("invalid_client", "Say which client asks: client_id.", status=401)
        return form["client_id"], form.get("client_secret")
    try:
        name, _, secret = b64decode(told, validate=True).decode().partition(":")
    except (NotBase64, ValueError) as error:
        raise OAuthError("invalid_client", "The Authorization header cannot be read.", status=401) from error
    if "client_secret" in form or form.get("client_id", unquote_plus(name)) != unquote_plus(name):
        raise OAuthError("invalid_request", "Give a client's credentials in one place.")
    return unquote_plus(name), unquote_plus(secret)


def sent_back(uri: str, **answer: str | None) -> str:
    """A registered address with an answer in its query."""
    told = urlencode({name: value for name, value in answer.items() if value is not None})
    return f"{uri}{'&' if '?' in uri else '?'}{told}" if told else uri
