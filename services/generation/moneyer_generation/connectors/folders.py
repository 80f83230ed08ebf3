"""Files below the operator's folder: opened part by part, so that no symbolic link leads out of it."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from moneyer_generation.connectors.faults import not_allowed, not_found

NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def place_below(root: str | None, *paths: str | None) -> Path:
    """The place that parts name below the operator's folder.

    Raises:
        Fault: there is no such folder, or the place would lie outside.
    """
    if root is None:
        raise not_allowed("No folder of files is open to connections: the operator names one in CONNECTOR_FILES.")
    folder = Path(root).resolve()
    parts = [part for path in paths if path is not None for part in path.split("/")]
    if any(part in {"", ".", ".."} for part in parts):
        raise not_allowed("A path has no empty part, no . and no .. in it.")
    return folder.joinpath(*parts)


@contextmanager
def opened_below(root: str | None, place: Path) -> Generator[int]:
    """A file descriptor of a plain file, no part of whose path below the folder is a link.

    Raises:
        Fault: there is none, or a link or something else than a file lies there.
    """
    with _descended(root, place) as at:
        if not stat.S_ISREG(os.fstat(at).st_mode):
            raise not_allowed("That is no plain file.")
        yield at


@contextmanager
def folder_below(root: str | None, place: Path) -> Generator[int]:
    """The same of a folder.

    Raises:
        Fault: there is none, or a link or something else than a folder lies there.
    """
    with _descended(root, place) as at:
        if not stat.S_ISDIR(os.fstat(at).st_mode):
            raise not_found("folder")
        yield at


@contextmanager
def _descended(root: str | None, place: Path) -> Generator[int]:
    folder = place_below(root)
    at = os.open(folder, NO_LINK | os.O_DIRECTORY)
    try:
        for part in place.relative_to(folder).parts:
            at = _opened(at, part)
        yield at
    finally:
        os.close(at)


def _opened(at: int, part: str) -> int:
    try:
        found = os.open(part, NO_LINK, dir_fd=at)
    except (FileNotFoundError, NotADirectoryError):
        raise not_found("file") from None
    except OSError:
        raise not_allowed("A link leads there; files are read only where they lie, below CONNECTOR_FILES.") from None
    os.close(at)
    return found


def check_same(place: Path, opened: int) -> None:
    """That what a library opened by its path is what was checked.

    Raises:
        Fault: it was exchanged meanwhile.
    """
    now, then = place.lstat(), os.fstat(opened)
    if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino):
        raise not_allowed("The file was exchanged while it was opened.")
