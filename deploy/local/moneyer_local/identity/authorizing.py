"""The authorization request (RFC 6749 §4.1.1, RFC 7636, OpenID Connect Core 1.0 §3.1.2), read and decided on."""

import re
from dataclasses import dataclass

from moneyer_local.identity.clients import CODE, Client, Clients
from moneyer_local.identity.requests import CHALLENGE, Asked, OAuthError

OPENID_SCOPES = ("openid", "profile", "offline_access")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
NOT_TAKEN = {"request": "request_not_supported", "request_uri": "request_uri_not_supported"}


class NotRegistered(Exception):
    """Nobody to send an answer to: the browser is told on a page, and sent nowhere."""


@dataclass(frozen=True)
class SignInRequest:
    """What a registered client asked for, and where its answer goes."""

    client_id: str
    client_name: str
    redirect_uri: str
    state: str | None
    nonce: str | None
    challenge: str
    scope: str
    prompt: frozenset[str]
    max_age: int | None

    def accepts(self, auth_time: int, now: float) -> bool:
        """Whether a sign-in of then is recent enough, and no other is asked for."""
        asks_again = self.prompt & {"login", "select_account"}
        return not asks_again and (self.max_age is None or now - auth_time < self.max_age)


def where_to(asked: Asked, clients: Clients) -> tuple[Client, str]:
    """The client and the address its answers go to, letter for letter as it was registered (RFC 9700 §2.1).

    Raises:
        NotRegistered: there is no such client, or not at this address.
    """
    client = clients.get(asked.get("client_id", ""))
    if client is None or CODE not in client.grants:
        raise NotRegistered("No application of that name signs people in here.")
    uri = asked.get("redirect_uri", "")
    if uri not in client.redirect_uris:
        raise NotRegistered("The application did not register the address to go back to.")
    return client, uri


def read_request(asked: Asked, client: Client, redirect_uri: str) -> SignInRequest:
    """The request of a client whose address is known.

    Raises:
        OAuthError: to be sent back to the client.
    """
    _check_kind(asked)
    return SignInRequest(
        client_id=client.client_id,
        client_name=client.name,
        redirect_uri=redirect_uri,
        state=asked.get("state"),
        nonce=asked.get("nonce"),
        challenge=_challenge(asked),
        scope=openid_scope(asked.get("scope", "")),
        prompt=_prompt(asked.get("prompt", "")),
        max_age=_max_age(asked.get("max_age")),
    )


def _check_kind(asked: Asked) -> None:
    for name, error in NOT_TAKEN.items():
        if name in asked:
            raise OAuthError(error, "Parameters are taken from the query alone.")
    if asked.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "Only response_type=code is offered.")
    if asked.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "Only response_mode=query is offered.")


def openid_scope(asked: str) -> str:
    """The scopes of OpenID Connect that are given; rights of moneyer come from a person's roles.

    Raises:
        OAuthError: it is no sign-in.
    """
    given = [scope for scope in OPENID_SCOPES if scope in asked.split()]
    if "openid" not in given:
        raise OAuthError("invalid_scope", "Ask for the scope openid.")
    return " ".join(given)


def _challenge(asked: Asked) -> str:
    if asked.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "PKCE is needed: code_challenge_method=S256.")
    challenge = asked.get("code_challenge", "")
    if CHALLENGE.fullmatch(challenge) is None:
        raise OAuthError("invalid_request", "code_challenge must be a SHA-256 digest in base64url.")
    return challenge


def _prompt(asked: str) -> frozenset[str]:
    prompt = frozenset(asked.split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise OAuthError("invalid_request", "prompt is none alone, or of login, consent, select_account.")
    return prompt


def _max_age(asked: str | None) -> int | None:
    if asked is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", asked) is None:
        raise OAuthError("invalid_request", "max_age must be a number of seconds.")
    return int(asked)
