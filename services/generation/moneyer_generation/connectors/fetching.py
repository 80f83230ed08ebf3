"""A worker's side of fetching: the process is started, listened to within limits, and ended whatever happens."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from moneyer_generation.connectors.faults import Fault, too_slow
from moneyer_generation.connectors.wire import DATA, HEAD, LARGEST_FRAME, FetchJob
from moneyer_generation.execution.children import Child, start_child

GLANCE_SECONDS = 0.25
Told = dict[str, Any] | bytes


async def fetched(job: FetchJob) -> AsyncGenerator[Told | None]:
    """What the process says: its messages, the table's bytes, and None whenever a while passed. Closing it kills it.

    Raises:
        Fault: the table cannot be fetched, or the process took more time or memory than it may.
    """
    child = await start_child("moneyer_generation.connectors.child")
    try:
        assert child.process.stdin is not None
        child.process.stdin.write(json.dumps(job).encode() + b"\n")
        await child.process.stdin.drain()
        async with aclosing(frames_of(child, job)) as frames:
            async for told in frames:
                if isinstance(told, dict) and "failed" in told:
                    raise Fault(**told["failed"])
                if isinstance(told, dict) and "done" in told:
                    return
                yield told
        raise vanished()
    except ConnectionError:
        raise vanished() from None
    finally:
        await child.end()


def vanished() -> Fault:
    return Fault("driver-failed", "The fetching process ended before it had said everything.")


async def frames_of(child: Child, job: FetchJob) -> AsyncGenerator[Told | None]:
    began = time.monotonic()
    coming: asyncio.Task[Told | None] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_frame(child))
            done, _ = await asyncio.wait({coming}, timeout=GLANCE_SECONDS)
            _check(child, job, time.monotonic() - began)
            if not done:
                yield None
                continue
            told, coming = coming.result(), None
            if told is None:
                return
            yield told
    finally:
        if coming is not None:
            coming.cancel()


async def _frame(child: Child) -> Told | None:
    """One frame; None at the end."""
    assert child.process.stdout is not None
    try:
        letter, length = HEAD.unpack(await child.process.stdout.readexactly(HEAD.size))
        if length > LARGEST_FRAME:
            return None
        content = await child.process.stdout.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
    return content if letter == DATA else json.loads(content)


def _check(child: Child, job: FetchJob, seconds: float) -> None:
    if seconds > job["seconds"]:
        raise too_slow()
    if child.mebibytes > job["mebibytes"]:
        raise Fault("too-large", "It takes more memory than a pull or delivery may take (PULL_MEBIBYTES).")
