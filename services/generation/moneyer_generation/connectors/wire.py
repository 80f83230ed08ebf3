"""How a fetching process speaks to its worker: messages, and the table's bytes between them, in frames.

A frame is a letter, the length of what follows as four bytes, and that: ``M`` a JSON message, ``D`` bytes of the table.
The messages: ``{"media_type", "encoding"}`` before the first byte; ``{"done": true}`` or ``{"failed": …}`` at the end.
"""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, NotRequired, TypedDict

HEAD = struct.Struct(">cI")
MESSAGE, DATA = b"M", b"D"
LARGEST_FRAME = 16 * 2**20


class FetchJob(TypedDict):
    """What a fetching process is told, on one line of its standard input; the secret is nowhere else.

    ``asked`` is None where it is only to be seen that the place can be spoken with.
    """

    target: Mapping[str, Any]
    asked: Mapping[str, Any] | None
    secret: str | None
    hosts: list[str]
    files: str | None
    seconds: float
    mebibytes: int
    table_bytes: int
    certificates: NotRequired[str | None]


class Sender:
    """The fetching process' side. Written to as a file, it sends the table's bytes."""

    closed = False

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def tell(self, **message: object) -> None:
        self._frame(MESSAGE, json.dumps(message).encode())

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, len(view), LARGEST_FRAME):
            self._frame(DATA, view[start : start + LARGEST_FRAME])
        return len(view)

    def flush(self) -> None:
        self._pipe.flush()

    def _frame(self, letter: bytes, content: bytes | memoryview) -> None:
        self._pipe.write(HEAD.pack(letter, len(content)))
        self._pipe.write(content)
        self._pipe.flush()
