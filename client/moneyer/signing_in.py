"""Signing in from a terminal at any OpenID Connect issuer: by a code that is typed in a browser (RFC 8628)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from moneyer_shared.documents import read_json
from moneyer_shared.errors import Invalid

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
USUAL_SCOPE = ("openid", "profile", "offline_access")
USUAL_SECONDS, USUAL_PAUSE, LONGEST_WAIT = 300.0, 5.0, 1800.0
RENEWED_BEFORE = 30.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
AGAIN = "; sign in again: moneyer login"
Json = Mapping[str, Any]


class NotSignedIn(Exception):
    """Nobody is signed in, or could be; the message says why and what to do."""


@dataclass(frozen=True)
class Tokens:
    """What an issuer gave; ``ends_at`` is in seconds since 1970."""

    access: str
    ends_at: float
    refresh: str | None

    def last(self, now: float) -> bool:
        return now < self.ends_at - RENEWED_BEFORE


@dataclass(frozen=True)
class Waiting:
    """What somebody types and where, while the terminal waits."""

    device_code: str
    user_code: str
    page: str
    page_with_code: str | None
    ends_at: float
    pause: float


@dataclass(frozen=True)
class Issuer:
    """An issuer's endpoints, as its discovery document names them; a public client speaks to them."""

    token: str
    device: str | None
    revocation: str | None
    scopes: tuple[str, ...] | None
    client_id: str
    http: httpx.Client
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def discover(cls, issuer: str, client_id: str, http: httpx.Client, **collaborators: Any) -> Self:
        """Read OpenID Connect Discovery 1.0 §4.

        Raises:
            NotSignedIn: the issuer cannot be asked, or what answers is another.
        """
        check_address(issuer, "the issuer")
        said = _answered(http, "GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            raise NotSignedIn(f"{issuer} says that it is {said.get('issuer')!r}; name the issuer as it calls itself.")
        scopes = said.get("scopes_supported")
        return cls(
            token=_endpoint(said, "token_endpoint") or _lacking(issuer, "token endpoint"),
            device=_endpoint(said, "device_authorization_endpoint"),
            revocation=_endpoint(said, "revocation_endpoint"),
            scopes=tuple(map(str, scopes)) if isinstance(scopes, list) else None,
            client_id=client_id,
            http=http,
            **collaborators,
        )

    def begin(self, *, scope: str = "", audience: str = "") -> Waiting:
        """Ask for a code to be typed (RFC 8628 §3.1).

        Raises:
            NotSignedIn: the issuer has no such endpoint, or refuses the client.
        """
        if self.device is None:
            _lacking("The issuer", "device authorization endpoint: let this client use the device grant there")
        form = {"client_id": self.client_id, "scope": self._scope(scope)} | ({"audience": audience} if audience else {})
        said = _answered(self.http, "POST", str(self.device), form)
        code, user_code = _text(said, "device_code"), _text(said, "user_code")
        # Google and early servers of the draft say verification_url.
        page = _text(said, "verification_uri" if "verification_uri" in said else "verification_url")
        complete = said.get("verification_uri_complete")
        return Waiting(
            code,
            user_code,
            page,
            complete if isinstance(complete, str) else None,
            self.clock() + min(_number(said, "expires_in", USUAL_SECONDS), LONGEST_WAIT),
            max(_number(said, "interval", USUAL_PAUSE), 1.0),
        )

    def _scope(self, asked: str) -> str:
        usual = [one for one in USUAL_SCOPE if self.scopes is None or one in self.scopes]
        return " ".join(dict.fromkeys([*usual, *asked.split()]))

    def wait(self, waiting: Waiting) -> Tokens:
        """Ask until somebody typed the code, as often as the issuer lets us (RFC 8628 §3.5).

        Raises:
            NotSignedIn: they refused, took too long, or the issuer refuses.
        """
        form = {"grant_type": DEVICE, "device_code": waiting.device_code, "client_id": self.client_id}
        pause = waiting.pause
        while self.clock() < waiting.ends_at:
            self.sleep(pause)
            try:
                answer = self.http.post(self.token, data=form)
            except httpx.TransportError:
                # An issuer that is away for a while is asked less often, as one that says so.
                pause = min(pause * 2, 60.0)
                continue
            said = _json(answer)
            if answer.is_success:
                return self._tokens(said, None)
            error = said.get("error")
            if error not in _GO_ON and not answer.is_server_error:
                raise NotSignedIn(_WHY.get(str(error)) or _refusal(self.token, answer, said))
            pause += USUAL_PAUSE if error == "slow_down" else 0.0
        raise NotSignedIn(f"Nobody typed the code in time{AGAIN}")

    def renew(self, kept: Tokens) -> Tokens:
        """New tokens for old; the refresh token may be another from then on (RFC 6749 §6).

        Raises:
            NotSignedIn: the sign-in has ended, or the issuer cannot be asked.
        """
        if kept.refresh is None:
            raise NotSignedIn(f"Your sign-in has ended, and the issuer gave no refresh token{AGAIN}")
        form = {"grant_type": "refresh_token", "refresh_token": kept.refresh, "client_id": self.client_id}
        return self._tokens(_answered(self.http, "POST", self.token, form), kept.refresh)

    def revoke(self, kept: Tokens) -> bool:
        """Give the sign-in back (RFC 7009); False where the issuer has no place for that.

        Raises:
            NotSignedIn: the issuer cannot be asked.
        """
        if self.revocation is None or kept.refresh is None:
            return False
        form = {"token": kept.refresh, "token_type_hint": "refresh_token", "client_id": self.client_id}
        _sent(self.http, "POST", self.revocation, form)
        return True

    def _tokens(self, said: Json, refresh: str | None) -> Tokens:
        again = said.get("refresh_token", refresh)
        ends_at = self.clock() + _number(said, "expires_in", USUAL_SECONDS)
        return Tokens(_text(said, "access_token"), ends_at, again if isinstance(again, str) else refresh)


_GO_ON = frozenset({"authorization_pending", "slow_down"})
_WHY = {
    "access_denied": "Somebody said no to the code in the browser.",
    "expired_token": f"The code is too old{AGAIN}",
    "invalid_grant": f"Your sign-in has ended{AGAIN}",
}


def check_address(address: str, what: str) -> None:
    """That a secret may be sent there: over TLS, or to this machine.

    Raises:
        NotSignedIn: it may not.
    """
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise NotSignedIn(f"{what} has no address that can be read: {address!r}") from error
    own = url.scheme == "http" and url.host in LOOPBACK
    if not own and not (url.scheme == "https" and url.host):
        raise NotSignedIn(f"{what} must be reached by https, for tokens go there: {address!r}")


def _endpoint(said: Json, name: str) -> str | None:
    address = said.get(name)
    if not isinstance(address, str):
        return None
    check_address(address, f"the issuer's {name.replace('_', ' ')}")
    return address


def _lacking(who: str, what: str) -> str:
    raise NotSignedIn(f"{who} has no {what}.")


def _answered(http: httpx.Client, method: str, address: str, form: Mapping[str, str] | None = None) -> Json:
    answer = _sent(http, method, address, form)
    return _json(answer)


def _sent(http: httpx.Client, method: str, address: str, form: Mapping[str, str] | None) -> httpx.Response:
    try:
        answer = http.request(method, address, data=form)
    except httpx.TransportError as error:
        raise NotSignedIn(f"The issuer does not answer ({address}); try again.") from error
    if not answer.is_success:
        said = _json(answer)
        raise NotSignedIn(_WHY.get(str(said.get("error"))) or _refusal(address, answer, said))
    return answer


def _refusal(address: str, answer: httpx.Response, said: Json) -> str:
    why = " ".join(str(said[name]) for name in ("error", "error_description") if name in said)
    return f"The issuer refuses ({answer.status_code} at {address}): {why or 'without a reason'}"


def _json(answer: httpx.Response) -> Json:
    try:
        said = read_json(answer.content)
    except Invalid:
        return {}
    return said if isinstance(said, dict) else {}


def _text(said: Json, name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise NotSignedIn(f"The issuer's answer has no {name}.")
    return value


def _number(said: Json, name: str, usual: float) -> float:
    value = said.get(name, usual)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else usual
