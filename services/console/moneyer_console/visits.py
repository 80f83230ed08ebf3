"""The door of every page: who visits is known, what they send is ours, and what they typed is not lost.

A page is a function that takes a ``Visit`` and gives a ``Page`` or a ``Redirect``; ``Pages`` does the rest.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, ParamSpec
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from moneyer import calls
from moneyer_console.asking import Asking
from moneyer_console.pages import Page, Redirect, headers_of, rendered
from moneyer_console.sessions import Session, cookie_value, forget_cookie, sealed_session, set_cookie
from moneyer_console.settings import Settings
from moneyer_console.signin.signing import Signing, local_path
from moneyer_console.views.absent import Absent
from moneyer_console.views.api import as_curls
from moneyer_console.views.inbox import waiting_in
from moneyer_console.views.navigation import Frame, navigation
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.errors import BadRequest, Forbidden, Unauthenticated, UnsupportedMedia

FORM = "application/x-www-form-urlencoded"
LARGEST_FORM = 256 * 1024
MOST_FIELDS = 200
KEPT_SECONDS = 1800
THEMES = ("system", "light", "dark")
Given = ParamSpec("Given")
Fields = Mapping[str, str]


class SignInNeeded(Exception):
    """Whoever visits is not signed in, or must prove once more who they are; what they typed goes along."""

    def __init__(self, to: str, *, kept: Fields | None = None, confirms: Session | None = None) -> None:
        super().__init__(to)
        self.to = to
        self.kept = kept
        self.confirms = confirms


class Console:
    """The collaborators of every request."""

    def __init__(self, settings: Settings, signing: Signing, http: httpx.AsyncClient) -> None:
        self.settings = settings
        self.signing = signing
        self.http = http

    @property
    def origin(self) -> str:
        parts = urlsplit(self.settings.public_url)
        return f"{parts.scheme}://{parts.netloc}"


def console_of(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


class Visit:
    """One request of somebody who is signed in."""

    def __init__(
        self, request: Request, console: Console, session: Session, before: Session, typed: dict[str, str]
    ) -> None:
        self.request = request
        self.console = console
        self.session = session
        self.typed = typed
        self._before = before
        self._forget_kept = False
        self.api = Asking(console.settings.services, session.access_token, console.http)
        self.ask, self.look, self.look_all = self.api.ask, self.api.look, self.api.look_all
        self.open = self.api.open
        inbox = self.api.look(calls.get_inbox(), shown=False)
        self._waiting = asyncio.create_task(inbox)

    @property
    def subject(self) -> str:
        return self.session.subject

    # --- forms -------------------------------------------------------------------------------------------

    def form(self) -> dict[str, str]:
        """What was typed into a form of this session.

        Raises:
            Forbidden: the form is of another session: of a page that was opened before signing in anew.
        """
        if not self.console.signing.seal.is_form_token(self.session.id, self.typed.get("form_token", "")):
            message = "This page was opened before you last signed in. Look at what you wrote, and send it again."
            raise Forbidden(message, code="form-out-of-date")
        return self.typed

    def confirmed(self, fields: Fields, to: str) -> None:
        """That whoever is signed in proved it lately; else they are sent to do so, and what they typed is kept.

        Raises:
            SignInNeeded: they did not.
        """
        if not self.console.signing.is_confirmed(self.session):
            raise SignInNeeded(to, kept=fields, confirms=self.session)

    def kept(self) -> dict[str, str]:
        """What was typed here before signing in again came in between."""
        sealed = cookie_value(self.request.cookies, "kept-form")
        told = self.console.signing.seal.open("kept-form", sealed) if sealed else None
        if told is None or (told["path"], told["subject"]) != (self.request.url.path, self.subject):
            return {}
        fields: dict[str, str] = told["fields"]
        return fields

    def forget_kept(self) -> None:
        """What was kept has come where it was meant to go."""
        self._forget_kept = True

    @property
    def headers(self) -> dict[str, str]:
        """What goes out with whatever is shown to a person."""
        return headers_of(self.console.signing.provider.origins)

    # --- answers -----------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Nothing is shown of this visit."""
        self._waiting.cancel()

    async def answer(self, shown: Page | Redirect) -> Response:
        if isinstance(shown, Redirect):
            self.leave()
            response = redirect(shown.to)
        else:
            response = rendered(shown, {"frame": await self._frame()}, self.console.signing.provider.origins)
        self._set_session(response)
        if self._forget_kept:
            forget_cookie(response, self.request.cookies, "kept-form")
        return response

    def _set_session(self, response: Response) -> None:
        if self.session is not self._before:
            keep_session(response, self.request, self.console, self.session)

    async def _frame(self) -> Frame:
        waiting = await self._waiting
        return Frame(
            person=self.session.name,
            subject=self.subject,
            form_token=self.console.signing.seal.form_token(self.session.id),
            links=navigation(self.request.url.path, None if isinstance(waiting, Absent) else waiting_in(waiting)),
            calls=as_curls(self.api.asked),
            here=self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else ""),
            theme=theme_of(self.request),
        )


async def visit_of(request: Request) -> Visit:
    """Whoever visits.

    Raises:
        SignInNeeded: nobody is signed in, or no longer.
        Forbidden: another site sent this form.
        Unavailable: the issuer does not answer, and the session's token is over.
    """
    console, typed = console_of(request), {}
    if request.method not in {"GET", "HEAD"}:
        check_origin(request, console)
        typed = await read_form(request)
    before = console.signing.read(cookie_value(request.cookies, "session"))
    if before is None:
        raise SignInNeeded(_came_for(request, typed), kept=typed)
    try:
        session = await console.signing.renewed(before)
    except Unauthenticated:
        raise SignInNeeded(_came_for(request, typed), kept=typed) from None
    visit = Visit(request, console, session, before, typed)
    request.state.visit = visit
    return visit


def _came_for(request: Request, typed: Fields) -> str:
    """The page to come back to: of a form, the page it stands on."""
    if request.method in {"GET", "HEAD"}:
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return local_path(typed.get("back"))


Visitor = Annotated[Visit, Depends(visit_of)]


class Pages:
    """A router whose pages are functions from a visit to what is shown."""

    def __init__(self) -> None:
        self.router = APIRouter(include_in_schema=False)

    def get(self, path: str) -> Callable[[Callable[Given, Awaitable[Page | Redirect]]], Any]:
        return self._add("GET", path)

    def post(self, path: str) -> Callable[[Callable[Given, Awaitable[Page | Redirect]]], Any]:
        return self._add("POST", path)

    def _add(self, method: str, path: str) -> Callable[[Callable[Given, Awaitable[Page | Redirect]]], Any]:
        def declare(show: Callable[Given, Awaitable[Page | Redirect]]) -> Any:
            @functools.wraps(show)
            async def answer(*given: Given.args, **named: Given.kwargs) -> Response:
                visit = named["visit"]
                assert isinstance(visit, Visit)
                return await visit.answer(await show(*given, **named))

            extra = {LARGEST_BODY: LARGEST_FORM, "requestBody": {}} if method == "POST" else None
            self.router.add_api_route(path, answer, methods=[method], response_model=None, openapi_extra=extra)
            return show

        return declare


# --- what requests send ------------------------------------------------------------------------------


def check_origin(request: Request, console: Console) -> None:
    """That a form was sent from a page of ours: browsers say so themselves, whatever a page would have them say.

    Raises:
        Forbidden: it was sent from elsewhere, or by something that does not say from where.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if origin is None and site is None:
        raise Forbidden("A form must say where it comes from (Origin).", code="origin-unknown")
    if origin not in {None, console.origin} or site not in {None, "same-origin"}:
        raise Forbidden("This form was sent from another site.", code="another-site")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once; of one that came several times all, a line each.

    Raises:
        UnsupportedMedia: it is no form.
        BadRequest: it cannot be read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMedia(f"Send {FORM}.")
    try:
        told = parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadRequest("The form cannot be read.") from error
    return {name: "\n".join(values).replace("\r\n", "\n").replace("\x00", "") for name, values in told.items()}


def theme_of(request: Request) -> str:
    told = request.cookies.get("__Host-moneyer-theme", "system")
    return told if told in THEMES else "system"


# --- what goes with answers --------------------------------------------------------------------------


def redirect(to: str) -> Response:
    response = RedirectResponse(to, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def keep_session(response: Response, request: Request, console: Console, session: Session) -> None:
    lasts = console.settings.session_seconds
    value = sealed_session(console.signing.seal, session, lasts=lasts)
    left = max(0, int(session.began + lasts - time.time()))
    if not set_cookie(response, request.cookies, "session", value, seconds=left):
        message = "The tokens of your issuer are too long for cookies: have it leave out what moneyer does not read."
        raise Forbidden(message, code="session-too-long")


def to_sign_in(request: Request, needed: SignInNeeded) -> Response | None:
    """Send somebody to sign in, and keep what they typed until they are back; None where it is too long for that."""
    way = "confirm" if needed.confirms is not None else "sign-in"
    response = redirect(f"/{way}?to={quote(needed.to, safe='')}")
    return response if _keep_form(response, request, needed) else None


def _keep_form(response: Response, request: Request, needed: SignInNeeded) -> bool:
    """What was typed, for the same person alone, and only if a page of their own session sent it."""
    signing, typed = console_of(request).signing, dict(needed.kept or {})
    known = signing.read(cookie_value(request.cookies, "session"), even_over=True)
    if known is None or not signing.seal.is_form_token(known.id, typed.pop("form_token", "")):
        return True
    kept = {"path": urlsplit(needed.to).path, "subject": known.subject, "fields": typed}
    sealed = signing.seal.close("kept-form", kept, ends=time.time() + KEPT_SECONDS)
    return set_cookie(response, request.cookies, "kept-form", sealed, seconds=KEPT_SECONDS)
