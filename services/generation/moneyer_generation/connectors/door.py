"""A proxy on this machine's loopback that leads to a connection's own hosts, at addresses that were checked.

Clients of object stores look names up themselves and follow redirects. Sent through this door they reach the hosts
of the connection and no other, whatever a server answers, and each host only where it was when it was checked.
"""

import asyncio
import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from moneyer_generation.connectors.faults import Fault, unreachable
from moneyer_generation.connectors.reach import Reach

CONNECT_SECONDS = 10.0
PIECE = 2**16
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_ANSWER = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Door:
    """Open from its making until its process ends; ``url`` is what a client is told as its proxy."""

    def __init__(self, reach: Reach, hosts: Iterable[str], listening: socket.socket | None = None) -> None:
        """Leads to the hosts, and below those that begin with a dot; ``listening`` is where, if that is settled."""
        self._reach = reach
        self._hosts = frozenset(map(str.lower, hosts))
        self._listening = listening or socket.create_server(("127.0.0.1", 0))
        self.refused: Fault | None = None
        threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, sock=self._listening)
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            await self._lead((reader, writer), head)
        writer.close()

    async def _lead(self, inside: Streams, head: bytes) -> None:
        method, target, rest = head.split(b" ", 2)
        asked = urlsplit("//" + target.decode() if method == b"CONNECT" else target.decode())
        host, port = asked.hostname or "", asked.port or 80
        try:
            outside = await self._connected(host, port)
        except Fault as fault:
            self.refused = fault
            inside[1].write(REFUSED if fault.code == "not-allowed" else NO_ANSWER)
            await inside[1].drain()
            return
        if method == b"CONNECT":
            inside[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = (asked.path or "/") + (f"?{asked.query}" if asked.query else "")
            outside[1].write(method + b" " + path.encode() + b" " + rest)
        try:
            await asyncio.gather(_pour(inside[0], outside[1]), _pour(outside[0], inside[1]))
        finally:
            outside[1].close()

    async def _connected(self, host: str, port: int) -> Streams:
        if not self._leads_to(host.lower()):
            raise Fault("not-allowed", "The place sends its callers on to another host; nothing is followed there.")
        addresses = await asyncio.to_thread(self._reach.addresses, host, port)
        return await _first(addresses, port)

    def _leads_to(self, host: str) -> bool:
        above = {host[place:] for place, letter in enumerate(host) if letter == "."}
        return host in self._hosts or bool(above & self._hosts)


async def _first(addresses: Sequence[str], port: int) -> Streams:
    for address in addresses:
        with suppress(OSError):
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(address, port)
    raise unreachable()


async def _pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            into.write(piece)
            await into.drain()
        into.write_eof()
