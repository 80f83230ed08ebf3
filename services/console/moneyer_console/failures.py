"""What goes wrong, as pages: a refusal in the API's words, a service that is away, an address that leads nowhere."""

import asyncio
from http import HTTPStatus

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from moneyer.client import Refused
from moneyer_console.asking import Away
from moneyer_console.pages import Page, rendered
from moneyer_console.routes.signing import welcome
from moneyer_console.views.navigation import Frame
from moneyer_console.views.problems import Problem, away_view, problem_of
from moneyer_console.visits import SignInNeeded, Visit, console_of, theme_of, to_sign_in
from moneyer_shared.errors import MoneyerError

PROBED_SECONDS = 1.5


def answer_with_pages(app: FastAPI) -> None:
    app.exception_handler(SignInNeeded)(_on_sign_in)
    app.exception_handler(Away)(_on_away)
    app.exception_handler(Refused)(_on_refused)
    app.exception_handler(MoneyerError)(_on_refused)
    app.exception_handler(RequestValidationError)(_on_unreadable)
    app.exception_handler(HTTPException)(_on_http)


async def _on_sign_in(request: Request, needed: SignInNeeded) -> Response:
    if request.method == "GET" and request.url.path == "/" and needed.confirms is None:
        return welcome(request)
    answer = to_sign_in(request, needed)
    if answer is None:
        return await _show(request, Page("kept.html.jinja", dict(needed.kept or {}), status=403))
    if (visit := _visit_of(request)) is not None:
        visit.leave()
    return answer


async def _on_away(request: Request, away: Away) -> Response:
    view = away_view(away.service, await _answering(request))
    return await _show(request, Page("away.html.jinja", view, status=503))


async def _on_refused(request: Request, refused: Refused | MoneyerError) -> Response:
    return await _problem(request, problem_of(refused))


async def _on_unreadable(request: Request, _: RequestValidationError) -> Response:
    return await _problem(request, NOWHERE)


async def _on_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == HTTPStatus.NOT_FOUND:
        return await _problem(request, NOWHERE)
    title = HTTPStatus(error.status_code).phrase
    return await _problem(request, Problem(title, "This address takes no such request.", "http", error.status_code))


NOWHERE = Problem("There is no such page.", "The address leads nowhere here; look it up by name or id.", "no-page", 404)


async def _problem(request: Request, problem: Problem) -> Response:
    return await _show(request, Page("problem.html.jinja", problem, status=problem.status))


async def _show(request: Request, page: Page) -> Response:
    visit = _visit_of(request)
    if visit is not None:
        return await visit.answer(page)
    frame = Frame(theme=theme_of(request), here=request.url.path)
    return rendered(page, {"frame": frame}, console_of(request).signing.provider.origins)


def _visit_of(request: Request) -> Visit | None:
    visit: Visit | None = getattr(request.state, "visit", None)
    return visit


async def _answering(request: Request) -> dict[str, bool]:
    """Which services answer now."""
    console = console_of(request)

    async def answers(url: str) -> bool:
        try:
            return (await console.http.get(f"{url}/readyz", timeout=PROBED_SECONDS)).is_success
        except httpx.TransportError:
            return False

    services = console.settings.services
    found = await asyncio.gather(*(answers(url) for url in services.values()))
    return dict(zip(services, found, strict=True))
