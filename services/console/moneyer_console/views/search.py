"""What a search found, by kind."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """A thing that was found: what it is, what it is called, and where it is shown."""

    kind: str
    title: str
    id: str
    to: str | None
    note: str = ""


@dataclass(frozen=True)
class Results:
    words: str
    hits: Sequence[Hit]
    absent: Sequence[str]
