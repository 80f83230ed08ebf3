"""Fit and sample in a child process: progress comes up, cancellation goes down, nothing else passes."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from moneyer_generation.execution.protocol import Job, Message

MEMORY_BACKED = Path("/dev/shm")  # noqa: S108 - its being world-writable is why a private folder is made in it
PREFIX = "moneyer-"
GLANCE_SECONDS = 0.5
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ChildFailed(Exception):
    """The child ended without a table; the messages name type and place, never a value."""


@dataclass(frozen=True)
class JobLimits:
    """What one job may take of the machine; None is no limit."""

    seconds: float | None = None
    mebibytes: int | None = None


@dataclass
class Child:
    """A process that waits for a job, or carries one; its working folder goes with it."""

    process: asyncio.subprocess.Process
    folder: Path
    warm: str | None

    @property
    def mebibytes(self) -> int:
        """Resident memory; 0 once the process is gone."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * PAGE_BYTES // 2**20

    async def end(self) -> None:
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)


class Children:
    """Every job has a process of its own; a spare one, its libraries imported, waits for the next.

    Importing synthcity takes as long as many a fit. The spare is warmed for the engine of the job before it, once
    that job has ended, and is thrown away if the next job needs another engine.
    """

    def __init__(self, limits: JobLimits | None = None, *, keep_spare: bool = False) -> None:
        self._limits = limits or JobLimits()
        self._keep_spare = keep_spare
        self._spare: Child | None = None
        self._preparing = asyncio.Lock()
        wipe_abandoned()

    async def ready(self) -> None:
        """A process can always be started here."""

    async def messages(self, job: Job) -> AsyncGenerator[Message]:
        """The child's messages as they come. Closing the iterator kills the child.

        Raises:
            ChildFailed: the child failed, vanished, or took more than its limits.
        """
        child = await self._take(job["generator"])
        try:
            assert child.process.stdin is not None
            child.process.stdin.write(json.dumps(job).encode() + b"\n")
            await child.process.stdin.drain()
            async for message in self._said(child):
                if "failed" in message:
                    raise ChildFailed(_reason(message["failed"]))
                yield message
                if "done" in message:
                    return
            raise ChildFailed(f"the process ended with status {await child.process.wait()}")
        except ConnectionError as error:
            raise ChildFailed("the process ended before it had its job") from error
        finally:
            await child.end()
            await self._prepare(job["generator"])

    async def aclose(self) -> None:
        """End the spare, and start no other."""
        self._keep_spare = False
        async with self._preparing:
            spare, self._spare = self._spare, None
        if spare is not None:
            await spare.end()

    async def _prepare(self, generator: str) -> None:
        async with self._preparing:
            if self._keep_spare and self._spare is None:
                self._spare = await _start(generator)

    async def _take(self, generator: str) -> Child:
        spare, self._spare = self._spare, None
        if spare is not None and spare.warm == generator and spare.process.returncode is None:
            return spare
        if spare is not None:
            await spare.end()
        return await _start(None)

    async def _said(self, child: Child) -> AsyncGenerator[Message]:
        assert child.process.stdout is not None
        began = time.monotonic()
        coming: asyncio.Task[bytes] | None = None
        try:
            while True:
                coming = coming or asyncio.create_task(child.process.stdout.readline())
                done, _ = await asyncio.wait({coming}, timeout=GLANCE_SECONDS)
                self._check(child, time.monotonic() - began)
                if not done:
                    continue
                line, coming = coming.result(), None
                if not line:
                    return
                yield json.loads(line)
        finally:
            if coming is not None:
                coming.cancel()

    def _check(self, child: Child, seconds: float) -> None:
        if self._limits.seconds is not None and seconds > self._limits.seconds:
            raise ChildFailed(f"it ran longer than the {self._limits.seconds:g} seconds a job may take")
        if self._limits.mebibytes is not None and child.mebibytes > self._limits.mebibytes:
            raise ChildFailed(f"it took more than the {self._limits.mebibytes} MiB of memory a job may take")


def _reason(failed: Message) -> str:
    """Why a child failed: our own words where there are some, else type and place."""
    place = failed["at"][-1].rpartition("/")[2] if failed["at"] else "an unknown place"
    return str(failed.get("because") or f"{failed['type']} at {place}")


async def ticking(messages: AsyncIterator[Message], seconds: float) -> AsyncGenerator[Message | None]:
    """The messages, and None whenever that long passed without one."""
    coming: asyncio.Task[Message] | None = None
    try:
        while True:
            coming = coming or asyncio.create_task(_next(messages))
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


async def _next(messages: AsyncIterator[Message]) -> Message:
    try:
        return await anext(messages)
    except StopAsyncIteration:
        # A task cannot carry StopAsyncIteration; no message is ever empty.
        return {}


def _scratch_parent() -> Path:
    return MEMORY_BACKED if MEMORY_BACKED.is_dir() else Path(tempfile.gettempdir())


def wipe_abandoned() -> None:
    """Remove the working folders of workers that were killed before they could."""
    for folder in _scratch_parent().glob(f"{PREFIX}*"):
        owner = re.match(rf"{PREFIX}(\d+)-", folder.name)
        if owner and not Path(f"/proc/{owner[1]}").exists() and folder.stat().st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


async def _start(warm: str | None) -> Child:
    child = await start_child("moneyer_generation.generators.child", *([warm] if warm else []))
    child.warm = warm
    return child


async def start_child(module: str, *arguments: str) -> Child:
    """A process in a working folder of its own, in memory where it can be: libraries write beside themselves."""
    prefix = f"{PREFIX}{os.getpid()}-"
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=prefix, dir=_scratch_parent()))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
        preexec_fn=_die_with_worker,
        limit=2**20,
    )
    return Child(process, folder, None)


def _environment(folder: Path) -> dict[str, str]:
    """Only what a library needs: the worker's secrets stand in its own environment."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    place = str(folder)
    return kept | {"HOME": place, "TMPDIR": place, "MPLCONFIGDIR": place, "PYTHONWARNINGS": "ignore"}


def _die_with_worker() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
