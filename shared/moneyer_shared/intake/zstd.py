"""zstd bodies, read whole or refused: all frames count (RFC 8878 §3.1), and nothing follows the last."""

from collections.abc import Iterator
from typing import IO

import pyarrow as pa

from moneyer_shared.errors import Invalid

PIECE = 2**20


def expand(body: IO[bytes]) -> Iterator[bytes]:
    """What a body holds, a piece at a time.

    Raises:
        Invalid: it is no zstd, not all of it is, or it is cut short.
    """
    empty = True
    try:
        with pa.CompressedInputStream(body, "zstd") as stream:
            while piece := stream.read(PIECE):
                empty = False
                yield piece
    except OSError:
        raise Invalid("The zstd body is broken or cut short.", code="table-unreadable") from None
    if empty:
        raise Invalid("The zstd body holds nothing.", code="table-unreadable")
