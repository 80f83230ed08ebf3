"""The members of a bundle's zip, read by one reading only.

Tools disagree on zips with two members of one name, data before, between or after members, or names that end early;
whoever looks with another tool must see what was verified. So a bundle holds its members one after the other, each
named once and described the same in both places, then the directory, then the end, and not a byte more.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from moneyer.audit import NotProven

LARGEST = 256 * 2**20
"""Bytes, packed or unpacked: a bundle of more is none of ours."""
MOST_MEMBERS = 100
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_UTF8 = 0x800
_MADE_BY, _VERSION, _PLAIN_FILE = 3 << 8 | 20, 20, 0o600 << 16
_TIME, _DATE = 0, 1 << 5 | 1
"""What a member says of itself beside its data: a plain file of 1980-01-01, as lineage packs one."""


@dataclass(frozen=True)
class _Member:
    """What the directory says of a member."""

    name: str
    fields: tuple[int, ...]
    """Version, flags, method, time, date, checksum, packed and unpacked size: its own header repeats them."""
    start: int

    @property
    def sizes(self) -> tuple[int, int]:
        return self.fields[6], self.fields[7]


def unpack(content: bytes, names: frozenset[str]) -> dict[str, bytes]:
    """The members of a bundle.

    Raises:
        NotProven: it is no zip, has a member that is none of ``names``, one twice, more data than that of its members,
            or what packs anything but plain or deflated data.
    """
    try:
        return _unpack(content, names)
    except (struct.error, zlib.error, IndexError, UnicodeDecodeError) as error:
        raise NotProven(f"the file is no zip of ours: {type(error).__name__}") from error


def _unpack(content: bytes, names: frozenset[str]) -> dict[str, bytes]:
    if len(content) > LARGEST:
        raise NotProven("the file is larger than any bundle")
    end = len(content) - _END.size
    if end < 0:
        raise NotProven("the file is no zip")
    mark, disk, first_disk, here, count, length, start, comment = _END.unpack_from(content, end)
    if mark != b"PK\x05\x06" or (disk, first_disk, comment) != (0, 0, 0) or start + length != end:
        raise NotProven("the file is no zip, or more than a zip: something stands before, between or after its parts")
    if here != count or not 0 < count <= MOST_MEMBERS:
        raise NotProven("the zip has no members, or too many")
    members = list(_directory(content, start, end))
    if len(members) != count:
        raise NotProven("the zip holds another number of members than it says")
    return _contents(content, members, start, names)


def _directory(content: bytes, start: int, end: int) -> Iterator[_Member]:
    place = start
    while place < end:
        mark, made_by, *fields, name_length, extra, comment, disk, kind, mode, offset = _CENTRAL.unpack_from(
            content, place
        )
        if mark != b"PK\x01\x02" or (extra, comment, disk) != (0, 0, 0):
            raise NotProven("the zip's directory holds more than members")
        version, _, _, time, date, *_ = fields
        if (made_by, version, kind, mode, time, date) != (_MADE_BY, _VERSION, 0, _PLAIN_FILE, _TIME, _DATE):
            raise NotProven("the zip's directory holds what is no plain file of a bundle")
        place += _CENTRAL.size + name_length
        yield _Member(content[place - name_length : place].decode("ascii"), tuple(fields), offset)
    if place != end:
        raise NotProven("the zip's directory does not end where it should")


def _contents(content: bytes, members: list[_Member], end: int, names: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    place = 0
    if sum(member.sizes[1] for member in members) > LARGEST:
        raise NotProven("the file unpacks to more than a bundle holds")
    for member in members:
        if member.name not in names:
            raise NotProven(f"{member.name!a} is no member of a bundle")
        if member.name in found:
            raise NotProven(f"{member.name} stands in the zip twice")
        if member.start != place:
            raise NotProven(f"something stands in the zip before {member.name}")
        found[member.name], place = _content(content, member)
    if place != end:
        raise NotProven("something stands in the zip after its last member")
    return found


def _content(content: bytes, member: _Member) -> tuple[bytes, int]:
    """A member's bytes, and where they end in the file."""
    mark, *fields, name_length, extra = _LOCAL.unpack_from(content, member.start)
    begin = member.start + _LOCAL.size + name_length
    named = content[member.start + _LOCAL.size : begin]
    if mark != b"PK\x03\x04" or extra or named != member.name.encode() or tuple(fields) != member.fields:
        raise NotProven(f"{member.name} is described in two ways")
    _, flags, method, _, _, checksum = member.fields[:6]
    packed, size = member.sizes
    if flags & ~_UTF8 or method not in {_STORED, _DEFLATED}:
        raise NotProven(f"{member.name} is encrypted, or packed in a way that bundles are not")
    data = content[begin : begin + packed]
    plain = data if method == _STORED else _inflated(data, size)
    if len(data) != packed or len(plain) != size or zlib.crc32(plain) != checksum:
        raise NotProven(f"{member.name} is damaged")
    return plain, begin + packed


def _inflated(data: bytes, size: int) -> bytes:
    inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    plain = inflate.decompress(data, size + 1)
    if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise NotProven("a member unpacks to more, or to less, than it says")
    return plain
