"""Routes by declaration: a use case takes documents and gives one; what HTTP asks beside is done here, once for all.

For every route: who calls is known and holds the scope; the transaction begins as the type of the use case's first
parameter says; a repeat of a request is answered as the first was; the use case runs; its document is written as the
route declares it, or nothing of it counts; the answer is kept for a repeat in the effect's own transaction; and the
commit comes before the answer goes out.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.auth import ANYBODY, Caller, requires
from moneyer_shared.errors import MoneyerError, PreconditionRequired, Unavailable
from moneyer_shared.idempotency import Attempt, KeyedAttempt, Reply, ThisAttempt, in_flight
from moneyer_shared.paging import PAGE, Filtered
from moneyer_shared.work import Dependencies, IfMatch, Workflow

UseCase = Callable[..., Awaitable[Any]]
NO_CONTENT, ACCEPTED = 204, 202
ATTEMPTS: Mapping[Any, Any] = {"may": ThisAttempt, "must": KeyedAttempt}


@dataclass(frozen=True)
class Route:
    """What a route says beside its use case.

    Attributes:
        method, path, status, scope, summary: as HTTP and OpenAPI know them; no ``scope`` where anybody may call.
        operation: its name in OpenAPI; the use case's own in camel case unless said.
        once: whether an ``Idempotency-Key`` "may" or "must" come; None where repeating changes nothing. Where two
            requests count as one by more than their bodies, the dependency that makes the ``Attempt``.
        location: where what was made is found, with the document's members in braces.
        waits: where what was asked for is followed while it waits for votes: a document with a ``review_id`` is
            answered with 202 and this as its ``Location``.
        etag: the entity tag of a document.
        page: by which member of the last row of a full page the next one goes on; where the rows are a member of the
            document themselves, ``rows.member``.
        headers: sent with every answer, and kept with it.
        first: what happens before the transaction begins, with the same arguments; the use case gets its result in
            its keyword-only parameter. It is handed a ``Workflow``; a repeat of a request does not come here again.
        undo: what takes back what ``first`` made, where the effect was refused or another request's had come first.
        also: documents of another kind that the use case may give, by the status they are answered with.
        render: how the answer is written where it is no JSON.
        given: how parameters come in where their type alone does not say it.
        extra: further words for FastAPI: ``openapi_extra``, ``responses``, ``response_model_exclude_none``.
    """

    method: str
    path: str
    use_case: UseCase
    summary: str
    scope: str | None
    status: int = 200
    operation: str | None = None
    once: Any = None
    location: str | None = None
    waits: str | None = None
    etag: Callable[[Any], str] | None = None
    page: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    first: UseCase | None = None
    undo: UseCase | None = None
    also: Mapping[int, type[BaseModel]] = field(default_factory=dict[int, type[BaseModel]])
    render: Callable[[Any], Response] | None = None
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Routes:
    """A router whose routes are declared; ``router`` is what an application includes."""

    def __init__(self, *, prefix: str, tag: str) -> None:
        self.router = APIRouter(prefix=prefix, tags=[tag])

    def add(self, method: str, path: str, use_case: UseCase, summary: str, *, scope: str | None, **said: Any) -> None:
        """Declare a route; ``said`` are the further members of ``Route``."""
        route = Route(method, path, use_case, summary, scope, **said)
        handler = _Handler(route)
        extra = dict(route.extra)
        exclude = extra.pop("response_model_exclude_none", False)
        if route.also:
            extra["responses"] = {
                **extra.get("responses", {}),
                **{code: {"model": one} for code, one in route.also.items()},
            }
        self.router.add_api_route(
            path,
            handler.endpoint(),
            methods=[method],
            status_code=route.status,
            response_model=None if handler.writes_nothing else handler.usual,
            operation_id=route.operation or _camel(use_case.__name__),
            summary=summary,
            response_model_exclude_none=exclude,
            **extra,
        )


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


class _Handler:
    """One route at work."""

    def __init__(self, route: Route) -> None:
        self._route = route
        hints = get_type_hints(route.use_case, include_extras=True)
        self.declared = hints.get("return", type(None))
        parameters = list(inspect.signature(route.use_case).parameters.values())
        self._kind = hints[parameters[0].name]
        self._taken = [one for one in parameters[1:] if one.kind is not inspect.Parameter.KEYWORD_ONLY]
        self._prepared = next((one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY), None)
        self._hints = hints
        self._read_only = route.method in {"GET", "HEAD"}
        self.writes_nothing = self.declared is type(None) or route.render is not None
        self._adapter: TypeAdapter[Any] = TypeAdapter(self.declared)
        others = set(route.also.values())
        usual = [kind for kind in get_args(self.declared) if kind not in others]
        self.usual = usual[0] if others else self.declared
        self._without_none = bool(route.extra.get("response_model_exclude_none", False))

    # --- what FastAPI sees -------------------------------------------------------------------------

    def endpoint(self) -> Callable[..., Awaitable[Response]]:
        """A function with the signature that FastAPI reads: the caller first, then what the use case takes."""

        async def answer(request_: Request, **given: Any) -> Response:
            caller, attempt = given.pop("caller_", ANYBODY), given.pop("attempt_", Attempt(None, ""))
            return await self._answer(request_, caller, attempt, given)

        answer.__signature__ = inspect.Signature(self._asked())  # type: ignore[attr-defined]
        answer.__name__ = self._route.use_case.__name__
        answer.__doc__ = None
        return answer

    def _asked(self) -> list[inspect.Parameter]:
        keyword = inspect.Parameter.KEYWORD_ONLY
        asked = [inspect.Parameter("request_", keyword, annotation=Request)]
        if self._route.scope is not None:
            caller = requires(self._route.scope)
            asked.append(inspect.Parameter("caller_", keyword, annotation=Caller, default=caller))
        asked += [one.replace(kind=keyword, annotation=self._wire_type(one.name)) for one in self._taken]
        if self._route.once:
            kind = ATTEMPTS.get(self._route.once, self._route.once)
            asked.append(inspect.Parameter("attempt_", keyword, annotation=kind))
        return asked

    def _wire_type(self, name: str) -> Any:
        if name in self._route.given:
            return self._route.given[name]
        annotation = self._hints[name]
        if annotation is IfMatch:
            return Annotated[IfMatch, Depends(_if_match)]
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            return Annotated[annotation, Query() if self._read_only else Body()]
        return annotation

    # --- one request -------------------------------------------------------------------------------

    async def _answer(self, request: Request, caller: Caller, attempt: Attempt, given: dict[str, Any]) -> Response:
        dependencies: Dependencies = request.app.state.dependencies

        async def keep(connection: AsyncConnection, document: Any) -> None:
            if await attempt.answered(connection, caller.subject) is not None:
                raise in_flight()
            await attempt.keep(connection, caller.subject, self._reply(document, request))

        flow = Workflow(dependencies, caller, keep)
        outside = (get_origin(self._kind) or self._kind) is Workflow
        if outside or self._route.first:
            # What keeps the effect asks again: this claims nothing.
            known = await attempt.answered_before(dependencies.database, caller.subject)
            if known is not None:
                return _response(known)
        if self._route.first is not None:
            prepared = await self._route.first(flow, **given)
            given = given | ({self._prepared: prepared} if self._prepared else {})
        if outside:
            document = await self._route.use_case(flow, **given)
            return self._written(document, self._reply(document, request))
        return await self._effect(flow, request, attempt, given)

    async def _effect(self, flow: Workflow[Any], request: Request, attempt: Attempt, given: dict[str, Any]) -> Response:
        """The use case in its one transaction; what was prepared for it is taken back where nothing of it counts."""
        caller = flow.caller
        try:
            async with flow.dependencies.begin(self._kind, caller, read_only=self._read_only) as work:
                if answer := await attempt.answered(work.connection, caller.subject):
                    raise _AnsweredBefore(answer)  # noqa: TRY301 - it ends the transaction
                document = await self._route.use_case(work, **given)
                reply = self._reply(document, request)
                await attempt.keep(work.connection, caller.subject, reply)
        except _AnsweredBefore as before:
            await self._take_back(flow, given)
            return _response(before.reply)
        except Unavailable:
            raise  # the commit may have come through unheard
        except MoneyerError:
            # Raised within the transaction, so nothing of it counts; of any other error that is not known.
            await self._take_back(flow, given)
            raise
        return self._written(document, reply)

    async def _take_back(self, flow: Workflow[Any], given: Mapping[str, Any]) -> None:
        if self._route.undo is not None and self._prepared is not None:
            await self._route.undo(flow, given[self._prepared])

    def _written(self, document: Any, reply: Reply) -> Response:
        return _response(reply) if self._route.render is None else self._route.render(document)

    def _reply(self, document: Any, request: Request) -> Reply:
        """The answer to a document, exactly as a repeat gets it.

        Raises:
            PydanticSerializationError: it is not what the route declares.
        """
        if self.writes_nothing:
            return Reply(self._route.status, None, dict(self._route.headers))
        body = self._adapter.dump_python(
            document, mode="json", warnings="error", exclude_none=self._without_none, by_alias=True
        )
        if self._route.waits is not None and body.get("review_id") is not None:
            return Reply(ACCEPTED, body, self._headers(document, body, request, self._route.waits))
        other = next((status for status, kind in self._route.also.items() if type(document) is kind), None)
        if other is not None:
            return Reply(other, body, dict(self._route.headers))
        return Reply(self._route.status, body, self._headers(document, body, request, self._route.location))

    def _headers(self, document: Any, body: Any, request: Request, location: str | None) -> dict[str, str]:
        headers = dict(self._route.headers)
        if location is not None:
            headers["Location"] = location.format_map(body)
        if self._route.etag is not None:
            headers["ETag"] = self._route.etag(document)
        if self._route.page is not None:
            inside, _, named = self._route.page.rpartition(".")
            rows = getattr(document, inside) if inside else document
            rows = rows.page if isinstance(rows, Filtered) else rows
            if len(rows) >= PAGE:
                further = request.url.include_query_params(after=getattr(rows[-1], named))
                headers["Link"] = f'<{quote(further.path)}?{further.query}>; rel="next"'
        return headers


class _AnsweredBefore(Exception):
    """A request like this one was answered while this one prepared."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply


def _response(reply: Reply) -> Response:
    if reply.status == NO_CONTENT:
        return Response(status_code=NO_CONTENT, headers=dict(reply.headers))
    return reply.response()


async def _if_match(
    given: Annotated[str | None, Header(alias="If-Match", description="The ETag of what was read.")] = None,
) -> IfMatch:
    if given is None:
        raise PreconditionRequired("Send If-Match with the ETag you read.")
    return IfMatch(given)
