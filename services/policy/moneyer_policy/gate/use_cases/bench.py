"""Where advice is worked out: in few threads of its own, with a limit to each request, and no lock held meanwhile."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

from moneyer_shared.errors import TooMany

Answer = TypeVar("Answer")
AT_ONCE = 2
MOST_WAITING = 8
SECONDS = 5.0
"""Of a processor's time, for one request."""


class Allowance:
    """The processor's time that one request may still take; what is over it is told as left out, never guessed."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._left = seconds

    def spend(self, work: Callable[[], Answer]) -> Answer:
        """Do a piece of work, and count what it took of this thread's time."""
        before = time.thread_time()
        try:
            return work()
        finally:
            self._left -= time.thread_time() - before

    @property
    def is_spent(self) -> bool:
        return self._left <= 0


class Bench:
    """Threads for advice. They are bounded whoever goes away: a thread is free when its work ends, not its asker."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = MOST_WAITING) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="advice")
        self._most = at_once + waiting
        self._asked = 0
        self._counting = Lock()

    async def do(self, work: Callable[[], Answer]) -> Answer:
        """The answer, worked out beside the event loop.

        Raises:
            TooMany: as many wait already as may.
        """
        if self._asked >= self._most:
            raise TooMany(
                "Too much advice is being worked out; ask again shortly.",
                code="advice-busy",
                headers={"Retry-After": "2"},
            )
        self._count(1)
        begun = self._threads.submit(work)
        begun.add_done_callback(lambda _: self._count(-1))
        return await asyncio.wrap_future(begun)

    def _count(self, more: int) -> None:
        with self._counting:
            self._asked += more
