"""A server that speaks PostgreSQL's protocol as far as to ask for the password in clear, and notes what it hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

CLEAR_TEXT_PASSWORD = b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big")


@asynccontextmanager
async def asks_for_the_password() -> AsyncIterator[tuple[dict[str, Any], bytearray]]:
    """The target of a connection to it, and what it heard."""
    heard = bytearray()

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(4096))
        writer.write(CLEAR_TEXT_PASSWORD)
        await writer.drain()
        heard.extend(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(ask, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield (
            {"kind": "postgres", "host": "127.0.0.1", "port": port, "database": "d", "user": "u", "tls": "none"},
            heard,
        )
