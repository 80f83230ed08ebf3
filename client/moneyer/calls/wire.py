"""Every call as a value: where it goes, what it carries, and what its answer is read as.

One description serves the synchronous and the asynchronous client, typed in both.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx

Answer = TypeVar("Answer")
Json = dict[str, Any]
Id = UUID | str
Query = dict[str, str | int | list[str]]
PIECE = 2**20


@dataclass(frozen=True)
class Streamed:
    """A file that is sent as it is read; ``told`` hears of every piece how many bytes went."""

    file: Path
    told: Callable[[int], None] | None = None
    seconds: float = 3600.0
    """How long the answer may take: a table is checked and sealed before it is answered."""

    def pieces(self) -> Iterator[bytes]:
        with self.file.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece
                if self.told is not None:
                    self.told(len(piece))

    async def pieces_async(self) -> AsyncIterator[bytes]:
        for piece in self.pieces():
            yield piece


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request and how to read its answer."""

    service: Literal["policy", "generation", "evaluation", "lineage"]
    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    json: Any = None
    content: bytes | Streamed | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str | int | list[str]] = field(default_factory=Query)


def as_json(answer: httpx.Response) -> Any:
    return answer.json()


def as_text(answer: httpx.Response) -> str:
    return answer.text


def as_bytes(answer: httpx.Response) -> bytes:
    return answer.content


def as_nothing(answer: httpx.Response) -> None:  # noqa: ARG001 - a reader takes the answer
    return None


def stated(**given: str | int | Id | list[str] | None) -> Query:
    """The parameters that are not left out."""
    kept = {name: value for name, value in given.items() if value is not None}
    return {name: value if isinstance(value, int | list) else str(value) for name, value in kept.items()}


def once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key} if key else {}


@dataclass(frozen=True)
class Listed(Generic[Answer]):
    """A page of a list; ``after`` is what the next page begins after, if there is one."""

    rows: Answer
    after: str | None


def paged(call: Call[Answer]) -> Call[Listed[Answer]]:
    """The same call, answered with where the list goes on (RFC 8288)."""

    def read(answer: httpx.Response) -> Listed[Answer]:
        told = parse_qs(urlsplit(answer.links.get("next", {}).get("url", "")).query)
        return Listed(call.read(answer), told.get("after", [None])[0])

    sent = (call.json, call.content, call.headers, call.query)
    return Call(call.service, call.method, call.path, read, *sent)
