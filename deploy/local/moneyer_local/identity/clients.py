"""Who may ask for tokens, by which grants, and where a browser may be sent back to."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moneyer_local.identity.requests import OAuthError

CODE, REFRESH, CREDENTIALS = "authorization_code", "refresh_token", "client_credentials"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True)
class Client:
    """A registered client; without a secret it is a public one (RFC 6749 §2.1)."""

    client_id: str
    name: str
    grants: frozenset[str]
    secret: str | None = None
    redirect_uris: frozenset[str] = frozenset()
    post_logout_uris: frozenset[str] = frozenset()


Clients = Mapping[str, Client]


def registered(registry: Mapping[str, Any], console_url: str) -> dict[str, Client]:
    """Everybody of the registry, the console at its one address, and the command line."""
    clients = {
        name: Client(name, name, frozenset({CREDENTIALS}), kept["secret"])
        for name, kept in registry["clients"].items()
        if name != "console"
    }
    console = Client(
        "console",
        "the console",
        frozenset({CODE, REFRESH}),
        registry["clients"]["console"]["secret"],
        frozenset({f"{console_url}/sign-in/callback"}),
        frozenset({f"{console_url}/"}),
    )
    command_line = Client("cli", "the command line", frozenset({DEVICE, REFRESH}))
    return clients | {"console": console, "cli": command_line}


def authenticated(clients: Clients, client_id: str, secret: str | None) -> Client:
    """The client that a request is by.

    Raises:
        OAuthError: nobody is called so, or the secret is not theirs.
    """
    client = clients.get(client_id)
    if client is None or not _knows(client, secret):
        raise OAuthError("invalid_client", "No such client, or not its secret.", status=401)
    return client


def _knows(client: Client, secret: str | None) -> bool:
    if client.secret is None or secret is None:
        return client.secret is None and not secret
    return hmac.compare_digest(client.secret.encode(), secret.encode())
