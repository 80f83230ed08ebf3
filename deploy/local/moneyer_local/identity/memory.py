"""What the issuer remembers while it runs: browsers, codes, devices and families of refresh tokens.

In memory alone: a restart signs everybody out, and nothing of it has to be kept safe.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from moneyer_local.identity.authorizing import SignInRequest

Value = TypeVar("Value")
Clock = Callable[[], float]
MOST = 10_000
PAGE_SECONDS = 900
CODE_SECONDS = 60
DEVICE_SECONDS = 600
SESSION_SECONDS = 12 * 3600
POLL_SECONDS = 5
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, so that no word is spelled (RFC 8628 §6.1)."""


class Kept(Generic[Value]):
    """Values under names that nobody guesses, each for so long; when there are too many, the oldest goes."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[str, tuple[float, Value]] = {}

    def put(self, value: Value) -> str:
        now = self._clock()
        while self._kept and (len(self._kept) >= MOST or next(iter(self._kept.values()))[0] <= now):
            del self._kept[next(iter(self._kept))]
        name = secrets.token_urlsafe(32)
        self._kept[name] = (now + self._seconds, value)
        return name

    def get(self, name: str) -> Value | None:
        ends, value = self._kept.get(name, (0.0, None))
        return value if ends > self._clock() else None

    def take(self, name: str) -> Value | None:
        """The value, which is kept no longer."""
        value = self.get(name)
        self._kept.pop(name, None)
        return value

    def drop(self, gone: Callable[[Value], bool]) -> None:
        self._kept = {name: kept for name, kept in self._kept.items() if not gone(kept[1])}

    def first(self, wanted: Callable[[Value], bool]) -> Value | None:
        now = self._clock()
        return next((value for ends, value in self._kept.values() if ends > now and wanted(value)), None)


@dataclass(frozen=True)
class Session:
    """A browser in which somebody is signed in; ``sid`` names it to clients, who never see its cookie."""

    person: str
    auth_time: int
    sid: str


@dataclass(frozen=True)
class Page:
    """A page that was shown to one browser and waits for its form; ``request`` is None on the page for devices."""

    browser: str
    request: SignInRequest | None = None


@dataclass
class Family:
    """A sign-in and its refresh tokens, of which the newest counts; an older one shown again ends all."""

    client_id: str
    session: Session
    scope: str
    newest: str = ""
    spent: set[str] = field(default_factory=set[str])


@dataclass
class Code:
    """An authorization code; ``family`` is what it was redeemed for."""

    request: SignInRequest
    session: Session
    family: str | None = None


@dataclass
class Device:
    """A device that waits for somebody to say who it speaks for."""

    client_id: str
    scope: str
    user_code: str
    session: Session | None = None
    refused: bool = False
    asked_at: float = 0.0
    pause: float = POLL_SECONDS


class Memory:
    """All of it, by one clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pages: Kept[Page] = Kept(PAGE_SECONDS, clock)
        self.sessions: Kept[Session] = Kept(SESSION_SECONDS, clock)
        self.codes: Kept[Code] = Kept(CODE_SECONDS, clock)
        self.devices: Kept[Device] = Kept(DEVICE_SECONDS, clock)
        self.families: Kept[Family] = Kept(SESSION_SECONDS, clock)
        self.goodbyes: Kept[tuple[str, str | None]] = Kept(PAGE_SECONDS, clock)
        """By whom, and where to go then: pages that ask whether to sign out."""

    def new_session(self, person: str) -> Session:
        return Session(person, int(self.clock()), secrets.token_hex(16))

    def new_user_code(self) -> str:
        letters = [secrets.choice(USER_CODE_LETTERS) for _ in range(8)]
        return f"{''.join(letters[:4])}-{''.join(letters[4:])}"

    def waiting(self, user_code: str) -> Device | None:
        """The undecided device that shows this code, however somebody typed it."""
        typed = "".join(letter for letter in user_code.upper() if letter in USER_CODE_LETTERS)
        return self.devices.first(
            lambda device: device.user_code.replace("-", "") == typed and device.session is None and not device.refused
        )

    def next_refresh(self, family_id: str) -> str:
        """The family's next token; the one before is spent."""
        family = self.families.get(family_id)
        assert family is not None, "a family is asked for while it lives"
        if family.newest:
            family.spent.add(family.newest)
        secret = secrets.token_urlsafe(32)
        family.newest = _digest(secret)
        return f"{family_id}.{secret}"

    def family_of(self, refresh_token: str) -> tuple[str, Family] | None:
        """The family whose newest token this is. A spent one was stolen, or its successor was: that ends the family."""
        family_id, _, secret = refresh_token.partition(".")
        family = self.families.get(family_id)
        if family is None:
            return None
        if _digest(secret) in family.spent:
            self.families.take(family_id)
        return (family_id, family) if _digest(secret) == family.newest else None

    def end(self, sid: str) -> None:
        """Sign a browser out, with everything that was signed in from it."""
        self.sessions.drop(lambda session: session.sid == sid)
        self.families.drop(lambda family: family.session.sid == sid)
        self.codes.drop(lambda code: code.session.sid == sid)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
