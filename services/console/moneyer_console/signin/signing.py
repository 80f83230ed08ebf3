"""Signing in and out, and proving once more who one is before something that counts."""

import asyncio
import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hmac import compare_digest

from moneyer_console.sessions import Endings, Seal, Session
from moneyer_console.settings import Settings
from moneyer_console.signin.provider import Provider
from moneyer_console.signin.tokens import Tokens
from moneyer_shared.errors import Forbidden, Unauthenticated, Unavailable

SIGN_IN_SECONDS = 600
NEVER_TO = ("//", "/\\", "/sign-", "/confirm")
RENEWED_KEPT_SECONDS = 60.0
LEEWAY_SECONDS = 5.0


@dataclass(frozen=True)
class Begun:
    """A sign-in on its way; the browser keeps it sealed, and it is carried through once."""

    state: str
    nonce: str
    verifier: str
    to: str
    at: float
    confirms: str | None
    """Whose session is to be proved once more, if that is what is asked."""


class Signing:
    """What the issuer is asked, and what of its answers becomes a session."""

    def __init__(self, settings: Settings, provider: Provider, endings: Endings) -> None:
        self._settings = settings
        self.provider = provider
        self.endings = endings
        self.seal = Seal(settings.session_key.get_secret_value())
        self._renewing: dict[str, tuple[float, asyncio.Task[Session]]] = {}

    async def begin(self, to: str, *, confirms: Session | None = None) -> tuple[Begun, str]:
        """A new sign-in, and where at the issuer it goes on.

        ``confirms`` asks for whoever is signed in to prove it anew (``max_age``).
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = Begun(state, nonce, verifier, to, time.time(), confirms.subject if confirms else None)
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            **self._settings.authorization_parameters,
            "scope": self._settings.sign_in_scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if confirms is not None:
            asked |= {"max_age": "0", "prompt": "login", "login_hint": confirms.subject}
        return begun, await self.provider.authorization_url(asked)

    def seal_begun(self, begun: Begun) -> str:
        return self.seal.close("sign-in", asdict(begun), ends=begun.at + SIGN_IN_SECONDS)

    def open_begun(self, sealed: str, state: str) -> Begun:
        """The sign-in that an answer of the issuer belongs to, used up by this.

        Raises:
            Forbidden: this browser began none with that state, or it was carried through before.
        """
        told = self.seal.open("sign-in", sealed)
        if told is None or not compare_digest(told["state"].encode(), state.encode()):
            raise Forbidden("This answer belongs to no sign-in of this browser; begin again.", code="state-unknown")
        begun = Begun(**told)
        if not self.endings.end(f"sign-in:{begun.state}"):
            raise Forbidden("This sign-in was carried through before; begin again.", code="state-used")
        return begun

    async def complete(self, begun: Begun, code: str, told_issuer: str | None) -> Session:
        """The session that a sign-in leads to: always a new one.

        Raises:
            Forbidden: the issuer's answer is not for this sign-in, another person came back than was asked to prove
                who they are, or they did not prove it anew.
        """
        if told_issuer is not None and told_issuer.rstrip("/") != self.provider.issuer:
            raise Forbidden("The answer names another issuer (RFC 9207); begin again.", code="issuer-mixed-up")
        tokens = await self.provider.exchange(code, begun.verifier)
        if tokens.id is None:
            raise Forbidden("The issuer gave no ID token; the scope must hold openid.", code="id-token-missing")
        claims = await self.provider.claims(tokens.id, nonce=begun.nonce)
        if begun.confirms is not None:
            _check_proved(begun, claims.subject, claims.authenticated_at)
        return Session(
            id=secrets.token_urlsafe(24),
            subject=claims.subject,
            name=claims.name,
            access_token=tokens.access,
            token_ends=tokens.ends,
            refresh_token=tokens.refresh,
            id_token=tokens.id,
            began=time.time(),
            confirmed_at=claims.authenticated_at,
        )

    # --- while it lasts ----------------------------------------------------------------------------------

    def read(self, sealed: str, *, even_over: bool = False) -> Session | None:
        """The session a browser shows; None where there is none, or it is over or was ended."""
        told = self.seal.open("session", sealed, even_over=even_over)
        session = Session.read(told) if told is not None else None
        return None if session is None or self.endings.has_ended(f"session:{session.id}") else session

    def is_confirmed(self, session: Session) -> bool:
        """Whether whoever is signed in proved it lately enough for something that counts."""
        return time.time() - session.confirmed_at < self._settings.confirmed_seconds

    async def renewed(self, session: Session) -> Session:
        """The session with tokens that are good for a while; the same one where they are.

        Requests that come together ask the issuer once: many issuers end a session whose refresh token comes twice.

        Raises:
            Unauthenticated: the issuer renews it no more.
            Unavailable: it does not answer, and the token is over.
        """
        if session.token_ends > time.time():
            return session
        now = time.monotonic()
        self._renewing = {key: kept for key, kept in self._renewing.items() if kept[0] > now}
        if session.id not in self._renewing:
            task = asyncio.create_task(self._renew(session))
            self._renewing[session.id] = (now + RENEWED_KEPT_SECONDS, task)
        try:
            return await asyncio.shield(self._renewing[session.id][1])
        except (Unauthenticated, Unavailable):
            self._renewing.pop(session.id, None)
            raise

    async def _renew(self, session: Session) -> Session:
        if session.refresh_token is None:
            raise Unauthenticated("Your session is over; sign in once more.", code="session-over")
        tokens = await self.provider.refresh(session.refresh_token)
        await self._check_same_person(session, tokens)
        return replace(
            session,
            access_token=tokens.access,
            token_ends=tokens.ends,
            refresh_token=tokens.refresh or session.refresh_token,
            id_token=tokens.id or session.id_token,
        )

    async def _check_same_person(self, session: Session, tokens: Tokens) -> None:
        """OpenID Connect Core §12.2: refreshed tokens are the same person's."""
        if tokens.id is None:
            return
        claims = await self.provider.claims(tokens.id, nonce=None)
        if claims.subject != session.subject:
            raise Unauthenticated("The issuer renewed somebody else's session; sign in once more.", code="session-over")

    async def end(self, session: Session, after: str) -> str | None:
        """End a session here, then at the issuer; where to go for that, or None where the issuer cannot be asked.

        The cookie is worth nothing from the first line on, whoever holds it.
        """
        self.endings.end(f"session:{session.id}")
        try:
            if session.refresh_token is not None:
                await self.provider.revoke(session.refresh_token)
            return await self.provider.logout_url(session.id_token, after)
        except Unavailable:
            return None


def _check_proved(begun: Begun, subject: str, authenticated_at: float) -> None:
    if subject != begun.confirms:
        message = f"You were asked to prove that you are {begun.confirms}, and {subject} came back. Sign out first."
        raise Forbidden(message, code="somebody-else")
    if authenticated_at + LEEWAY_SECONDS < begun.at:
        message = "The issuer did not ask you to prove who you are again; a vote needs that (max_age)."
        raise Forbidden(message, code="not-proved-anew")


def local_path(told: str | None) -> str:
    r"""Where to go after signing in, if it is a place of this console; else its first page.

    A browser reads ``//host``, ``/\host`` and control characters as the way to another site.
    """
    if told is None or not told.startswith("/") or told.startswith(NEVER_TO):
        return "/"
    if "\\" in told or any(ord(letter) < 33 or ord(letter) == 127 for letter in told):  # noqa: PLR2004 - controls
        return "/"
    return told


def cookie_of(state: str) -> str:
    """Sign-ins of several tabs go on beside each other, each under a name of its own."""
    return f"sign-in-{hashlib.sha256(state.encode()).hexdigest()[:12]}"


def asked_of(query: Mapping[str, str]) -> tuple[str, str]:
    """The state and the code that the issuer sends somebody back with.

    Raises:
        Forbidden: the issuer refused, or sent neither.
    """
    if "error" in query:
        raise Forbidden("The issuer did not sign you in. Begin again, or ask whoever runs it.", code="sign-in-refused")
    if not query.get("state") or not query.get("code"):
        raise Forbidden("The issuer's answer is not whole; begin again.", code="sign-in-unreadable")
    return query["state"], query["code"]
