"""What waits on disk comes back as it was, from anywhere in it, and is on no disk in clear."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneyer_shared.errors import Unavailable
from moneyer_shared.spool import FRAME_BYTES, Spool

WORDS = b"a canary sings in clear "


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 3 * FRAME_BYTES // 2), max_size=4), st.integers(0, 3 * FRAME_BYTES), st.integers(1, 5000)
)
def test_what_was_written_is_read_from_anywhere(sizes: list[int], start: int, size: int) -> None:
    spool, whole = Spool(), b""
    for i, length in enumerate(sizes):
        part = bytes([i]) * length
        spool.write(part)
        whole += part
    with spool.reader() as reader:
        reader.seek(start)
        assert reader.read(size) == whole[start : start + size]
        assert reader.seek(0, os.SEEK_END) == len(whole) == len(spool)
    spool.close()


def test_the_disk_never_sees_a_word_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: seen.append(bytes(data)) or write(file, data, at))
    spool = Spool()
    spool.write(WORDS * 200_000)
    assert sum(map(len, seen)) > 4 * FRAME_BYTES
    assert not any(WORDS in data for data in seen)
    with spool.reader() as reader:
        assert reader.read() == WORDS * 200_000
    spool.close()


def test_a_full_disk_is_said_and_nothing_else_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwrite", full)
    spool = Spool()
    with pytest.raises(Unavailable, match="no room"):
        spool.write(bytes(FRAME_BYTES))
    spool.close()
