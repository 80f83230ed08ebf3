"""A table's bytes in one of three forms, whole or in part."""

import re
from base64 import b64encode
from dataclasses import dataclass

import pyarrow.parquet as pq

from moneyer_generation.forms import Form, write
from moneyer_shared.contracts.generation import Delivered
from moneyer_shared.errors import Conflict, RangeNotSatisfiable
from moneyer_shared.spool import Spool


@dataclass(frozen=True)
class Rendered:
    """A table's bytes in one form, the same bytes every time."""

    spool: Spool

    @property
    def headers(self) -> dict[str, str]:
        """Digest of the whole, whatever part is sent (RFC 9530), a strong validator, and that parts may be asked."""
        digest = bytes.fromhex(self.spool.sha256)
        return {
            "Repr-Digest": f"sha-256=:{b64encode(digest).decode()}:",
            "ETag": f'"{digest.hex()}"',
            "Accept-Ranges": "bytes",
        }


def render(table: pq.ParquetFile, form: Form, stated: Delivered | None = None) -> Rendered:
    """The table's bytes in the asked form, under seal while they wait.

    Raises:
        Conflict: they are not those that the record states.
        Unavailable: the disk is full.
    """
    spool = Spool()
    try:
        write(table, form, spool.writer())
        _check_stated(spool, form, stated)
    except BaseException:
        spool.close()
        raise
    return Rendered(spool)


def _check_stated(spool: Spool, form: Form, stated: Delivered | None) -> None:
    """What leaves is what was recorded, byte for byte, or nothing leaves; of an older table nothing was recorded."""
    if stated is not None and stated.of(form).sha256 != spool.sha256:
        raise Conflict(
            f"The table as {form} is not, byte for byte, what its record states; nothing of it is handed out. "
            "Ask for another form, and tell whoever runs this: the table, or what writes it, was changed.",
            code="not-as-recorded",
        )


def part_of(size: int, asked: str | None) -> range | None:
    """The bytes a Range header asks for (RFC 9110 §14.1.2); None for the whole, also where it is not one range.

    Raises:
        RangeNotSatisfiable: it lies beyond the end.
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", (asked or "").strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise RangeNotSatisfiable(f"It has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})
    return range(start, stop)
