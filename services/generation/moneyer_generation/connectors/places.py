"""Where files are delivered to: a bucket or container, reached through the door alone, and the operator's folder."""

import errno
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import Any

from moneyer_generation.connectors.door import Door
from moneyer_generation.connectors.faults import Fault, not_allowed, not_found
from moneyer_generation.connectors.folders import folder_below, place_below
from moneyer_generation.connectors.reach import Reach
from moneyer_generation.connectors.stores import door_to, open_store, store_fault
from moneyer_generation.connectors.wire import FetchJob
from moneyer_generation.connectors.writing import Committing, unsure
from moneyer_generation.connectors.writing_files import PIECE, Place

SHARE = 4
"""A put is held in memory as a whole; the process may take so many times as much."""
CERTAIN = {"credentials-refused", "not-allowed", "not-found"}
"""What a store refuses at once, and so did not keep."""


@contextmanager
def bucket(job: FetchJob, reach: Reach) -> Generator[Place]:
    """A bucket or container.

    Raises:
        Fault: it may not be reached, or the table is longer than one put.
    """
    largest = job["mebibytes"] * 2**20 // SHARE
    if (job["asked"] or {})["bytes"] > largest:
        raise Fault(
            "too-large",
            f"An object is put whole, so that it is there once and whole or not at all: {largest} bytes at most (a "
            "quarter of PULL_MEBIBYTES). Ask for Parquet, or raise the limit.",
        )
    door = door_to(job["target"], reach)
    yield _Bucket(open_store(job["target"], job["secret"], door), door)


class _Bucket:
    def __init__(self, store: Any, door: Door) -> None:
        self._store = store
        self._door = door

    def pieces(self, path: str, most: int) -> Iterator[bytes] | None:
        import obstore

        try:
            found = obstore.get(self._store, path)
            return self._read(found) if found.meta["size"] <= most else iter(())
        except FileNotFoundError:
            return None
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise self._fault(error) from None

    def _read(self, found: Any) -> Iterator[bytes]:
        import obstore

        try:
            for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            raise self._fault(error) from None

    def create(self, path: str, pieces: Iterable[bytes], committing: Committing) -> bool:
        import obstore

        content = b"".join(pieces)
        committing()
        try:
            obstore.put(self._store, path, content, mode="create", use_multipart=False)
        except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
            return False
        except (obstore.exceptions.BaseError, OSError, ValueError) as error:
            fault = self._fault(error)
            fault = not_found("bucket or container") if fault.code == "not-found" else fault
            raise (fault if fault.code in CERTAIN else unsure(fault)) from None
        return True

    def remove(self, path: str) -> bool:
        import obstore

        try:
            obstore.delete(self._store, path)
        except (obstore.exceptions.BaseError, OSError, ValueError):
            return False
        return True

    def clear(self) -> None:
        """A put is whole or not at all."""

    def _fault(self, error: Exception) -> Fault:
        return self._door.refused or store_fault(error)


# --- the operator's folder ----------------------------------------------------------------------------------------

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
MODE = 0o640
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
NOT_LET = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def folder(job: FetchJob) -> Generator[Place]:
    """The folder that the file is to lie in, no part of whose path is a link.

    Raises:
        Fault: there is none.
    """
    asked = job["asked"] or {}
    above = str(PurePosixPath(asked["path"]).parent)
    place = place_below(job["files"], job["target"]["path"], None if above == "." else above)
    with folder_below(job["files"], place) as at:
        yield _Folder(at, f".{asked['delivery']}.part")


class _Folder:
    """Files are written beside their place and linked to it: a link is made whole, and only where nothing is."""

    def __init__(self, at: int, part: str) -> None:
        self._at = at
        self._part = part

    def pieces(self, path: str, most: int) -> Iterator[bytes] | None:
        try:
            found = os.open(_name(path), OLD, dir_fd=self._at)
        except FileNotFoundError:
            return None
        except OSError:
            raise _odd() from None
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise _odd()
        return _read(found, most)

    def create(self, path: str, pieces: Iterable[bytes], committing: Committing) -> bool:
        try:
            self._write(pieces)
            committing()
            os.link(self._part, _name(path), src_dir_fd=self._at, dst_dir_fd=self._at, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError as error:
            raise _fault(error) from None
        finally:
            self.clear()
        self._keep()
        return True

    def _keep(self) -> None:
        """The name is on the disk from here on."""
        try:
            os.fsync(self._at)
        except OSError as error:
            raise unsure(_fault(error)) from None

    def _write(self, pieces: Iterable[bytes]) -> None:
        with os.fdopen(os.open(self._part, NEW, MODE, dir_fd=self._at), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

    def remove(self, path: str) -> bool:
        try:
            os.unlink(_name(path), dir_fd=self._at)
        except OSError:
            return False
        return True

    def clear(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._part, dir_fd=self._at)


def _odd() -> Fault:
    return not_allowed("A link lies there, or something that is no plain file.")


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _read(found: int, most: int) -> Iterator[bytes]:
    with os.fdopen(found, "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size <= most:
            while piece := file.read(PIECE):
                yield piece


def _fault(error: OSError) -> Fault:
    if error.errno in NO_ROOM:
        return Fault("no-room", "There is no room left in that folder.")
    if error.errno in NOT_LET:
        return Fault(
            "not-permitted", "The worker may not write in that folder, or its file system knows no hard links."
        )
    return Fault(
        "write-failed", f"The folder did not take the file ({errno.errorcode.get(error.errno or 0, 'unknown')})."
    )
