"""A small supervisor: children die with their parent, and one that dies early is restarted and said."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 15
LONGEST_PAUSE_SECONDS = 10.0

Say = Callable[[str], None]
Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Identity:
    """The user a child runs as; None keeps ours."""

    uid: int
    gid: int


@dataclass(frozen=True)
class ChildSpec:
    """A program to keep running."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    ready: Ready | None = None
    identity: Identity | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    directory: Path | None = None


def dies_with_parent(stop_signal: signal.Signals) -> Callable[[], None]:
    """Run in the child before it becomes the program, after its user was set (Linux prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            os._exit(1)

    return tie


class Supervisor:
    """Starts children in order, watches them, stops them in reverse. Use from the main thread:
    the tie to the parent is to the thread that made the child.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._watchers: list[tuple[ChildSpec, asyncio.Task[None]]] = []
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = False

    async def start(self, spec: ChildSpec, *, timeout_seconds: float = 90) -> None:
        """Start a child and wait until it is ready.

        Raises:
            TimeoutError: it was not ready in time.
        """
        await self._launch(spec)
        self._watchers.append((spec, asyncio.create_task(self._watch(spec))))
        if spec.ready is not None:
            async with asyncio.timeout(timeout_seconds):
                while not await spec.ready():  # noqa: ASYNC110 - a process becomes ready, not a task of ours
                    await asyncio.sleep(0.05)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    async def _launch(self, spec: ChildSpec) -> None:
        user = spec.identity.uid if spec.identity else None
        group = spec.identity.gid if spec.identity else None
        with spec.log.open("ab") as log:
            self._running[spec.name] = await asyncio.create_subprocess_exec(
                *spec.command,
                env=dict(spec.environment),
                cwd=spec.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=[] if spec.identity else None,
                start_new_session=True,
                preexec_fn=dies_with_parent(spec.stop_signal),
            )

    async def _watch(self, spec: ChildSpec) -> None:
        pause = 0.2
        while True:
            started = asyncio.get_running_loop().time()
            status = await self._running[spec.name].wait()
            if self._stopping:
                return
            if asyncio.get_running_loop().time() - started > LONGEST_PAUSE_SECONDS:
                pause = 0.2
            self._say(f"{spec.name} ended with status {status}; starting it again (log: {spec.log})")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            await self._launch(spec)

    async def stop(self) -> None:
        """End every child, last started first; one that will not end in time is killed and said."""
        self._stopping = True
        for spec, watcher in reversed(self._watchers):
            process = self._running[spec.name]
            if process.returncode is None:
                process.send_signal(spec.stop_signal)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                self._say(f"{spec.name} did not stop in {STOP_SECONDS} s and was killed")
                process.kill()
                await process.wait()
            watcher.cancel()
        self._watchers.clear()


def python(*arguments: str) -> list[str]:
    """A command for this interpreter."""
    return [sys.executable, *arguments]
