"""The one statement that a pull sends to a database."""

from collections.abc import Mapping
from typing import Any


def quoted(name: str) -> str:
    """A name as SQL takes it literally."""
    return '"' + name.replace('"', '""') + '"'


def statement_of(asked: Mapping[str, Any]) -> str:
    """A SELECT from what was asked: a query stands in brackets, where nothing but a query may stand."""
    if asked.get("table") is not None:
        return f"SELECT * FROM {'.'.join(map(quoted, asked['table'].split('.')))}"  # noqa: S608 - quoted above
    query = str(asked["query"]).strip().removesuffix(";")
    # A line of its own: the query may end in a comment.
    return f"SELECT * FROM (\n{query}\n) AS pulled"  # noqa: S608 - one statement in a read-only transaction
