"""The server under every API: heads, and what comes after an answer, have an end in bytes and in time."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_HEAD = 64 * 1024
HEAD_SECONDS = 10.0
LINGER_SECONDS, LINGER_BYTES = 2.0, 2**20
"""How long, and how much, of a request goes on being taken that was answered before all of it came."""
MOST_CONNECTIONS = 2_000


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that waits for a head so long and no longer, and keeps so much of one and no more.

    Trailers are not kept at all, and a request that was answered before it ended does not hold its connection.
    """

    head_seconds = HEAD_SECONDS

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head_bytes = 0
        self._unread_bytes = 0
        self._in_head = True
        self._lingers = False
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > LONGEST_HEAD and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
            self.transport.close()
        self._unread_bytes = self._unread_bytes + len(data) if self._lingers else 0
        if self._unread_bytes > LINGER_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._lingers = True, False
        self._wait(self.head_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        self._lingers = self.cycle.more_body
        super().on_response_complete()
        if self._lingers:
            self._wait(LINGER_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def server_of(app: Any, *, host: str, port: int, head_seconds: float = HEAD_SECONDS) -> uvicorn.Server:
    """A server that answers with an application until it is told to stop."""

    class Protocol(PatientProtocol):
        pass

    Protocol.head_seconds = head_seconds
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
