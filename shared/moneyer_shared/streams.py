"""Answers that go on and on: so many at a time, so many for each caller, and none beyond its token."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from moneyer_shared.auth import Caller
from moneyer_shared.claims import CHALLENGE
from moneyer_shared.errors import TooMany, Unauthenticated


@dataclass
class Streams:
    """The streams of one process."""

    most: int = 500
    most_each: int = 20
    _open: Counter[str] = field(default_factory=Counter[str])

    @contextmanager
    def place(self, subject: str) -> Generator[None]:
        """A place for one stream, until it ends.

        Raises:
            TooMany: the caller, or all callers together, hold as many as there may be.
        """
        if self._open[subject] >= self.most_each or self._open.total() >= self.most:
            raise TooMany("Too many streams are open; end one, or ask again later.", headers={"Retry-After": "5"})
        self._open[subject] += 1
        try:
            yield
        finally:
            self._open[subject] -= 1
            if not self._open[subject]:
                del self._open[subject]


class EventStream(StreamingResponse):
    """Server-sent events for one caller, as long as their token lasts."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterable[str], request: Request, caller: Caller) -> None:
        super().__init__(events)
        self._streams: Streams = request.app.state.streams
        self._caller = caller
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.place(self._caller.subject):
            await self._until_the_token_ends(scope, receive, send)

    async def _until_the_token_ends(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def begin(message: Message) -> None:
            self._begun = True
            await send(message)

        left = self._caller.expires_at - time.time()
        try:
            async with asyncio.timeout(min(left, LONGEST_SECONDS)):
                await super().__call__(scope, receive, begin)
        except TimeoutError:
            if not self._begun:
                raise Unauthenticated("The token has ended.", headers=CHALLENGE) from None
            await send({"type": "http.response.body", "body": b"", "more_body": False})


LONGEST_SECONDS = 24 * 3600.0
