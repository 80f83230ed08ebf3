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


PIECES = r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | /\*.*?\*/"""
OTHER_READINGS = ("\\", "$$", "'''", '"""', "/*!", "/*M!")
"""What one engine or mode reads otherwise than another: escapes, other quotes, comments that are carried out."""


def check_stays_in_brackets(query: str, comments: tuple[str, ...], *, square: bool = False) -> None:
    """That a query closes no bracket it did not open, and so stands in those of ``statement_of`` as a whole.

    For databases that would else take what follows as more: another statement, INTO a file or table. ``comments`` are
    patterns of what begins a comment to the end of its line; ``square`` says that ``[…]`` quotes a name.

    Raises:
        Fault: it does, or it holds what is not read in one way alone.
    """
    found = [words for words in OTHER_READINGS if words in query]
    if found:
        raise query_refused(f"The query holds {' and '.join(found)}, which has more than one reading: write it without.")
    apart = "|".join([PIECES, *(["\\[[^\\]]*\\]"] if square else []), *(f"(?:{begin})[^\n]*" for begin in comments)])
    depth = 0
    for one in re.sub(apart, " ", query, flags=re.DOTALL | re.VERBOSE):
        depth += (one == "(") - (one == ")")
        if depth < 0 or one in "'\"`" or (square and one == "["):
            break
    else:
        if depth == 0:
            return
    raise query_refused("The query's brackets, quotes or comments do not close.")
