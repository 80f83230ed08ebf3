"""A document as a list of what it says, in the order it says it; nested parts are indented, ids can be copied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moneyer_console.views.words import is_id, plainly


@dataclass(frozen=True)
class Fact:
    """A name and what is said under it: a text, an id, or a list of lines."""

    name: str
    text: str = ""
    id: str | None = None
    moment: str | None = None
    lines: tuple[str, ...] = ()


def facts_of(document: Mapping[str, Any]) -> list[Fact]:
    return [_fact(plainly(name), value) for name, value in document.items()]


def _fact(name: str, value: object) -> Fact:
    if isinstance(value, str) and (is_id(value) or value.startswith("sha256:")):
        return Fact(name, id=value)
    if isinstance(value, str) and name.endswith((" at", "until")) and "T" in value:
        return Fact(name, moment=value)
    if isinstance(value, Mapping | list):
        return Fact(name, lines=tuple(lines_of(value))) if value else Fact(name, "none")
    return Fact(name, in_words(value))


def lines_of(value: object, path: str = "") -> list[str]:
    """Each leaf of a document on a line of its own, with the way to it."""
    if isinstance(value, Mapping) and value:
        below = f"{path} › " if path else ""
        return [line for name, part in value.items() for line in lines_of(part, f"{below}{name}")]
    if isinstance(value, list):
        if all(not isinstance(part, Mapping | list) for part in value):
            return [_line(path, ", ".join(map(in_words, value)) or "none")]
        return [line for number, part in enumerate(value, 1) for line in lines_of(part, f"{path} {number}".strip())]
    return [_line(path, "none" if isinstance(value, Mapping) else in_words(value))]


def _line(path: str, text: str) -> str:
    return f"{plainly(path)}: {text}" if path else text


def in_words(value: object) -> str:
    match value:
        case None:
            return "not said"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
