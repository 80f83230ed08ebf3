"""What comes after a head: trailers and bodies that nobody reads any more, at the real server's protocol."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from moneyer_shared.server import server_of

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that answers 401 without reading, as every door does."""

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    server = server_of(refuse, host="127.0.0.1", port=0, head_seconds=0.2)
    server.config.timeout_keep_alive = 1
    running = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def ended(port: int, first: bytes, more: bytes, *, times: int, pause: float) -> bool:
    """Whether the server hung up before all of it was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(first)
        await writer.drain()
        assert b" 401 " in await reader.readline()
        for _ in range(times):
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(pause)
            if reader.at_eof() or writer.is_closing():
                return True
            try:
                async with asyncio.timeout(0.001):
                    while await reader.read(65536):
                        pass
                    return True
            except TimeoutError:
                continue
    except ConnectionError:
        return True
    finally:
        writer.close()
    return False


async def test_trailers_have_an_end(port: int) -> None:
    """Without a token: 20 MiB of trailers are kept as headers, twelve times as large in memory."""
    block = b"".join(b"x%d: y\r\n" % n for n in range(20_000))
    assert await ended(port, HEAD + b"0\r\n", block, times=100, pause=0.01)


async def test_one_trailer_has_an_end(port: int) -> None:
    assert await ended(port, HEAD + b"0\r\nX-Long: ", b"a" * 65536, times=100, pause=0.01)


@pytest.mark.parametrize("first", [HEAD, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"])
async def test_a_body_that_was_refused_holds_no_connection(port: int, first: bytes) -> None:
    """A byte now and then after the 401 keeps a connection for ever; 2,000 of them and the house answers 503."""
    more = b"1\r\na\r\n" if first is HEAD else b"a"
    assert await ended(port, first, more, times=20, pause=0.25), "five seconds later it is still open"
