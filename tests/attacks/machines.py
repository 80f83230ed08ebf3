"""Machines that an attacker owns: they listen, and answer as he likes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager


class Machine:
    """A listening socket on this machine, and how often it was spoken to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard = 0


@asynccontextmanager
async def machine(answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncGenerator[Machine]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        speaking.add(here)
        try:
            await reader.readuntil(b"\r\n\r\n")
            made.heard += 1
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            speaking.discard(here)
            writer.close()

    speaking: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    made = Machine(server.sockets[0].getsockname()[1])
    try:
        yield made
    finally:
        server.close()
        for task in speaking:
            task.cancel()
        await asyncio.gather(*speaking, return_exceptions=True)


async def say(writer: asyncio.StreamWriter, words: bytes) -> None:
    writer.write(words)
    await writer.drain()


async def takes(writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 204 No Content\r\n\r\n")


async def drips(writer: asyncio.StreamWriter) -> None:
    """A byte of its header now and then: no timeout that counts anew with each ever ends it."""
    await say(writer, b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await say(writer, b"z")
        await asyncio.sleep(0.02)


async def hints(writer: asyncio.StreamWriter) -> None:
    while True:
        await say(writer, b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await asyncio.sleep(0.002)


async def floods_headers(writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\n")
    while True:
        await say(writer, b"X-More: " + b"z" * 4096 + b"\r\n")


async def floods_body(writer: asyncio.StreamWriter) -> None:
    await say(writer, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await say(writer, b"1000\r\n" + b"z" * 4096 + b"\r\n")


async def never(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()
