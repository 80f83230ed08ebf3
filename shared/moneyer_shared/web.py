"""What every API has: problems, request ids, health, metrics, and a log line per request."""

import contextvars
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moneyer_shared.auth import TokenVerifier
from moneyer_shared.documents import faults
from moneyer_shared.doors import Limits, put_doors
from moneyer_shared.errors import (
    PROBLEM_MEDIA_TYPE,
    Invalid,
    MoneyerError,
    from_problem,
)
from moneyer_shared.streams import Streams
from moneyer_shared.telemetry import Metrics

logger = logging.getLogger("moneyer.http")
traceparent: contextvars.ContextVar[str] = contextvars.ContextVar("traceparent", default="")
TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
UNMEASURED = {"/livez", "/readyz", "/metrics"}

Check = Callable[[], Awaitable[None]]


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:moneyer:problem:not-found"])
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    reasons: list[dict[str, Any]] | None = None


PROBLEM_CONTENT = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused; the problem says why and what to do.", "content": PROBLEM_CONTENT},
    "503": {"description": "A part this needs does not answer; try again.", "content": PROBLEM_CONTENT},
}


def create_api(
    *,
    name: str,
    summary: str,
    routers: Sequence[APIRouter],
    verifier: TokenVerifier,
    checks: Mapping[str, Check],
    metrics: Metrics,
    lifespan: Callable[[], AbstractAsyncContextManager[None]],
    schemas: Mapping[str, Any] | None = None,
) -> FastAPI:
    """A service's application: its routes, and what all services share."""

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncGenerator[None]:
        async with lifespan():
            yield

    app = FastAPI(
        title=f"moneyer {name}",
        summary=summary,
        version="1.0.0",
        lifespan=live,
        # FastAPI's pages load their scripts from elsewhere; /openapi.json says the same to any viewer.
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.verifier = verifier
    app.state.limits = Limits()
    app.state.streams = Streams()
    for router in (*routers, operations(checks, metrics)):
        put_doors(router)
        _take_in(app, router)
    _answer_with_problems(app)
    _add_schemas(app, {"Problem": Problem.model_json_schema(), **(schemas or {})})
    app.add_middleware(RequestMiddleware, metrics=metrics)
    return app


def _take_in(app: FastAPI, router: APIRouter) -> None:
    """The routes as they are, each made once with its router: inclusion makes all of them anew for each application, at
    its first requests.
    """
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.responses = PROBLEMS | route.responses
    app.router.routes.extend(router.routes)


def operations(checks: Mapping[str, Check], metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/livez", operation_id="live", summary="The process answers")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @router.get(
        "/readyz",
        operation_id="ready",
        summary="Every part this service needs answers",
        responses={503: {"description": "Some part does not answer.", "content": {"application/json": {}}}},
    )
    async def ready(response: Response) -> dict[str, str]:
        answers = {part: await _state_of(check) for part, check in checks.items()}
        if any(state != "ok" for state in answers.values()):
            response.status_code = 503
        return answers

    @router.get("/metrics", operation_id="metrics", response_class=Response, summary="Prometheus metrics")
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


async def _state_of(check: Check) -> str:
    try:
        await check()
    except Exception as error:
        logger.warning("not ready", exc_info=error)
        return type(error).__name__
    return "ok"


def problem_response(error: MoneyerError, request: Request) -> JSONResponse:
    return JSONResponse(
        error.problem(instance=request.scope.get("state", {}).get("request_id")),
        status_code=error.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=error.headers,
    )


def _answer_with_problems(app: FastAPI) -> None:
    @app.exception_handler(MoneyerError)
    async def on_error(request: Request, error: MoneyerError) -> JSONResponse:
        return problem_response(error, request)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(
            Invalid("The request does not fit its schema.", reasons=faults(error.errors())), request
        )

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        problem = from_problem(error.status_code, {"detail": str(error.detail)})
        body = problem.problem() | {"status": error.status_code}
        if type(problem) is MoneyerError:
            body |= {"title": str(error.detail), "code": "http-error", "type": "about:blank"}
        return JSONResponse(body, status_code=error.status_code, media_type=PROBLEM_MEDIA_TYPE, headers=error.headers)


def _add_schemas(app: FastAPI, schemas: Mapping[str, Any]) -> None:
    """Put schemas that no route's signature names where references point."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = made()
            document.setdefault("components", {}).setdefault("schemas", {}).update(schemas)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


class _HeadSent(Exception):
    """All that a HEAD asks for is sent; whatever would send the content ends here."""


class RequestMiddleware:
    """Request id, trace context, metrics and one log line; a pure ASGI layer keeps it cheap."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {key: value for key, value in scope["headers"] if key in {b"x-request-id", b"traceparent"}}
        request_id = _request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        scope.setdefault("state", {})["request_id"] = request_id
        method = scope["method"]
        if method == "HEAD":
            # Answered as a GET is, without its content (RFC 9110 §9.3.2).
            scope["method"] = "GET"
        traceparent.set(_traceparent(headers.get(b"traceparent", b"").decode("latin-1")))
        status = 500
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
                _close_to_caches(message, guarded=scope["state"].get("guarded", False))
            if method == "HEAD":
                await send(message)
                if message["type"] == "http.response.start":
                    await send({"type": "http.response.body", "body": b""})
                raise _HeadSent
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except _HeadSent:
            pass
        except Exception as error:
            logger.exception("unexpected error", extra={"fields": {"request_id": request_id}})
            if status == 500:  # noqa: PLR2004 - nothing was sent yet
                await _send_internal_error(send_with_id)
            else:
                raise ConnectionError from error
        finally:
            self._record(scope, method, status, time.perf_counter() - started, request_id)

    def _record(self, scope: Scope, method: str, status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        if route in UNMEASURED:
            return
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.seconds.labels(method, route).observe(seconds)
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "request_id": request_id,
            "traceparent": traceparent.get(),
        }
        logger.info("answered", extra={"fields": fields})


REFUSED = 400


def _close_to_caches(start: Message, *, guarded: bool) -> None:
    """What took a token, and what was refused, is kept by nobody between; no browser guesses what content is."""
    told = {name.lower() for name, _ in start["headers"]}
    if b"x-content-type-options" not in told:
        start["headers"].append((b"x-content-type-options", b"nosniff"))
    if b"cache-control" not in told and (guarded or start["status"] >= REFUSED):
        start["headers"].append((b"cache-control", b"no-store"))


def _request_id(given: str) -> str:
    return given if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given) else secrets.token_hex(8)


def _traceparent(given: str) -> str:
    """W3C Trace Context: keep the caller's trace, name our own span."""
    trace = given.split("-")[1] if TRACEPARENT.match(given) else secrets.token_hex(16)
    return f"00-{trace}-{secrets.token_hex(8)}-01"


async def _send_internal_error(send: Send) -> None:
    body = json.dumps(MoneyerError("An unexpected error; the log holds its place.").problem()).encode()
    headers = [
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
