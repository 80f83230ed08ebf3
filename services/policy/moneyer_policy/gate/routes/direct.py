"""The hot route, answered without the framework between the wire and the use case.

FastAPI documents it from the endpoint's signature as any other; solving dependencies and serialising a
response model took as long as the decision itself.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes
from pydantic import TypeAdapter, ValidationError

from moneyer_shared.auth import bearer, current_caller
from moneyer_shared.contracts.policy import DecisionRequest
from moneyer_shared.doors import is_json
from moneyer_shared.errors import UnsupportedMedia
from moneyer_shared.idempotency import KeyText

DECIDE = SecurityScopes(["policy:decisions:write"])
_KEY = TypeAdapter(KeyText)


class DecisionRoute(APIRoute):
    """``POST /v1/decisions``: who calls, which key, which plan, in this order."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint

        async def handle(request: Request) -> Response:
            caller = await current_caller(request, DECIDE, await bearer(request))
            plan = _read(request.headers, await request.json())
            key: str = request.headers["idempotency-key"]
            response: Response = await endpoint(plan, request.app.state.dependencies, key, caller)
            return response

        return handle


def _read(headers: Any, body: Any) -> DecisionRequest:
    """The request, once key and body fit.

    Raises:
        UnsupportedMedia: the body is not called JSON.
        RequestValidationError: something does not fit; every fault is listed.
    """
    if not is_json(headers.get("content-type", "")):
        raise UnsupportedMedia("Send application/json.")
    found: list[Any] = []
    request: DecisionRequest | None = None
    try:
        _KEY.validate_python(headers.get("idempotency-key"))
    except ValidationError as error:
        found += [fault | {"loc": ("header", "Idempotency-Key")} for fault in error.errors(include_input=False)]
    try:
        request = DecisionRequest.model_validate(body)
    except ValidationError as error:
        found += [fault | {"loc": ("body", *fault["loc"])} for fault in error.errors(include_input=False)]
    if request is None or found:
        raise RequestValidationError(found)
    return request
