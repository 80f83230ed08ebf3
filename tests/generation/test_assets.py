"""Downloads: the same bytes every time, whole or in parts, with a digest of the whole."""

import hashlib
from base64 import b64encode

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mintmark_generation.use_cases.assets import CHUNK, MEDIA_TYPES, part_of, render
from mintmark_shared.errors import RangeNotSatisfiable

TABLE = pa.table({"a": list(range(1000)), "b": ["x", None] * 500})


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_a_table_is_rendered_to_the_same_bytes_with_their_digest(form: str) -> None:
    one, two = render(TABLE, form), render(TABLE, form)
    assert one.content == two.content
    whole = b"".join(one.pieces(range(len(one.content))))
    assert one.headers["Repr-Digest"] == f"sha-256=:{b64encode(hashlib.sha256(whole).digest()).decode()}:"
    assert one.headers["ETag"] == two.headers["ETag"]


def test_pieces_are_small_and_together_the_part() -> None:
    rendered = render(pa.table({"a": [str(i) * 20 for i in range(60_000)]}), "csv")
    part = range(7, len(rendered.content) - 5)
    pieces = list(rendered.pieces(part))
    assert len(pieces) > 1
    assert all(len(piece) <= CHUNK for piece in pieces)
    assert b"".join(pieces) == bytes(rendered.content)[7:-5]


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
