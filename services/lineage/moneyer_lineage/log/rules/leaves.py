"""Entries of the log, and the tiles they are bundled in (C2SP tlog-tiles)."""

import re
from dataclasses import dataclass
from uuid import UUID

from moneyer_shared.errors import Forbidden, NotFound

TILE = 256
"""Hashes or entries in a whole tile, and leaves under a hash of one level of tiles more."""
LEVELS_A_TILE = 8
"""Levels of the tree that one level of tiles spans: 2^8 = 256."""
HIGHEST_LEVEL = 7
LONGEST_LEAF = 2**16 - 1
"""Bytes: tiles give an entry's length in two of them, and a longer entry would spoil its tile for good."""
TILE_PATH = re.compile(r"((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True)
class Leaf:
    """An audit event as the log keeps it: canonical JSON."""

    event_id: UUID
    subject: str
    content: bytes


def tile_of(path: str) -> tuple[int, int]:
    """A tile's number and width from its path: ``x001/x234/067`` is number 1,234,067; ``.p/<width>`` a partial one.

    Raises:
        NotFound: it is no tile's path.
    """
    found = TILE_PATH.fullmatch(path)
    width = int(found[2] or TILE) if found else 0
    if found is None or width > TILE:
        raise NotFound("A tile's path is x001/x234/067, or 067.p/<1 to 255> for one that is not whole.")
    return int(found[1].replace("x", "").replace("/", "")), width


def check_speaker(service: str, speaker: str | None) -> None:
    """See that a service speaks in its own name.

    Raises:
        Forbidden: it says that another service did something.
    """
    if service != speaker:
        raise Forbidden(f"Only {service} says what {service} did.", code="not-yours")
