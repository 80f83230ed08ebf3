"""A worker's side of delivering: the process is started, fed the table, and listened to within limits.

What it says: ``{"committing": true}`` before the one act that makes the table be there; ``{"there": …, "left": […]}``
where it was only to look; ``{"done": true}`` or ``{"failed": …, "clean": …}`` at the end.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.fetching import frames_of, vanished
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.execution.children import Child, start_child
from moneyer_shared.spool import FRAME_BYTES, Spool


class NotDelivered(Exception):
    """An attempt failed; ``is_clean``: it is known that nothing of it lies there."""

    def __init__(self, fault: Fault, *, is_clean: bool) -> None:
        self.fault = fault
        self.is_clean = is_clean
        super().__init__(fault.detail)


async def delivered(job: FetchJob, spool: Spool | None) -> AsyncGenerator[dict[str, Any] | None]:
    """What the process says, and None whenever a while passed; ``sent`` stands in each. Closing it kills the process.

    Raises:
        NotDelivered: the table does not lie there, or nobody knows.
    """
    child = await start_child("moneyer_generation.connectors.writer")
    sent = _Feed(child, spool)
    feeding = asyncio.create_task(sent.all(job))
    try:
        async with aclosing(frames_of(child, job)) as frames:
            async for told in frames:
                if not isinstance(told, dict):
                    yield None
                    continue
                if "failed" in told:
                    raise NotDelivered(Fault(**told["failed"]), is_clean=bool(told["clean"]))
                if "done" in told:
                    return
                yield told
        raise NotDelivered(vanished(), is_clean=False)
    except Fault as fault:
        # Time or memory ran out, and nobody asked the process where it was.
        raise NotDelivered(fault, is_clean=False) from None
    finally:
        feeding.cancel()
        await asyncio.wait({feeding})
        await child.end()


class _Feed:
    """The job and the table on their way into the process."""

    def __init__(self, child: Child, spool: Spool | None) -> None:
        self._child = child
        self._spool = spool

    async def all(self, job: FetchJob) -> None:
        """Send everything, then close. A process that ended before says so itself, or says nothing more."""
        assert self._child.process.stdin is not None
        pipe = self._child.process.stdin
        with suppress(ConnectionError):
            pipe.write(json.dumps(job).encode() + b"\n")
            await pipe.drain()
            at = 0
            while self._spool is not None and (piece := self._spool.read_at(at, FRAME_BYTES)):
                pipe.write(piece)
                await pipe.drain()
                at += len(piece)
        pipe.close()
