"""What every way of delivering has in common: what can go wrong beside reading, and what a place is held to."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moneyer_generation.connectors.faults import Fault, Reasons

Committing = Callable[[], None]
"""Called right before the one act that makes the table be there."""


class Unsure(Fault):
    """It broke off where nobody knows whether the table came to lie there."""


def unsure(fault: Fault) -> Unsure:
    return Unsure(fault.code, fault.detail, fault.reasons)


def place_taken(what: str, reasons: Reasons = ()) -> Fault:
    detail = f"{what} Nothing is written over: deliver to another place, or remove what is there first."
    return Fault("place-taken", detail, reasons)


def not_as_recorded(detail: str) -> Fault:
    return Fault("not-as-recorded", f"{detail} Nothing of it was kept there.")


def checked(pieces: Iterable[bytes], asked: Mapping[str, Any]) -> Iterator[bytes]:
    """The pieces, as long as they are what the record states.

    Raises:
        Fault: at their end: they are not.
    """
    found, size = hashlib.sha256(), 0
    for piece in pieces:
        found.update(piece)
        size += len(piece)
        yield piece
    if found.hexdigest() != asked["sha256"] or size != asked["bytes"]:
        raise not_as_recorded("What came was not what the record states, or broke off.")
