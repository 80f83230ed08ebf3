"""Bytes that must wait: on disk, under a key that exists in this process alone, and gone with it.

Uploads and downloads are too large for memory and must touch no disk in clear. Frames of plain bytes are sealed with
AES-256-GCM as they fill; a frame is written once, so its number is a nonce that never comes twice under the key.
"""

import errno
import hashlib
import io
import os
import tempfile
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moneyer_shared.errors import Unavailable

FRAME_BYTES = 2**20
TAG_BYTES = 16


class Spool:
    """Written from front to end, then read as often as wanted, from anywhere in it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the spool
        self._cipher = AESGCM(AESGCM.generate_key(256))
        self._tail = bytearray()
        self._frames = 0
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of all that was written, in hexadecimal digits."""
        return self._digest.hexdigest()

    def __len__(self) -> int:
        return self._frames * FRAME_BYTES + len(self._tail)

    def write(self, data: Any) -> int:
        """Append.

        Raises:
            Unavailable: the disk is full.
        """
        view = memoryview(data).cast("B")
        self._digest.update(view)
        for start in range(0, len(view), FRAME_BYTES):
            self._tail += view[start : start + FRAME_BYTES]
            if len(self._tail) >= FRAME_BYTES:
                self._seal(bytes(self._tail[:FRAME_BYTES]))
                del self._tail[:FRAME_BYTES]
        return len(view)

    def read_at(self, start: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``start``, all from one frame; empty at the end."""
        frame, offset = divmod(start, FRAME_BYTES)
        return self._frame(frame)[offset : offset + size]

    def reader(self) -> io.BufferedReader:
        """A file object over what was written so far; any number may read at once."""
        return io.BufferedReader(_Reading(self), FRAME_BYTES)

    def writer(self) -> io.RawIOBase:
        """A file object that appends; closing it closes nothing else."""
        return _Writing(self)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        # Several may read one, and whoever is last does not know it. It may never have got its file.
        if "_file" in self.__dict__:
            self.close()

    def _seal(self, plain: bytes) -> None:
        sealed = self._cipher.encrypt(self._nonce(self._frames), plain, None)
        try:
            done = os.pwrite(self._file.fileno(), sealed, self._frames * (FRAME_BYTES + TAG_BYTES))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            done = 0
        if done != len(sealed):
            raise Unavailable("There is no room on disk to take this now; nothing of it was kept.")
        self._frames += 1

    def _frame(self, number: int) -> bytes:
        if number >= self._frames:
            return bytes(self._tail) if number == self._frames else b""
        place = number * (FRAME_BYTES + TAG_BYTES)
        sealed = os.pread(self._file.fileno(), FRAME_BYTES + TAG_BYTES, place)
        return self._cipher.decrypt(self._nonce(number), sealed, None)

    @staticmethod
    def _nonce(number: int) -> bytes:
        return number.to_bytes(12, "big")


class _Reading(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._spool)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        got = self._spool.read_at(self._at, len(buffer))
        buffer[: len(got)] = got
        self._at += len(got)
        return len(got)


class _Writing(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._spool.write(data)

    def tell(self) -> int:
        return len(self._spool)
