"""A file in an object store or a folder: put there whole and only where nothing is, with what it is beside it.

Beside ``PATH`` stand ``PATH.moneyer.json``, which says what the file is and of which delivery, and ``PATH.odcs.json``,
its schema. The first is put first and claims the place among deliveries; the table is put last.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol

from moneyer_generation.connectors.faults import Fault
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.connectors.writing import Committing, Unsure, checked, place_taken, unsure
from moneyer_generation.documents.deliveries import ABOUT, SCHEMA

PIECE = 2**20
LARGEST_BESIDE = 8 * 2**20
"""What stands beside a file is smaller; something larger is somebody else's."""


class Place(Protocol):
    """An object store or a folder, by paths in it."""

    def pieces(self, path: str, most: int) -> Iterator[bytes] | None:
        """What lies there, nothing where that is longer than ``most``; None where nothing lies there."""
        ...

    def create(self, path: str, pieces: Iterable[bytes], committing: Committing) -> bool:
        """Put it there whole; False where something is there. Raises ``Unsure`` where nobody knows."""
        ...

    def remove(self, path: str) -> bool:
        """Take away what lies there; False where the place does not allow it."""
        ...

    def clear(self) -> None:
        """Take away what an attempt that was lost left half-written."""
        ...


def deliver(job: FetchJob, reach: Reach, table: IO[bytes], committing: Committing) -> None:
    """Put the table there with what it is beside it, or leave everything as it was.

    Raises:
        Fault: it was refused, or the place is taken; nothing of it lies there.
        Unsure: it broke off where nobody knows.
    """
    with _opened(job, reach) as place:
        place.clear()
        put(place, job["asked"] or {}, iter(lambda: table.read(PIECE), b""), committing)


def look(job: FetchJob, reach: Reach) -> tuple[bool, list[str]]:
    """(whether the table lies there, what of an attempt's could not be taken away where it does not).

    Raises:
        Fault: nobody answers, or lets this be seen.
    """
    asked = job["asked"] or {}
    with _opened(job, reach) as place:
        place.clear()
        if lies(place, asked):
            return True, []
        return False, tidy(place, asked)


def _opened(job: FetchJob, reach: Reach) -> AbstractContextManager[Place]:
    from moneyer_generation.connectors import places

    return places.folder(job) if job["target"]["kind"] == "files" else places.bucket(job, reach)


# --- what is put where -----------------------------------------------------------------------------------------


def put(place: Place, asked: Mapping[str, Any], table: Iterable[bytes], committing: Committing) -> None:
    """The table and what stands beside it, each only where nothing is.

    Raises:
        Fault: the place is taken by something else.
    """
    path, there = asked["path"], lies(place, asked)
    if there:
        for name, content in _beside(asked):
            place.create(name, [content], _nothing)
        return
    if there is not None:
        raise place_taken("Another object lies there.", [{"code": "place-taken", "path": path}])
    _claim(place, asked)
    try:
        _describe(place, asked)
        if not place.create(path, checked(table, asked), committing) and not lies(place, asked):
            raise place_taken("Another object was put there meanwhile.", [{"code": "place-taken", "path": path}])
    except Unsure:
        raise
    except Fault as fault:
        if _is_left(place, asked):
            raise unsure(fault) from None
        raise


def _nothing() -> None:
    """What stands beside a table does not make it be there."""


def _beside(asked: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    return [
        (asked["path"] + ABOUT, asked["about"].encode()),
        (asked["path"] + SCHEMA, asked["schema"].encode()),
    ]


def _claim(place: Place, asked: Mapping[str, Any]) -> None:
    """Say what will lie there, as the first of all deliveries to.

    Raises:
        Fault: another delivery said so before, or something else lies there.
    """
    (about, content), _ = _beside(asked)
    if not place.create(about, [content], _nothing) and not _own(place, asked):
        detail = "Another delivery goes there, or went there once."
        raise place_taken(detail, [{"code": "place-taken", "path": about}])


def _describe(place: Place, asked: Mapping[str, Any]) -> None:
    _, (schema, described) = _beside(asked)
    if not place.create(schema, [described], _nothing) and not _is_of(place, schema, (_own(place, asked) or {})):
        raise place_taken("Another schema lies there.", [{"code": "place-taken", "path": schema}])


def lies(place: Place, asked: Mapping[str, Any]) -> bool | None:
    """Whether the table lies there, byte for byte; False where something else does, None where nothing does."""
    pieces = place.pieces(asked["path"], asked["bytes"])
    if pieces is None:
        return None
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return bool(found.hexdigest() == asked["sha256"])


def _is_left(place: Place, asked: Mapping[str, Any]) -> bool:
    try:
        return bool(tidy(place, asked))
    except Fault:
        return True


def tidy(place: Place, asked: Mapping[str, Any]) -> list[str]:
    """Take away what this delivery put beside a table that did not come; what could not be."""
    about, schema = (name for name, _ in _beside(asked))
    own = _own(place, asked)
    if own is None:
        return []
    left = [] if not _is_of(place, schema, own) or place.remove(schema) else [schema]
    return left if place.remove(about) else [*left, about]


def _own(place: Place, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What this delivery said of the place before."""
    content = _content(place, asked["path"] + ABOUT)
    try:
        said = json.loads(content or b"null")
    except ValueError:
        return None
    return said if isinstance(said, dict) and said.get("delivery") == asked["delivery"] else None


def _is_of(place: Place, schema: str, own: Mapping[str, Any]) -> bool:
    """Whether the schema that lies there is the one that was said."""
    content, said = _content(place, schema), own.get("schema")
    return content is not None and isinstance(said, dict) and said.get("sha256") == hashlib.sha256(content).hexdigest()


def _content(place: Place, path: str) -> bytes | None:
    pieces = place.pieces(path, LARGEST_BESIDE)
    return b"".join(pieces) if pieces is not None else None
