"""Thrift's compact protocol (thrift-compact-protocol.md), as far as the metadata of Parquet files need it.

Whoever reads that metadata with a library lets the file say how much memory and stack the library takes. Here nothing
is kept but what was asked for, and no more of it than was asked for.
"""

from collections.abc import Mapping
from typing import Any

WHOLE, TEXT, TRUTH = "whole", "text", "truth"
Shape = Mapping[int, Any]
"""Which fields of a struct are wanted, by number: ``WHOLE`` …, the shape of a struct, or a list of one of these."""
DEEPEST = 32
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 11, 12
_WHOLE = {4: 16, 5: 32, 6: 64}
"""Types of whole numbers, and their bits."""
_LONG_LIST = 15


class Unreadable(Exception):
    """The bytes are no such struct."""


class CutShort(Unreadable):
    """The bytes end before the struct does."""


class Metadata:
    """Structs in bytes; ``at`` is where the next one begins.

    ``most_parts`` bounds how many members of lists are kept.
    """

    def __init__(self, data: bytes, most_parts: int) -> None:
        self._data = data
        self._parts = most_parts
        self.at = 0

    def struct(self, shape: Shape, depth: int = 0) -> dict[int, Any]:
        """The wanted fields that are there.

        Raises:
            CutShort: the bytes end within it.
            Unreadable: it is none, or a wanted field is of another type, or stands there twice.
        """
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            kind, step = head & 15, head >> 4
            number = number + step if step else self._whole(16)
            if number not in shape:
                self._skip(kind, depth + 1)
                continue
            if number in found:
                raise Unreadable
            found[number] = self._value(kind, shape[number], depth + 1)
        return found

    def _value(self, kind: int, wanted: Any, depth: int) -> Any:
        if kind in {_TRUE, _FALSE} and wanted is TRUTH:
            return kind == _TRUE
        if kind in _WHOLE and wanted is WHOLE:
            return self._whole(_WHOLE[kind])
        if kind == _BINARY and wanted is TEXT:
            return self._bytes()
        if kind == _STRUCT and isinstance(wanted, Mapping):
            return self.struct(wanted, depth)
        if kind == _LIST and isinstance(wanted, list):
            return self._list(wanted[0], depth)
        raise Unreadable

    def _list(self, wanted: Any, depth: int) -> list[Any]:
        count, kind = self._list_head()
        self._parts -= count
        if self._parts < 0:
            raise Unreadable
        return [self._value(kind, wanted, depth) for _ in range(count)]

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        return self._natural() if count == _LONG_LIST else count, head & 15

    def _skip(self, kind: int, depth: int) -> None:
        if depth > DEEPEST:
            raise Unreadable
        if kind in {_TRUE, _FALSE}:
            return
        if kind in _WHOLE:
            self._natural()
        elif kind == _BINARY:
            self._bytes()
        elif kind == _STRUCT:
            self.struct({}, depth)
        elif kind in {_LIST, _SET}:
            count, of = self._list_head()
            self._skip_all(count, (of,), depth)
        elif kind == _MAP:
            count = self._natural()
            kinds = self._byte() if count else 0
            self._skip_all(count, (kinds >> 4, kinds & 15), depth)
        else:
            self._forward({_BYTE: 1, _DOUBLE: 8}.get(kind, len(self._data) + 1))

    def _skip_all(self, count: int, kinds: tuple[int, ...], depth: int) -> None:
        if count > len(self._data):
            raise Unreadable
        for _ in range(count):
            for kind in kinds:
                # In a list a truth takes a byte; as a field its type says all.
                self._forward(1) if kind in {_TRUE, _FALSE} else self._skip(kind, depth + 1)

    def _whole(self, bits: int) -> int:
        natural = self._natural()
        value = (natural >> 1) ^ -(natural & 1)
        if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
            raise Unreadable
        return value

    def _natural(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the highest bit says that more follows
                return value
            shift += 7
            if shift > 63:  # noqa: PLR2004 - of 64 bits
                raise Unreadable

    def _bytes(self) -> bytes:
        length = self._natural()
        start = self.at
        self._forward(length)
        return self._data[start : self.at]

    def _byte(self) -> int:
        self._forward(1)
        return self._data[self.at - 1]

    def _forward(self, count: int) -> None:
        if self.at + count > len(self._data):
            raise CutShort
        self.at += count
