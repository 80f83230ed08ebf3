"""Looks at real rows: how many a charter has, and which tables answer questions about a few people.

An assay holds a table against the people it was made from, and its verdict tells something of them whatever the figures
are rounded to. Sampling a private model costs no ε, so what bounds that is the number of tables that are looked at.
"""

from collections.abc import Mapping
from typing import Any, Literal

DEFAULT_LOOKS = 20
"""Looks at each of a charter's sources where the charter does not say."""
SMALLEST_TABLE = 100
"""In a table of fewer rows a row is more than a percent of it: its figures ask about rows, not about a population."""
Precision = Literal["rounded", "withheld"]


def precision_of(plan: Mapping[str, Any]) -> Precision:
    """How the figures of a plan's table are told to whoever holds no right to read them raw.

    Whoever chose what a table holds knows its side of every distance to the real rows, so the figure counts them; of
    such a table, and of one with too few rows, the verdict is told and no figure.
    """
    return "withheld" if plan.get("shape") is not None or int(plan["rows"]) < SMALLEST_TABLE else "rounded"
