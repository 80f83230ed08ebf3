"""Tables as they were written out last, kept for a short while: readers of Parquet ask for part after part.

Whoever asks was let in by policy just before; nothing here lets anybody in. What is kept lies under a key of this
process alone (``moneyer_shared.spool``), and is gone once nobody reads it any more.
"""

import asyncio
from collections.abc import Callable, Iterator
from uuid import UUID

from moneyer_generation.downloads import Rendered
from moneyer_generation.forms import Form
from moneyer_shared.spool import Spool

SECONDS = 30.0
MOST_KEPT = 4
Key = tuple[UUID, Form]


class Renderings:
    """The last few tables, each written out once however many ask for it at once."""

    def __init__(self, *, seconds: float = SECONDS, most: int = MOST_KEPT) -> None:
        self._seconds = seconds
        self._most = most
        self._kept: dict[Key, asyncio.Task[Rendered]] = {}

    async def of(self, key: Key, render: Callable[[], Rendered]) -> Rendered:
        """The table's bytes in that form; what fails is not kept.

        Raises:
            Unavailable: the disk is full.
        """
        if key not in self._kept:
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            task = asyncio.create_task(asyncio.to_thread(render))
            self._kept[key] = task
            asyncio.get_running_loop().call_later(self._seconds, self._forget, key, task)
        task = self._kept[key]
        try:
            return await asyncio.shield(task)
        except Exception:
            self._forget(key, task)
            raise

    def _forget(self, key: Key, task: "asyncio.Task[Rendered]") -> None:
        if self._kept.get(key) is task:
            del self._kept[key]


def pieces(spool: Spool, part: range) -> Iterator[bytes]:
    """The bytes of that part; others may read the same."""
    at = part.start
    while at < part.stop:
        piece = spool.read_at(at, part.stop - at)
        at += len(piece)
        yield piece
