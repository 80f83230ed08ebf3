"""JSON read in one way, and every value in it by its place."""

import json
from collections.abc import Iterator
from typing import Any

from moneyer.audit import NotProven

Place = tuple[str | int, ...]
"""A member's name, then keys and positions."""
DEEPEST = 60


def read_strictly(name: str, content: bytes) -> Any:
    """A member's document.

    Raises:
        NotProven: it is no JSON, or another tool may read it otherwise: a key stands twice, a number is none of JSON's,
            or it is not laid out as bundles are.
    """
    try:
        text = content.decode()
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        if _depth(document) > DEEPEST or written(document) != content:
            raise NotProven(f"{name} is not written as bundles are: it could be read in two ways")
    except (ValueError, RecursionError) as error:
        raise NotProven(f"{name} is no JSON that has one reading") from error
    return document


def read_line(text: str) -> Any:
    """A document that stands in one line, as entries of the log and proofs do.

    Raises:
        NotProven: it is no JSON, or has more than one reading.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError, TypeError) as error:
        raise NotProven("it is no JSON that has one reading") from error


def written(document: Any) -> bytes:
    """A document as it stands in a bundle."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def same(one: Any, other: Any) -> bool:
    """Whether two documents are one: to Python ``True`` is ``1``, to whoever reads them it is not."""
    return written(one) == written(other)


def places(start: Place, value: Any) -> Iterator[Place]:
    """Where every value stands that holds no other; an empty list or object is one."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from places((*start, key), entry)
    elif isinstance(value, list) and value:
        for number, entry in enumerate(value):
            yield from places((*start, number), entry)
    else:
        yield start


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return made


def _refuse(constant: str) -> Any:
    message = f"{constant} is no number of JSON's"
    raise ValueError(message)


def _depth(value: Any) -> int:
    level, deep = [value], 0
    while level:
        deep += 1
        inner = [list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [entry for entries in inner for entry in entries]
    return deep
