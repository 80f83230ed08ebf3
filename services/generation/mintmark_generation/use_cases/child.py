"""Fit and sample in a child process: progress comes up, cancellation goes down, nothing else passes."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

MEMORY_BACKED = Path("/dev/shm")  # noqa: S108 - its being world-writable is why a private folder is made in it


class ChildFailed(Exception):
    """The child ended without a table; the message names type and place, never a value."""


async def messages(job: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
    """The child's messages as they come. Closing the iterator kills the child.

    Raises:
        ChildFailed: the child failed or vanished.
    """
    async with _scratch() as folder, _running(folder) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
        async for line in process.stdout:
            message: dict[str, Any] = json.loads(line)
            if "failed" in message:
                raise ChildFailed(told(message["failed"]))
            yield message
            if "done" in message:
                return
        raise ChildFailed(f"the process ended with status {await process.wait()}")


def told(failed: dict[str, Any]) -> str:
    """What a person is told: our own words where there are some, else type and place."""
    return str(failed.get("because") or f"{failed['type']} at {failed['at'][-1:]}")


async def ticking(told: AsyncIterator[dict[str, Any]], seconds: float) -> AsyncGenerator[dict[str, Any] | None]:
    """The messages, and None whenever that long passed without one."""
    coming: asyncio.Task[dict[str, Any]] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(told))
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield None
                continue
            message, coming = coming.result(), None
            if not message:
                return
            yield message
    finally:
        if coming is not None and not coming.done():
            coming.cancel()
            await asyncio.wait({coming})


async def _next(told: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    try:
        return await anext(told)
    except StopAsyncIteration:
        # A task cannot carry StopAsyncIteration; no message is ever empty.
        return {}


@asynccontextmanager
async def _scratch() -> AsyncGenerator[Path]:
    """A private working folder in memory where there is one, for libraries that write beside themselves."""
    parent = MEMORY_BACKED if MEMORY_BACKED.is_dir() else None  # noqa: ASYNC240 - a stat of memory
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="mintmark-", dir=parent))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


@asynccontextmanager
async def _running(folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mintmark_generation.generators.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
        preexec_fn=_die_with_worker,
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Only what a library needs: the worker's secrets stand in its own environment."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    place = str(folder)
    return kept | {"HOME": place, "TMPDIR": place, "MPLCONFIGDIR": place, "PYTHONWARNINGS": "ignore"}


def _die_with_worker() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
