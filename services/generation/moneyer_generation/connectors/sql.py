"""The one statement that a pull sends to a database."""

import re
from collections.abc import Mapping
from typing import Any

from moneyer_generation.connectors.faults import query_refused

QUOTES = ('"', '"')


def quoted(name: str, quotes: tuple[str, str] = QUOTES) -> str:
    """A name as SQL takes it literally, between an engine's own quotes."""
    opening, closing = quotes
    return opening + name.replace(closing, closing * 2) + closing


def statement_of(asked: Mapping[str, Any], quotes: tuple[str, str] = QUOTES) -> str:
    """A SELECT from what was asked: a query stands in brackets, where nothing but a query may stand."""
    if asked.get("table") is not None:
        parts = (quoted(part, quotes) for part in asked["table"].split("."))
        return f"SELECT * FROM {'.'.join(parts)}"  # noqa: S608 - quoted above
    query = str(asked["query"]).strip().removesuffix(";")
    # A line of its own: the query may end in a comment.
    return f"SELECT * FROM (\n{query}\n) AS pulled"  # noqa: S608 - one statement in a read-only transaction


QUOTED = r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | /\*.*?\*/"""
OTHER_READINGS = ("\\", "$$", "'''", '"""', "/*!", "/*M!")
"""What one engine or mode reads otherwise than another: escapes, other quotes, comments that are carried out."""


def check_stays_in_brackets(query: str, comments: tuple[str, ...]) -> None:
    """That a query closes no bracket it did not open, and so stands in those of ``statement_of`` as a whole.

    For databases that would else take what follows as more: another statement, INTO a file. ``comments`` are patterns
    of what begins a comment to the end of its line.

    Raises:
        Fault: it does, or it holds what is not read in one way alone.
    """
    found = [words for words in OTHER_READINGS if words in query]
    if found:
        raise query_refused(f"The query holds {' and '.join(found)}, which is read in more than one way: do without.")
    apart = "|".join([QUOTED, *(f"(?:{begin})[^\n]*" for begin in comments)])
    if not _closes(re.sub(apart, " ", query, flags=re.DOTALL | re.VERBOSE)):
        raise query_refused("The query's brackets, quotes or comments do not close.")


def _closes(words: str) -> bool:
    depth = 0
    for one in words:
        depth += (one == "(") - (one == ")")
        if depth < 0 or one in QUOTES_OF_ANY:
            return False
    return depth == 0


QUOTES_OF_ANY = "'\"`"
