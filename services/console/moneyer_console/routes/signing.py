"""Signing in and out by OpenID Connect, and how pages look."""

from fastapi import APIRouter, Request, Response

from moneyer_console.pages import Page, rendered
from moneyer_console.sessions import Session, cookie_value, forget_cookie, set_cookie
from moneyer_console.signin.signing import SIGN_IN_SECONDS, asked_of, cookie_of, local_path
from moneyer_console.views.navigation import Frame
from moneyer_console.visits import (
    THEMES,
    SignInNeeded,
    check_origin,
    console_of,
    keep_session,
    read_form,
    redirect,
    theme_of,
)
from moneyer_shared.doors import LARGEST_BODY
from moneyer_shared.errors import Forbidden

router = APIRouter(include_in_schema=False)
A_YEAR = 365 * 24 * 3600
SMALL_FORM = {LARGEST_BODY: 64 * 1024, "requestBody": {}}


@router.get("/sign-in")
async def sign_in(request: Request, to: str = "/") -> Response:
    return await _to_issuer(request, local_path(to), confirms=None)


@router.get("/confirm")
async def confirm(request: Request, to: str = "/") -> Response:
    """Have whoever is signed in prove it once more."""
    session = _session_of(request)
    if session is None:
        raise SignInNeeded(local_path(to))
    return await _to_issuer(request, local_path(to), confirms=session)


async def _to_issuer(request: Request, to: str, *, confirms: Session | None) -> Response:
    signing = console_of(request).signing
    begun, address = await signing.begin(to, confirms=confirms)
    response = redirect(address)
    set_cookie(response, {}, cookie_of(begun.state), signing.seal_begun(begun), seconds=SIGN_IN_SECONDS)
    return response


@router.get("/sign-in/callback")
async def callback(request: Request) -> Response:
    """Back from the issuer: a new session, and the end of one that this browser had before."""
    console = console_of(request)
    state, code = asked_of(request.query_params)
    name = cookie_of(state)
    begun = console.signing.open_begun(cookie_value(request.cookies, name), state)
    session = await console.signing.complete(begun, code, request.query_params.get("iss"))
    if (before := _session_of(request)) is not None:
        console.signing.endings.end(f"session:{before.id}")
    response = redirect(begun.to)
    forget_cookie(response, request.cookies, name)
    keep_session(response, request, console, session)
    return response


@router.post("/sign-out", openapi_extra=SMALL_FORM)
async def sign_out(request: Request) -> Response:
    """End the session here and at the issuer; whoever holds a copy of its cookie holds nothing from now on."""
    console, session = console_of(request), _session_of(request)
    check_origin(request, console)
    fields = await read_form(request)
    if session is None:
        return redirect("/")
    if not console.signing.seal.is_form_token(session.id, fields.get("form_token", "")):
        raise Forbidden("This page is of an earlier session; load it anew.", code="form-out-of-date")
    home = f"{console.settings.public_url}/"
    response = redirect(await console.signing.end(session, home) or "/")
    for name in ("session", "kept-form"):
        forget_cookie(response, request.cookies, name)
    return response


@router.post("/theme", openapi_extra=SMALL_FORM)
async def choose_theme(request: Request) -> Response:
    """Light, dark, or as the system has it: kept in a cookie, for it holds for whoever uses this browser."""
    check_origin(request, console_of(request))
    fields = await read_form(request)
    theme = fields.get("theme", "system")
    response = redirect(local_path(fields.get("back")))
    response.set_cookie(
        "__Host-moneyer-theme",
        theme if theme in THEMES else "system",
        max_age=A_YEAR,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    return response


def welcome(request: Request) -> Response:
    """The first page of somebody who is not signed in."""
    frame = Frame(theme=theme_of(request), here="/")
    return rendered(Page("welcome.html.jinja"), {"frame": frame}, console_of(request).signing.provider.origins)


def _session_of(request: Request) -> Session | None:
    return console_of(request).signing.read(cookie_value(request.cookies, "session"))
