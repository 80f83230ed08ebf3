"""A delivery as a state machine, what to do when a worker finds one half-way, and what a place can hold at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

DeliveryState = Literal["waiting", "delivering", "done", "failed", "refused", "cancelled"]
Step = Literal["rest", "look", "fail", "cancel", "give-up", "deliver"]
ENDS = frozenset({"done", "failed", "refused", "cancelled"})
MOST_ATTEMPTS = 3
"""A table that took its worker with it so often takes no other."""
LONGEST_UNSURE = timedelta(days=1)
"""How long a place that does not answer is asked whether an attempt came to lie there."""


@dataclass(frozen=True)
class DeliveryProgress:
    """What is known of a delivery when a worker takes it up.

    Attributes:
        begun_at: when an attempt began of which nobody knows yet what it left; None where none did.
        has_failed: that an attempt failed, and why is known.
        attempt: how many were begun.
    """

    state: DeliveryState
    begun_at: datetime | None
    has_failed: bool
    cancel_requested: bool
    attempt: int


def next_step(delivery: DeliveryProgress) -> Step:
    """The one thing to do now. What an attempt left is looked for first, whatever comes of the delivery then."""
    if delivery.state in ENDS:
        return "rest"
    if delivery.begun_at is not None:
        return "look"
    if delivery.has_failed:
        return "fail"
    if delivery.cancel_requested:
        return "cancel"
    return "give-up" if delivery.attempt >= MOST_ATTEMPTS else "deliver"


# --- tables of PostgreSQL ----------------------------------------------------------------------------

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL as it is built by everybody; what is longer it cuts off, and says so to nobody."""
OF_THE_SYSTEM = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"})
"""Columns that every table has there already."""


def table_name(said: str) -> tuple[str | None, str]:
    """(schema, or None for the user's own; name) of ``name`` or ``schema.name``, each part taken literally.

    Raises:
        ValueError: it has more parts, an empty one, or one that would be cut off.
    """
    parts = said.split(".")
    if len(parts) > 2 or not all(0 < len(part.encode()) <= LONGEST_NAME for part in parts):  # noqa: PLR2004 - schema, name
        message = f"a table is named NAME or SCHEMA.NAME, each of at most {LONGEST_NAME} bytes"
        raise ValueError(message)
    return (parts[0], parts[1]) if len(parts) > 1 else (None, parts[0])


def unfit_columns(names: Sequence[str]) -> list[str]:
    """The columns that no table of PostgreSQL can have under their names."""
    return [name for name in names if name in OF_THE_SYSTEM or len(name.encode()) > LONGEST_NAME]
