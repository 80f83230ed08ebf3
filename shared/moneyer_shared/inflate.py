"""Compressed bodies, read whole or refused: all members of a gzip file count (RFC 1952 §2.2), and nothing follows."""

import zlib
from collections.abc import Iterator
from typing import Any

from moneyer_shared.errors import Invalid, TooLarge

PIECE = 2**20
AT_ONCE = 2**14
"""Bytes given to zlib at once: at the end of each member it copies what it was given beyond that."""
MOST_MEMBERS = 100_000


class Inflate:
    """Takes a gzip file as it comes and gives what it holds, never more than a piece at a time.

    A second member without end of the first, a wrong or missing checksum, and whatever is no member are refused.
    """

    def __init__(self) -> None:
        # zlib has no public name for the type of what decompresses.
        self._member: Any = None
        self._members = 0

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk decodes to.

        Raises:
            Invalid: it is no gzip.
        """
        for start in range(0, len(chunk), AT_ONCE):
            yield from self._decoded(chunk[start : start + AT_ONCE])

    def _decoded(self, rest: bytes) -> Iterator[bytes]:
        while rest:
            if self._member is None:
                self._member = self._next_member()
            try:
                piece = self._member.decompress(rest, PIECE)
            except zlib.error as error:
                raise Invalid("The gzip body is broken.", code="gzip-unreadable") from error
            rest = self._member.unconsumed_tail
            if self._member.eof:
                rest, self._member = self._member.unused_data, None
            if piece:
                yield piece

    def _next_member(self) -> Any:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise Invalid("The gzip body has too many members.", code="gzip-unreadable")
        return zlib.decompressobj(wbits=31)

    def finish(self) -> None:
        """See that the last member ended.

        Raises:
            Invalid: it did not, or there was none.
        """
        if self._member is not None or not self._members:
            raise Invalid("The gzip body is cut short.", code="gzip-unreadable")


def unzip(body: bytes, *, most: int) -> bytes:
    """A whole gzip body decoded.

    Raises:
        TooLarge: it decodes to more bytes than ``most``.
        Invalid: it is no gzip, or not all of it is.
    """
    inflate, decoded = Inflate(), bytearray()
    for piece in inflate.pieces(body):
        decoded += piece
        if len(decoded) > most:
            raise TooLarge(f"The body may hold {most} bytes once decompressed.")
    inflate.finish()
    return bytes(decoded)
