"""Group commit in one lane: whoever waits while a batch commits goes with the next one, together.

There is no added delay (the commit is the timer) and no second lane (it would split the batches).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Together = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]
MOST_TOGETHER = 64


class Lane:
    """Batches what is asked for at the same time; every asker gets its own answer or its own error."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Any, asyncio.Future[Any]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, ask: Any, together: Together) -> Any:
        """The answer to one ask; it raises what ``together`` answered with if that is an exception."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(together))
        return await future

    async def _run(self, together: Together) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            try:
                answers = await together([ask for ask, _ in batch])
            except BaseException as error:
                _settle(batch, [error] * len(batch))
                if not isinstance(error, Exception):
                    raise
            else:
                _settle(batch, answers)


def _settle(batch: Sequence[tuple[Any, asyncio.Future[Any]]], answers: Sequence[Any]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
