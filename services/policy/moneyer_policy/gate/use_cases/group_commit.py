"""Group commit: whoever waits while a batch commits goes with the next one, together.

There is no added delay (the commit is the timer) and no second queue (it would split the batches).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
Together = Callable[[Sequence[Asked]], Awaitable[Sequence[Answered | Exception]]]
MOST_TOGETHER = 64


class GroupCommit(Generic[Asked, Answered]):
    """Batches what is asked for at the same time; every asker gets its own answer or its own error."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, ask: Asked, together: Together[Asked, Answered]) -> Answered:
        """The answer to one ask; it raises what ``together`` answered with if that is an exception."""
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(together))
        return await future

    async def _run(self, together: Together[Asked, Answered]) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            futures = [future for _, future in batch]
            try:
                answers = await together([ask for ask, _ in batch])
            except BaseException as error:
                _hand_out(futures, [error] * len(batch))
                if not isinstance(error, Exception):
                    raise
            else:
                _hand_out(futures, answers)


def _hand_out(futures: Sequence[asyncio.Future[Answered]], answers: Sequence[Answered | BaseException]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)
