"""The door of every route: who calls is known before a byte of a body is taken, and no body is longer, slower or odder
than its route takes.

A door stands before the framework: it reads bodies as JSON strictly, whatever the framework would do, and no route can
be added without one. A route says in ``openapi_extra`` what it takes beyond the usual: ``x-largest-body`` in bytes, or
none where it takes the body piece by piece itself; and ``x-when-too-large``, what to say of a longer one.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, request_response
from fastapi.security import SecurityScopes
from pydantic import BaseModel
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from moneyer_shared.auth import bearer, current_caller
from moneyer_shared.documents import read_body, read_json
from moneyer_shared.errors import BadRequest, Invalid, TooLarge, TooSlow

LARGEST_BODY = "x-largest-body"
WHEN_TOO_LARGE = "x-when-too-large"
USUAL_BYTES = 2**20
IDLE_BYTES = 64 * 1024
"""What a route that takes no body leaves unread without a word."""
SAID_ONCE = {
    b"authorization", b"content-encoding", b"content-length", b"content-type", b"idempotency-key", b"if-match",
    b"if-none-match", b"if-range", b"range",
}  # fmt: skip
LENGTH = re.compile(r"[0-9]{1,18}")
WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True)
class Limits:
    """How long a whole body may take; for one that is taken piece by piece, how long each piece may."""

    body_seconds: float = 30.0


def put_doors(router: APIRouter) -> None:
    """A door before every route of a router; a router that two applications share gets one all the same."""
    for route in router.routes:
        if isinstance(route, APIRoute) and not isinstance(route.get_route_handler, partial):
            # The framework asked for a handler when the route was made, and would again if its router were included.
            route.get_route_handler = partial(_behind_a_door, route, route.get_route_handler)  # type: ignore[method-assign]
            route.app = request_response(route.get_route_handler())


def _behind_a_door(route: APIRoute, make_handler: Callable[[], Handler]) -> Handler:
    return Door(route, make_handler()).handle


def is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


class Door:
    """Before one route."""

    def __init__(self, route: APIRoute, inside: Handler) -> None:
        told: Mapping[str, Any] = route.openapi_extra or {}
        self._inside = inside
        self._scopes = next(_scopes(route.dependant), None)
        self._read_by_framework = route.body_field is not None
        self._takes_a_body = self._read_by_framework or "requestBody" in told
        self._largest: int | None = told.get(LARGEST_BODY, USUAL_BYTES if self._takes_a_body else IDLE_BYTES)
        self._when_too_large: str = told.get(
            WHEN_TOO_LARGE,
            f"The body may hold {self._largest} bytes here; leave out what is not needed, or send it in parts.",
        )
        single = {name: kind for name, kind in _parameters(route.dependant) if not _is_list(kind)}
        self._once = set(single)
        self._whole = {name for name, kind in single.items() if _is_whole(kind)}

    async def handle(self, request: Request) -> Response:
        length = self._check_head(request.scope)
        if self._scopes is not None:
            request.state.guarded = True
            await current_caller(request, SecurityScopes(self._scopes), await bearer(request))
        self._check_parameters(request.scope.get("query_string", b""), request.scope.get("path_params", {}))
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return await self._inside(request)
        limits: Limits = request.app.state.limits
        if self._largest is None:
            return await self._inside(Request(request.scope, _patient(request.receive, limits.body_seconds)))
        body = await self._taken(request, self._largest, length, limits.body_seconds)
        return await self._inside(await self._read(request, body, self._largest))

    def _check_head(self, scope: Scope) -> int | None:
        """The length that the body is said to have.

        Raises:
            BadRequest: a header that is read once comes twice, or the length is none.
            Invalid: path or query hold NUL.
        """
        seen: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in SAID_ONCE:
                if name in seen:
                    raise BadRequest(f"The header {name.decode()} comes twice.", code="header-twice")
                seen[name] = value
        query: bytes = scope.get("query_string", b"")
        if "\x00" in scope["path"] or b"\x00" in query or b"%00" in query:
            raise Invalid("Text must not hold NUL.", code="text-not-storable")
        length = seen.get(b"content-length")
        if length is None:
            return None
        if not LENGTH.fullmatch(length.decode("latin-1")):
            raise BadRequest("Content-Length is no length.", code="length-unreadable")
        return int(length)

    def _check_parameters(self, query: bytes, path: Mapping[str, Any]) -> None:
        """Raises Invalid: a parameter comes twice, or is no whole number where one is asked for."""
        given = [pair for pair in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if pair[0] in self._once]
        twice = sorted({name for name, _ in given if sum(other == name for other, _ in given) > 1})
        if twice:
            raise Invalid(f"The parameter {twice[0]} is given twice.", code="parameter-twice")
        for name, value in (*given, *path.items()):
            if name in self._whole and not WHOLE.fullmatch(str(value)):
                raise Invalid(f"The parameter {name} must be a whole number, as in 10.", code="number-unreadable")

    async def _taken(self, request: Request, largest: int, length: int | None, seconds: float) -> bytes:
        if length is not None and length > largest:
            raise TooLarge(self._when_too_large)
        body = bytearray()
        try:
            async with asyncio.timeout(seconds):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > largest:
                        raise TooLarge(self._when_too_large)
        except TimeoutError:
            raise _too_slow() from None
        except ClientDisconnect:
            raise BadRequest("The body was cut short.", code="body-cut-short") from None
        return bytes(body)

    async def _read(self, request: Request, body: bytes, largest: int) -> Request:
        content_type = request.headers.get("content-type", "")
        if body and self._read_by_framework and is_json(content_type):
            return _Taken(request.scope, body, await read_body(body, largest=largest))
        return _Taken(request.scope, body)


_UNREAD = object()


class _Taken(Request):
    """A request whose body was taken, and read if it is JSON."""

    def __init__(self, scope: Scope, body: bytes, document: Any = _UNREAD) -> None:
        super().__init__(scope, _nothing_more)
        self._body = body
        self._document = document

    async def json(self) -> Any:
        return read_json(self._body) if self._document is _UNREAD else self._document


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


def _patient(receive: Receive, seconds: float) -> Receive:
    async def receive_in_time() -> Message:
        try:
            async with asyncio.timeout(seconds):
                return await receive()
        except TimeoutError:
            raise _too_slow() from None

    return receive_in_time


def _too_slow() -> TooSlow:
    return TooSlow("The body did not come in time; send it again, faster.")


# --- what a route is, as the framework knows it ----------------------------------------------------


def _scopes(dependant: Dependant) -> Iterator[list[str]]:
    """The scopes that a route's caller must hold; nothing where anybody may call."""
    for inner in dependant.dependencies:
        if inner.call is current_caller:
            yield [*(inner.parent_oauth_scopes or []), *(inner.own_oauth_scopes or [])]
        yield from _scopes(inner)


def _parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """The names and types of all that is asked in path and query, also through a model of several."""
    for field in (*dependant.query_params, *dependant.path_params):
        kind = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from ((info.alias or name, info.annotation) for name, info in kind.model_fields.items())
        else:
            yield field.alias, kind
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _plain(annotation: Any) -> tuple[Any, ...]:
    """The types an annotation allows, without what is said of them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return tuple(kind for part in get_args(annotation) for kind in _plain(part))
    return (annotation,)


def _is_list(annotation: Any) -> bool:
    return any((get_origin(kind) or kind) in {list, set, tuple, frozenset} for kind in _plain(annotation))


def _is_whole(annotation: Any) -> bool:
    return int in _plain(annotation) and str not in _plain(annotation)
