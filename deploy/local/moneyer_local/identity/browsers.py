"""What a browser does at the issuer: signing in, letting a device in, signing out."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from moneyer_local.identity import pages
from moneyer_local.identity.authorizing import NotRegistered, SignInRequest, read_request, where_to
from moneyer_local.identity.clients import Clients
from moneyer_local.identity.granting import Issuer
from moneyer_local.identity.memory import SESSION_SECONDS, Code, Page, Session
from moneyer_local.identity.people import CAST
from moneyer_local.identity.requests import Asked, OAuthError, sent_back
from moneyer_local.identity.tokens import read_own

SESSION_COOKIE, BROWSER_COOKIE = "moneyer-identity-session", "moneyer-identity-browser"
STALE = "The page is too old, or was opened in another browser. Go back to where you began."


@dataclass(frozen=True)
class Browsers:
    """The endpoints that answer a browser with pages and redirects."""

    issuer: Issuer
    clients: Clients

    # --- signing in -------------------------------------------------------------------------

    def authorize(self, request: Request, asked: Asked) -> Response:
        """A code at once for who is signed in recently enough; else the page where one picks a person."""
        try:
            client, redirect_uri = where_to(asked, self.clients)
        except NotRegistered as error:
            return pages.say("This cannot go on", str(error), status=400)
        try:
            wanted = read_request(asked, client, redirect_uri)
        except OAuthError as error:
            told = {"error": error.error, "error_description": error.description, "state": asked.get("state")}
            return _see(sent_back(redirect_uri, **told, iss=self.issuer.url))
        session = self._session(request)
        if session is not None and wanted.accepts(session.auth_time, self.issuer.memory.clock()):
            return self._back(wanted, code=self._code(wanted, session))
        if "none" in wanted.prompt:
            return self._back(wanted, error="login_required")
        browser = _browser(request)
        page = self.issuer.memory.pages.put(Page(browser, wanted))
        return _known(pages.choose_person(page, wanted.client_name, redirect_uri), browser)

    def sign_in(self, request: Request, asked: Asked) -> Response:
        """The page's form: a person was picked, or nobody."""
        page = self._page(request, asked)
        if page is None or page.request is None:
            return pages.say("This cannot go on", STALE, status=400)
        if "refuse" in asked:
            return self._back(page.request, error="access_denied")
        if asked.get("person", "") not in CAST:
            return pages.say("This cannot go on", "There is nobody of that name.", status=400)
        # Always a new session: one that somebody planted before is worth nothing.
        session = self._begin(request, asked["person"])
        answer = self._back(page.request, code=self._code(page.request, session))
        _set(answer, SESSION_COOKIE, self.issuer.memory.sessions.put(session))
        return answer

    def _code(self, wanted: SignInRequest, session: Session) -> str:
        return self.issuer.memory.codes.put(Code(wanted, session))

    def _back(self, wanted: SignInRequest, **told: str) -> Response:
        return _see(sent_back(wanted.redirect_uri, **told, state=wanted.state, iss=self.issuer.url))

    # --- devices ----------------------------------------------------------------------------

    def show_device(self, request: Request, user_code: str, said: str = "") -> Response:
        browser = _browser(request)
        page = self.issuer.memory.pages.put(Page(browser))
        return _known(pages.choose_for_device(page, user_code, said), browser)

    def decide_device(self, request: Request, asked: Asked) -> Response:
        page = self._page(request, asked)
        if page is None or page.request is not None:
            return pages.say("This cannot go on", STALE, status=400)
        device = self.issuer.memory.waiting(asked.get("user_code", ""))
        if device is None:
            return self.show_device(request, "", "No device waits by that code; it may have waited too long.")
        if "refuse" in asked:
            device.refused = True
            return pages.say("Refused", "The device was not signed in. You can close this page.")
        if asked.get("person", "") not in CAST:
            return pages.say("This cannot go on", "There is nobody of that name.", status=400)
        device.session = self.issuer.memory.new_session(asked["person"])
        name = CAST[asked["person"]].name
        return pages.say("Signed in", f"The device now speaks for {name}. You can close this page.")

    # --- signing out (OpenID Connect RP-Initiated Logout 1.0) -----------------------------------

    def end_session(self, request: Request, asked: Asked) -> Response:
        """At once if an ID token of ours shows whose session is meant; else after asking."""
        hint = self._hint(asked)
        if hint is None and "id_token_hint" in asked:
            return pages.say("This cannot go on", "The ID token is not one of this issuer.", status=400)
        if hint is not None and asked.get("client_id", hint["aud"]) != hint["aud"]:
            return pages.say("This cannot go on", "The ID token is another application's.", status=400)
        redirect_uri = self._after(asked, str(hint["aud"]) if hint else asked.get("client_id", ""))
        if hint is not None:
            return self._signed_out(request, str(hint["sid"]), redirect_uri)
        browser = _browser(request)
        waits = self.issuer.memory.goodbyes.put((browser, redirect_uri))
        return _known(pages.ask_to_sign_out(waits, redirect_uri), browser)

    def confirm_end(self, request: Request, asked: Asked) -> Response:
        browser, redirect_uri = self.issuer.memory.goodbyes.take(asked.get("page", "")) or ("", None)
        if not _same(browser, request):
            return pages.say("This cannot go on", STALE, status=400)
        session = self._session(request)
        return self._signed_out(request, session.sid if session else "", redirect_uri)

    def _after(self, asked: Asked, client_id: str) -> str | None:
        """Where to go afterwards: an address that the client registered for this, or nowhere."""
        client, uri = self.clients.get(client_id), asked.get("post_logout_redirect_uri", "")
        if client is None or uri not in client.post_logout_uris:
            return None
        return sent_back(uri, state=asked.get("state"))

    def _hint(self, asked: Asked) -> dict[str, Any] | None:
        told = read_own(self.issuer.registry, asked.get("id_token_hint", ""), kind="JWT")
        return told if told and told.get("iss") == self.issuer.url else None

    def _signed_out(self, request: Request, sid: str, redirect_uri: str | None) -> Response:
        session = self._session(request)
        self.issuer.memory.end(sid)
        answer = _see(redirect_uri) if redirect_uri else pages.say("Signed out", "You can close this page.")
        if session is not None and session.sid == sid:
            answer.delete_cookie(SESSION_COOKIE)
        return answer

    # --- who is there ---------------------------------------------------------------------------

    def _session(self, request: Request) -> Session | None:
        return self.issuer.memory.sessions.get(request.cookies.get(SESSION_COOKIE, ""))

    def _begin(self, request: Request, person: str) -> Session:
        before = self._session(request)
        if before is not None and before.person != person:
            self.issuer.memory.end(before.sid)
        self.issuer.memory.sessions.take(request.cookies.get(SESSION_COOKIE, ""))
        return self.issuer.memory.new_session(person)

    def _page(self, request: Request, asked: Asked) -> Page | None:
        """The page whose form this is, once, and only from the browser that was shown it."""
        page = self.issuer.memory.pages.take(asked.get("page", ""))
        return page if page is not None and _same(page.browser, request) else None


def _browser(request: Request) -> str:
    return request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)


def _same(browser: str, request: Request) -> bool:
    told = request.cookies.get(BROWSER_COOKIE, "")
    return bool(told) and hmac.compare_digest(browser.encode(), told.encode())


def _see(uri: str) -> Response:
    return RedirectResponse(uri, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _known(answer: Response, browser: str) -> Response:
    return _set(answer, BROWSER_COOKIE, browser)


def _set(answer: Response, name: str, value: str) -> Response:
    answer.set_cookie(name, value, max_age=SESSION_SECONDS, httponly=True, samesite="lax")
    return answer
