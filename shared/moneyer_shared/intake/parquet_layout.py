"""What a Parquet file's own metadata say of its layout, read before a library acts on it (parquet.thrift).

A footer of few bytes can name a million groups or a column within ten thousand others, which costs a reader its stack;
a page of few bytes can ask for two gibibytes. So the footer is read here first, and every page is seen before it is
decoded: what counts is what pages say, which readers make room for, and not what the footer says of them.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from moneyer_shared.errors import Invalid
from moneyer_shared.intake.header import MOST_COLUMNS, too_wide
from moneyer_shared.intake.thrift import TEXT, WHOLE, CutShort, Metadata, Shape, Unreadable

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
FOOTER_SIZE = 4
LARGEST_FOOTER, MOST_PARTS = 64 * 2**20, 400_000
DEEPEST_COLUMN = 32
PAGE_HEADERS = (2**12, 2**16, 2**20)
"""How much of a page is looked at for its header: longer ones hold long values as statistics."""
# Fields by their numbers in parquet.thrift: of the footer, an element of the schema, a group, a column's chunk …
SCHEMA, GROUPS = 2, 4
REPETITION, NAME, BELOW = 3, 4, 5
CHUNKS, ROWS = 1, 3
ELSEWHERE, METADATA, OFFSETS, OFFSETS_LENGTH, INDEX, INDEX_LENGTH, CRYPTO, HIDDEN = 1, 3, 4, 5, 6, 7, 8, 9
# … of its metadata, and of a page's header and what that holds of pages with values.
COMPRESSED, DATA_AT, DICTIONARY_AT, BLOOM_AT, BLOOM_LENGTH = 7, 9, 11, 14, 15
ONCE_DECOMPRESSED, AS_STORED, DATA, DICTIONARY, DATA_2 = 2, 3, 5, 7, 8
VALUES, ENCODING, ENCODING_2 = 1, 2, 4
ELEMENT: Shape = dict.fromkeys((REPETITION, BELOW), WHOLE) | {NAME: TEXT}
META: Shape = dict.fromkeys((COMPRESSED, DATA_AT, DICTIONARY_AT, BLOOM_AT, BLOOM_LENGTH), WHOLE)
CHUNK: Shape = {
    ELSEWHERE: TEXT, METADATA: META, OFFSETS: WHOLE, OFFSETS_LENGTH: WHOLE, INDEX: WHOLE, INDEX_LENGTH: WHOLE,
    CRYPTO: {}, HIDDEN: TEXT,
}  # fmt: skip
FOOTER: Shape = {SCHEMA: [ELEMENT], GROUPS: [{CHUNKS: [CHUNK], ROWS: WHOLE}]}
PAGE: Shape = {
    ONCE_DECOMPRESSED: WHOLE, AS_STORED: WHOLE, DATA: {VALUES: WHOLE, ENCODING: WHOLE}, DICTIONARY: {VALUES: WHOLE},
    DATA_2: {VALUES: WHOLE, ENCODING_2: WHOLE},
}  # fmt: skip
REPEATED = 2
DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY = 6, 7
"""Encodings of texts; in the second a value repeats the beginning of the one before it, in no bytes."""


@dataclass(frozen=True)
class Chunk:
    """A column of a group of rows: its place in the file, and beyond what the metadata say nothing of it."""

    column: str
    start: int
    end: int
    nested: bool


@dataclass(frozen=True)
class Group:
    rows: int
    chunks: Sequence[Chunk]


@dataclass(frozen=True)
class Pages:
    """The pages of a chunk: bytes once decompressed, of all and of the largest.

    ``delta`` says that some are in the encodings that texts alone have, ``repeats`` that few bytes may stand for many.
    """

    size: int = 0
    largest: int = 0
    delta: bool = False
    repeats: bool = False


@dataclass(frozen=True)
class Layout:
    """``nested`` are the columns whose cells hold more than one value."""

    groups: Sequence[Group]
    nested: frozenset[str]


def read_layout(body: IO[bytes]) -> Layout:
    """The layout of a file.

    Raises:
        Invalid: it is none, encrypted, of too many parts, or more than one file.
    """
    start, footer = _footer(body)
    try:
        stated = Metadata(footer, MOST_PARTS).struct(FOOTER)
        columns = list(_columns(stated[SCHEMA]))
        groups = [_group(one, columns) for one in stated.get(GROUPS, [])]
        ends = [_end(chunk) for one in stated.get(GROUPS, []) for chunk in one[CHUNKS]]
    except (Unreadable, KeyError):
        raise _damaged() from None
    _check_only_one(body, start, ends)
    if any(chunk.start < 0 or not chunk.start <= chunk.end <= start for group in groups for chunk in group.chunks):
        raise _damaged()
    return Layout(groups, frozenset(name for name, nested in columns if nested))


def _footer(body: IO[bytes]) -> tuple[int, bytes]:
    """Where the footer begins, and all of it."""
    length = body.seek(0, io.SEEK_END)
    if length < 2 * len(MAGIC) + FOOTER_SIZE:
        raise _damaged()
    body.seek(-len(MAGIC) - FOOTER_SIZE, io.SEEK_END)
    size, magic = int.from_bytes(body.read(FOOTER_SIZE), "little"), body.read(len(MAGIC))
    start = length - len(MAGIC) - FOOTER_SIZE - size
    if magic == ENCRYPTED:
        raise _encrypted()
    if magic != MAGIC or start < len(MAGIC) or size > LARGEST_FOOTER:
        raise _damaged()
    body.seek(start)
    return start, body.read(size)


def _columns(elements: Sequence[Mapping[int, Any]]) -> Iterator[tuple[str, bool]]:
    """(name, whether its cells hold more than one value) of every leaf, by the column at the top that it belongs to.

    A schema is written as its tree is walked: an element, then as many below it as it says.
    """
    open_ones: list[int] = []
    name, is_group = "", False
    for place, element in enumerate(elements):
        while open_ones and open_ones[-1] == 0:
            open_ones.pop()
        if place and not open_ones:
            raise Unreadable
        if open_ones:
            open_ones[-1] -= 1
        below = element.get(BELOW, 0)
        if place > 4 * MOST_COLUMNS:
            raise too_wide()
        if below < 0 or len(open_ones) > DEEPEST_COLUMN:
            raise Unreadable
        if len(open_ones) == 1:
            name, is_group = element[NAME].decode("utf-8", "replace"), below > 0 or element.get(REPETITION) == REPEATED
        if place and not below:
            yield name, is_group
        open_ones.append(below)


def _group(stated: Mapping[int, Any], columns: Sequence[tuple[str, bool]]) -> Group:
    if len(stated[CHUNKS]) != len(columns):
        raise Unreadable
    return Group(stated[ROWS], [_chunk(one, *column) for one, column in zip(stated[CHUNKS], columns, strict=True)])


def _chunk(stated: Mapping[int, Any], column: str, nested: bool) -> Chunk:
    if CRYPTO in stated or HIDDEN in stated:
        raise _encrypted()
    meta = stated[METADATA]
    start = _start(meta)
    if stated.get(ELSEWHERE) or meta[COMPRESSED] < 0:
        raise Unreadable
    return Chunk(column, start, start + meta[COMPRESSED], nested)


def _start(meta: Mapping[int, Any]) -> int:
    """Where the first page of a chunk is: a dictionary lies before its values."""
    return min((place for place in (meta[DATA_AT], meta.get(DICTIONARY_AT, 0)) if place > 0), default=0)


def _end(stated: Mapping[int, Any]) -> int | None:
    """Where what belongs to a chunk ends; None where it does not say how long its Bloom filter is."""
    meta = stated[METADATA]
    if BLOOM_AT in meta and BLOOM_LENGTH not in meta:
        return None
    places = (
        (stated.get(at, 0), stated.get(length, 0)) for at, length in ((OFFSETS, OFFSETS_LENGTH), (INDEX, INDEX_LENGTH))
    )
    parts = [(_start(meta), meta[COMPRESSED]), (meta.get(BLOOM_AT, 0), meta.get(BLOOM_LENGTH, 0)), *places]
    return max([int(start) + int(length) for start, length in parts])


def _check_only_one(body: IO[bytes], footer: int, ends: Sequence[int | None]) -> None:
    """That no whole file lies between the last rows and the footer: readers take the places of one for the other's."""
    told = [end for end in ends if end is not None]
    if len(told) < len(ends):
        return
    at = max([len(MAGIC), *told])
    tail = b""
    while 0 <= at < footer:
        body.seek(at)
        piece = body.read(min(2**20, footer - at))
        if not piece:
            return
        if MAGIC in tail + piece:
            raise Invalid(
                "The body is more than one Parquet file, of which readers see one: write all rows into one file.",
                code="table-unreadable",
            )
        tail, at = piece[-len(MAGIC) + 1 :], at + len(piece)


def pages_of(body: IO[bytes], chunk: Chunk) -> Pages:
    """What the pages of a chunk take once decompressed, by their own headers.

    Raises:
        Invalid: they are none.
    """
    found, at = Pages(), chunk.start
    while at < chunk.end:
        header, page = _page(body, at, chunk.end)
        once = page[ONCE_DECOMPRESSED]
        if once < 0 or page[AS_STORED] < 0 or page.get(DICTIONARY, {}).get(VALUES, 0) > once:
            # A dictionary's values take a byte each, and room is made for as many as it says.
            raise _damaged()
        encoding = page.get(DATA, {}).get(ENCODING, page.get(DATA_2, {}).get(ENCODING_2))
        found = Pages(
            found.size + once,
            max(found.largest, once),
            found.delta or encoding in {DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY},
            found.repeats or encoding == DELTA_BYTE_ARRAY or DICTIONARY in page,
        )
        at += header + page[AS_STORED]
    if at != chunk.end:
        raise _damaged()
    return found


def _page(body: IO[bytes], at: int, end: int) -> tuple[int, dict[int, Any]]:
    """(how long a page's header is, what it says)."""
    for length in PAGE_HEADERS:
        body.seek(at)
        header = Metadata(body.read(min(length, end - at)), most_parts=0)
        try:
            page = header.struct(PAGE)
            return header.at, {ONCE_DECOMPRESSED: page[ONCE_DECOMPRESSED], AS_STORED: page[AS_STORED]} | page
        except CutShort:
            continue
        except (Unreadable, KeyError):
            break
    raise _damaged()


def _damaged() -> Invalid:
    return Invalid("The Parquet file is damaged, cut short, or of too many parts to be read.", code="table-unreadable")


def _encrypted() -> Invalid:
    return Invalid("The Parquet file is encrypted; write it without, the way to here is.", code="table-unreadable")
