"""The public API, asked with the signed-in person's token: whoever may not do a thing there may not do it here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import httpx

from moneyer import AsyncMoneyer
from moneyer.calls import Call
from moneyer.client import Connection, Refused
from moneyer_console.views.absent import Absent

Answer = TypeVar("Answer")


class Away(Exception):
    """A service does not answer."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


class Asking:
    """What one request asks of the API, remembered so that a page can show it as calls."""

    def __init__(self, services: Mapping[str, str], token: str, http: httpx.AsyncClient) -> None:
        self._client = AsyncMoneyer(Connection.of_token(services, token), http=http)
        self.asked: list[Call[Any]] = []

    async def ask(self, call: Call[Answer], *, shown: bool = True) -> Answer:
        """The answer to a call.

        Raises:
            Refused: with the service's problem.
            Away: the service does not answer.
        """
        if shown:
            self.asked.append(call)
        try:
            return await self._client.send(call)
        except httpx.TransportError as error:
            raise Away(call.service) from error
        except Refused as refused:
            if refused.status in AWAY:
                raise Away(call.service) from refused
            raise

    async def open(self, call: Call[Any]) -> httpx.Response:
        """An answer that is read as it comes; whoever opens it closes it. Raises as ``ask`` does."""
        opening = self._client.stream(call)
        try:
            return await opening.__aenter__()
        except httpx.TransportError as error:
            raise Away(call.service) from error

    async def look(self, call: Call[Answer], *, shown: bool = True) -> Answer | Absent:
        """The answer, or why there is none: for a part that a page can do without."""
        try:
            return await self.ask(call, shown=shown)
        except Away:
            return Absent(call.service, f"{call.service.capitalize()} does not answer.", is_away=True)
        except Refused as refused:
            return Absent(call.service, refused.detail or refused.title, status=refused.status)

    async def look_all(self, *calls: Call[Any]) -> list[Any]:
        """Several at once; of each its answer, or why there is none."""
        return list(await asyncio.gather(*(self.look(call) for call in calls)))


AWAY = frozenset({502, 503, 504})


def found(told: Answer | Absent, otherwise: Answer) -> Answer:
    """What was told, or what stands in for it."""
    return otherwise if isinstance(told, Absent) else told


async def pieces_of(opened: httpx.Response) -> AsyncIterator[bytes]:
    """What an opened answer holds, closed when all of it was read or nobody reads on."""
    try:
        async for piece in opened.aiter_bytes():
            yield piece
    finally:
        await opened.aclose()
