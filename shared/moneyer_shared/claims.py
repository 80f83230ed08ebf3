"""Who a token speaks for and what they may do, read from its claims as an issuer writes them.

Issuers agree on little beyond RFC 9068: each claim that says something is named by a setting. Roles (groups) of the
issuer become scopes by a mapping of names, letter for letter; what is odd is refused in words, and never guessed at.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from moneyer_shared.errors import Unauthenticated
from moneyer_shared.roles import ROLES, scopes_of

CHALLENGE = {"WWW-Authenticate": "Bearer"}
SUBJECT = re.compile(r"[\x21-\x7e]{1,200}")
"""What names a person or a client here, in votes and grants as in tokens."""
SCOPE = re.compile(r"[a-z]+(:[a-z-]+)+")
MOST_NAMES = 1_000
"""Roles and groups of one token; more than these cannot be meant for one application."""
ANY = "*"
ROLE_PREFIX = "moneyer-"
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {f"{ROLE_PREFIX}{role}": (role,) for role in ROLES}
"""What roles are called at an issuer where nobody says: with our name, for other applications have an ``admin`` too."""
OF_ID_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash")
"""OpenID Connect Core 1.0 §2 and §3.3.2.11, FAPI 1.0: no access token has them."""
Path = tuple[str, ...]


class Told(NamedTuple):
    """What claims say: names are 1 to 200 printable ASCII characters without spaces."""

    subject: str
    client: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """Which claims say what at one issuer.

    Attributes:
        subject, client, scope: the claims that name the person, the client and the rights it was given.
        roles: where roles or groups stand, a step of a path each; ``*`` is any member.
        names: what each role or group gives here: roles of ours, and scopes.
        plain: whether access tokens may say ``typ`` JWT, or none: what they claim must then show that they are such.
    """

    subject: str = "sub"
    client: str = "client_id"
    scope: str = "scope"
    roles: Sequence[Path] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=lambda: USUAL_NAMES)
    plain: bool = False

    def told(self, claims: Mapping[str, Any]) -> Told:
        """Whom claims name.

        Raises:
            Unauthenticated: by names that nobody here can have, or with rights or roles that are no text.
        """
        subject = _named(claims.get(self.subject), self.subject)
        client = _named(claims.get(self.client, subject), self.client)
        held = [name for path in self.roles for name in _roles(claims, path)]
        if len(held) > MOST_NAMES:
            raise _refused(f"The token names {len(held)} roles; have the issuer send those of this application alone.")
        return Told(subject, client, self._scopes(claims) | self._granted(held))

    def _scopes(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Text with spaces between (RFC 9068 §2.2.3); of a claim of another name also a list, as Okta writes it."""
        said = claims.get(self.scope, "")
        if isinstance(said, list) and self.scope != "scope" and all(isinstance(one, str) for one in said):
            return frozenset(said)
        if not isinstance(said, str):
            raise _refused(f"The token's {self.scope} must be text (RFC 9068 §2.2.3).")
        return frozenset(said.split())

    def _granted(self, held: Iterable[str]) -> frozenset[str]:
        given = {one for name in held for one in self.names.get(name, ())}
        return scopes_of(given) | frozenset(one for one in given if one not in ROLES)

    def check_kind(self, head: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
        """That a token is an access token, and says so.

        Raises:
            Unauthenticated: it does not, or is an ID token.
        """
        kind = head.get("typ")
        if isinstance(kind, str) and kind.lower() in {"at+jwt", "application/at+jwt"}:
            return
        plain = kind is None or (isinstance(kind, str) and kind.lower() in {"jwt", "application/jwt"})
        if not self.plain or not plain:
            raise _refused("The token is not an access token (RFC 9068).")
        if why := self._why_no_access_token(claims):
            raise _refused(f"The token is not an access token: {why}.")

    def _why_no_access_token(self, claims: Mapping[str, Any]) -> str | None:
        """Of a token whose head does not say its kind: what an ID token has, and what it never has."""
        kind, audience = claims.get("typ", "Bearer"), claims.get("aud")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            return "its claim typ is not Bearer"
        if found := [name for name in OF_ID_TOKENS if name in claims]:
            return f"it has the {found[0]} of an ID token"
        if "events" in claims:
            return "it has the events of a logout token"
        if not {"scope", "scp", self.scope} & claims.keys() and claims.get("idtyp") != "app":
            return "it has no scope"
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get(self.client) is None or claims[self.client] in audiences:
            return f"it must name its client ({self.client}), which is not its audience"
        return None


def _named(value: object, claim: str) -> str:
    if not isinstance(value, str) or SUBJECT.fullmatch(value) is None:
        raise _refused(f"The token's {claim} must be 1 to 200 printable ASCII characters without spaces.")
    return value


def _roles(claims: Mapping[str, Any], path: Path) -> list[str]:
    """The names at a path; none where the token has nothing there.

    Raises:
        Unauthenticated: what is there is no name and no list of names, or was left out of a token grown too large.
    """
    _check_not_left_out(claims, path)
    found: list[object] = [claims]
    for step in path:
        found = [part for whole in found for part in _step(whole, step, path)]
    return [name for value in found for name in _names(value, path)]


def _check_not_left_out(claims: Mapping[str, Any], path: Path) -> None:
    """Entra sends no groups at all to whom has too many, and says where they may be asked for instead."""
    elsewhere = claims.get("_claim_names")
    if (isinstance(elsewhere, dict) and path[0] in elsewhere) or (path[0] == "groups" and "hasgroups" in claims):
        raise _refused(
            f"The issuer left {path[0]} out of the token, for there are too many; "
            "use roles of the application, or groups assigned to it."
        )


def _step(whole: object, step: str, path: Path) -> list[object]:
    if not isinstance(whole, dict):
        raise _not_names(path)
    if step == ANY:
        return list(whole.values())
    return [whole[step]] if step in whole else []


def _names(value: object, path: Path) -> list[str]:
    said: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in said):
        raise _not_names(path)
    return said


def _not_names(path: Path) -> Unauthenticated:
    return _refused(f"The token's {'.'.join(path)} must be a name or a list of names.")


def _refused(words: str) -> Unauthenticated:
    return Unauthenticated(words, headers=CHALLENGE)


# --- as settings say it -------------------------------------------------------------------------


def read_path(said: str | Sequence[str]) -> Path:
    """A path as a setting writes it: steps with dots between, or a list where a name itself has dots.

    Raises:
        ValueError: a step is empty.
    """
    steps = tuple(said.split(".")) if isinstance(said, str) else tuple(said)
    if not steps or not all(steps):
        message = f"a claim's path has names with dots between, or is a list of names: {said!r}"
        raise ValueError(message)
    return steps


def read_names(said: Mapping[str, str | Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """What each name of the issuer gives: roles of ours and scopes; as usual where nothing is said.

    Raises:
        ValueError: one is neither, so that a typo is heard of before anybody is let in or kept out by it.
    """
    names = {name: (given,) if isinstance(given, str) else tuple(given) for name, given in said.items()}
    for name, given in names.items():
        unknown = [one for one in given if one not in ROLES and SCOPE.fullmatch(one) is None]
        if unknown or not given:
            message = (
                f"{name!r} gives {unknown or 'nothing'}; roles are {', '.join(ROLES)}, scopes are like policy:read"
            )
            raise ValueError(message)
    return names or USUAL_NAMES
