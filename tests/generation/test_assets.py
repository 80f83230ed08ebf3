"""Downloads: the same bytes every time, whole or in parts, with a digest of the whole."""

import gc
import hashlib
from base64 import b64encode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneyer_generation.downloads import Rendered, part_of, render
from moneyer_generation.forms import MEDIA_TYPES
from moneyer_generation.routes.renderings import pieces
from moneyer_shared.errors import RangeNotSatisfiable
from moneyer_shared.spool import FRAME_BYTES

TABLE = pa.table({"a": list(range(1000)), "b": ["x", None] * 500})


def rendered(form: str, table: pa.Table = TABLE) -> Rendered:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return render(pq.ParquetFile(pa.BufferReader(sink.getvalue())), form)


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_a_table_is_rendered_to_the_same_bytes_with_their_digest(form: str) -> None:
    one, two = rendered(form), rendered(form)
    assert one.headers == two.headers
    whole = b"".join(pieces(one.spool, range(len(one.spool))))
    assert whole == b"".join(pieces(two.spool, range(len(two.spool))))
    assert one.headers["Repr-Digest"] == f"sha-256=:{b64encode(hashlib.sha256(whole).digest()).decode()}:"


def test_pieces_are_small_and_together_the_part() -> None:
    made = rendered("csv", pa.table({"a": [str(i) * 20 for i in range(60_000)]}))
    whole = made.spool.reader().read()
    part = range(7, len(whole) - 5)
    sent = list(pieces(made.spool, part))
    assert len(sent) > 1
    assert all(len(piece) <= FRAME_BYTES for piece in sent)
    assert b"".join(sent) == whole[7:-5]


def test_what_nobody_reads_any_more_leaves_nothing_open() -> None:
    """A download that is broken off closes nothing that others read; whoever is last lets it go."""
    made = rendered("arrow")
    sent, file = pieces(made.spool, range(len(made.spool))), made.spool._file
    next(sent)
    del made
    assert not file.closed
    sent.close()
    del sent
    gc.collect()
    assert file.closed


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ("bytes=0-9", range(10)),
        ("bytes=90-", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
        ("bytes=50-5000", range(50, 100)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("rows=0-1", None),
    ],
)
def test_a_range_is_read_as_rfc_9110_says(asked: str | None, expected: range | None) -> None:
    assert part_of(100, asked) == expected


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused_with_the_size(asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        part_of(100, asked)
    assert refused.value.headers == {"Content-Range": "bytes */100"}


@given(st.integers(1, 500), st.integers(1, 60))
def test_parts_put_together_are_the_whole(size: int, step: int) -> None:
    parts = [part_of(size, f"bytes={start}-{start + step - 1}") for start in range(0, size, step)]
    assert [byte for part in parts if part is not None for byte in part] == list(range(size))
