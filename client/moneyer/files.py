"""A table checked where it lies, with the code that generation checks uploads with (extra ``tables``)."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from moneyer_shared.contracts.generation import SourceDeclaration
from moneyer_shared.contracts.intake import TableReport
from moneyer_shared.errors import TooLarge
from moneyer_shared.inflate import Inflate
from moneyer_shared.spool import Spool

FORMATS = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
ENCODINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
ANY_BYTES = "application/octet-stream"
PIECE = 2**20
LARGEST = 16 * 2**30
"""Bytes of a table once decoded, as a service takes them unless told otherwise."""


def media_type_of_file(file: Path) -> str:
    """What a file's name says it is, whatever it is compressed with; else it is found by what it begins with."""
    endings = [ending.lower() for ending in file.suffixes if ending.lower() not in {".gz", ".zst"}]
    return FORMATS.get(endings[-1] if endings else "", ANY_BYTES)


def encoding_of_file(file: Path) -> str:
    """``gzip``, ``zstd`` or nothing, by what a file begins with: names are changed, bytes are not."""
    with file.open("rb") as opened:
        start = opened.read(4)
    return next((name for mark, name in ENCODINGS.items() if start.startswith(mark)), "")


@dataclass(frozen=True)
class _OnDisk:
    file: Path

    def reader(self) -> IO[bytes]:
        return self.file.open("rb")


def check_table(file: Path, declaration: SourceDeclaration, told: Callable[[int], None] | None = None) -> TableReport:
    """A file held against a declaration, as generation would; ``told`` hears how many rows were read so far.

    Raises:
        ImportError: pyarrow is not installed.
        Invalid, UnsupportedMedia, TooLarge: the file is no table with the declared columns.
    """
    from moneyer_shared.intake.header import Limits
    from moneyer_shared.intake.uploads import Upload, inspect

    declaration, limits, encoding = declaration.widest, Limits(LARGEST, LARGEST), encoding_of_file(file)
    if not encoding:
        return inspect(Upload(_OnDisk(file), media_type_of_file(file), declaration, limits), os.urandom(32), told)
    spool = Spool()
    try:
        _decode(file, encoding, spool)
        return inspect(Upload(spool, media_type_of_file(file), declaration, limits), os.urandom(32), told)
    finally:
        spool.close()


def _decode(file: Path, encoding: str, spool: Spool) -> None:
    with file.open("rb") as opened:
        for piece in _gunzipped(opened) if encoding == "gzip" else _expanded(opened):
            if len(spool) + len(piece) > LARGEST:
                raise TooLarge(f"A table may hold {LARGEST} bytes once decompressed.")
            spool.write(piece)


def _gunzipped(opened: IO[bytes]) -> Iterable[bytes]:
    inflate = Inflate()
    while piece := opened.read(PIECE):
        yield from inflate.pieces(piece)
    inflate.finish()


def _expanded(opened: IO[bytes]) -> Iterable[bytes]:
    from moneyer_shared.intake.zstd import expand

    return expand(opened)
