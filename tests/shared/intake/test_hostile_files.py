"""Files made to be read as something else, to cost far more than they weigh, or to lead a reader out of their bytes."""

import gzip
import io
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as pa_ipc
import pyarrow.parquet as pq
import pytest
from written_tables import DOMAINS, beside, cells, declared, outcome, report, upload, written

from moneyer_shared.errors import Invalid
from moneyer_shared.inflate import Inflate
from moneyer_shared.intake.uploads import ARROW_FILE, ARROW_STREAM, CSV, PARQUET
from moneyer_shared.intake.zstd import expand

TEXT, WHOLE, UNREADABLE = DOMAINS["text"], DOMAINS["integer"], "table-unreadable"
DECLARED = declared(WHOLE)


def refused(body: bytes, domain: Any = TEXT, media_type: str = CSV) -> str:
    """In which words a body is refused."""
    with pytest.raises(Invalid) as error:
        report(body, declared(domain), media_type)
    return f"{error.value.problem_code}: {error.value.detail} {error.value.reasons}"


# --- CSV ------------------------------------------------------------------------------------------------------------

STRAYS = ['"q\\"w"', '"q"w', '"q" ', '"q"\\', '"q""w"e', '"q"\t', '""q', '"q\n"w', '"q""" "', '"q"\u00a0']


@pytest.mark.parametrize("cell", STRAYS)
def test_what_follows_a_closing_quote_is_read_by_nobody(cell: str) -> None:
    body = f"x,n\nfirst,0\n{cell},0\nlast,0\n".encode()
    assert "In line 3" in refused(body) or "In line 4" in refused(body)


@pytest.mark.parametrize(
    ("cell", "value"),
    [('"q""w"', 'q"w'), ('5" pipe', '5" pipe'), ('"a,b"', "a,b"), ('"q\n"""', 'q\n"'), ('""""', '"'), ('"\r"', "\r"),
     (' "q"', ' "q"'), ("\\", "\\"), ('q"w"', 'q"w"'), ('""', "")],
)  # fmt: skip
def test_quotes_that_mean_one_thing_are_read_as_it(cell: str, value: str) -> None:
    assert cells([cell, "z"], TEXT) == [value, "z"]
    marked = b"\xef\xbb\xbf" + f'"x",n\n{cell},0\r\n{cell},"0"'.encode()
    assert outcome(marked, declared(TEXT), CSV) == [value, value]


def test_quotes_are_followed_across_the_pieces_a_body_comes_in() -> None:
    long = 'w""' * 1_000_000
    body = f'x,n\n"{long}",0\n"q",0\n'.encode()
    assert [fault.code for fault in report(body, declared(TEXT)).faults] == ["value-outside-domain"]
    assert "In line 3" in refused(body.replace(b'"q"', b'"q"z'))


NO_HEADERS = [
    ("x;n\nq;0\n", "semicolons"), ("x\tn\nq\t0\n", "tabs"), ("x|n\nq|0\n", "bars"), ("sep=;\nx;n\n", "sep="),
    ("\n\nx,n\nq,0\n", "first line"), ("x\0,\0n\0\n\0", "UTF-16"), ("x,n,\nq,0,\n", "end with a comma"),
    ("X,n\nq,0\n", "x, but for capitals"), ("x, n\nq,0\n", "n, but for"), ('"x,n\nq,0\n', "never closed"),
    (",x,n\n0,q,0\n", "index=False"), ("x,n", "no rows"), ("x,n\n", "no rows"), ("", "no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "words"), NO_HEADERS)
def test_a_file_that_is_no_such_csv_is_told_what_it_seems_to_be(body: str, words: str) -> None:
    assert words in refused(body.encode())


@pytest.mark.parametrize(
    ("start", "what"), [(b'[{"x": 1}]', "JSON"), (b'{"x": 1}', "JSON"), (b"Obj\x01", "Avro"), (b"FEA1", "Feather"),
                        (b"SQLite format 3", "SQLite"), (b"<!DOCTYPE html>", "HTML"), (b"BZh91AY&SY", "bzip2"),
                        (b"\xfd7zXZ\0", "xz"), (b"%PDF-1.7", "PDF"), (b"PK\x03\x04", "workbook")],
)  # fmt: skip
def test_what_is_no_table_is_called_what_it_is(start: bytes, what: str) -> None:
    assert what in refused(start + b"\0" * 20)


def test_rows_beyond_reading_are_told_as_what_they_are() -> None:
    assert "row is longer" in refused(b"x,n\n" + b"q" * 9_000_000 + b",0\n")
    assert "in line 2" in refused(b'x,n\n"' + b"q" * 17_000_000)
    assert "100000 rows" in refused(b"x,n\n" + b"q\n" * 100_001)


# --- Arrow ----------------------------------------------------------------------------------------------------------


def four_bytes(*values: int) -> bytes:
    return np.array(values, "<i4").tobytes()


LONG = "q" * 20
VIEW = four_bytes(20) + b"qqqq" + four_bytes(0, 0)
LED_ASTRAY: dict[str, tuple[Callable[[], pa.Array], bytes, bytes]] = {
    "offset beyond": (lambda: pa.array(["qwe", "rty", "z"]), four_bytes(0, 3, 6, 7), four_bytes(0, 3, 2**30, 7)),
    "offset before": (lambda: pa.array(["qwe", "rty", "z"]), four_bytes(0, 3, 6, 7), four_bytes(0, -300, 6, 7)),
    "offset past the end": (lambda: pa.array(["qwe", "rty", "z"]), four_bytes(0, 3, 6, 7), four_bytes(0, 3, 6, 60)),
    "bytes": (lambda: pa.array([b"qwe", b"rty", b"z"]), four_bytes(0, 3, 6, 7), four_bytes(0, 3, 2**30, 7)),
    "view beyond": (lambda: pa.array([LONG] * 2, pa.string_view()), VIEW, four_bytes(20) + b"qqqq" + four_bytes(0, 2**30)),
    "view before": (lambda: pa.array([LONG] * 2, pa.string_view()), VIEW, four_bytes(20) + b"qqqq" + four_bytes(0, -900)),
    "view elsewhere": (lambda: pa.array([LONG] * 2, pa.string_view()), VIEW, four_bytes(20) + b"qqqq" + four_bytes(7, 0)),
    "view without length": (lambda: pa.array([LONG] * 2, pa.string_view()), VIEW, four_bytes(-20) + b"qqqq" + four_bytes(0, 0)),
    "index": (
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1, 0, 1, 1, 1], pa.int8()), pa.array(["q", "w"])),
        bytes([0, 1, 0, 1, 0, 1, 1, 1]), bytes([0, 1, 0, 1, 0, 100, 1, 128]),
    ),
    "dictionary": (
        lambda: pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int8()), pa.array(["qqq", "www"])),
        four_bytes(0, 3, 6), four_bytes(0, 2**29, 6),
    ),
    "runs that end early": (
        lambda: pa.RunEndEncodedArray.from_arrays(pa.array([2, 4], pa.int32()), pa.array(["q", "w"])),
        four_bytes(2, 4), four_bytes(2, 3),
    ),
    "runs backwards": (
        lambda: pa.RunEndEncodedArray.from_arrays(pa.array([2, 4], pa.int32()), pa.array(["q", "w"])),
        four_bytes(2, 4), four_bytes(2, -1),
    ),
    "list": (lambda: pa.array([[1], [2, 3]]), four_bytes(0, 1, 3), four_bytes(0, 10**8, 3)),
}  # fmt: skip
READING = "import sys; sys.path[:0] = {path!r}\nfrom written_tables import *\nprint(outcome({body!r}, declared({domain!r}), {media_type!r}))"


def read_apart(body: bytes, domain: Any, media_type: str) -> str:
    """What comes of reading in a process of its own, which a reader led astray would take with it."""
    program = READING.format(path=sys.path, body=body, domain=domain, media_type=media_type)
    made = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    return made.stdout.strip()


@pytest.mark.parametrize("name", LED_ASTRAY)
@pytest.mark.parametrize("media_type", [ARROW_STREAM, ARROW_FILE])
def test_no_offset_leads_out_of_its_column(name: str, media_type: str) -> None:
    make, right, wrong = LED_ASTRAY[name]
    body = written(beside(make()), media_type)
    assert right in body
    assert read_apart(body.replace(right, wrong, 1), TEXT, media_type) == UNREADABLE


@pytest.mark.parametrize("media_type", [PARQUET, ARROW_STREAM, ARROW_FILE])
def test_two_tables_in_one_body_are_not_read_as_one_of_them(media_type: str) -> None:
    first, second = (written(beside(pa.array(values)), media_type) for values in ([1, 2], [3, 4]))
    assert outcome(first, DECLARED, media_type) == [1, 2]
    for body in (first + second, first + first, first + b"junk" * 100):
        assert outcome(body, DECLARED, media_type) == UNREADABLE


def test_a_stream_without_its_end_may_lack_rows() -> None:
    body = written(beside(pa.array([1, 2])), ARROW_STREAM)
    assert "no end" in refused(body[:-8], WHOLE, ARROW_STREAM)
    assert outcome(body[:-30], DECLARED, ARROW_STREAM) == UNREADABLE


def test_what_a_footer_points_to_elsewhere_is_not_read() -> None:
    """A compressed batch behind the end of the stream would be one that nobody checked."""
    hidden = pa.BufferOutputStream()
    table = beside(pa.array([1, 2] * 1000))
    with pa_ipc.new_file(hidden, table.schema, options=pa_ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    body = hidden.getvalue().to_pybytes()
    start = body.index(b"\xff\xff\xff\xff", 9)
    ended = body[:start] + b"\xff\xff\xff\xff\0\0\0\0" + body[start + 8 :]
    assert outcome(ended, DECLARED, ARROW_FILE) == UNREADABLE


def test_deltas_and_other_dictionaries_mean_what_they_say() -> None:
    schema = pa.schema([("x", pa.dictionary(pa.int8(), pa.string())), ("n", pa.string())])
    for deltas, lists in ((True, [["a"], ["a", "b"]]), (False, [["a"], ["c", "d"]])):
        sink = pa.BufferOutputStream()
        with pa_ipc.new_stream(sink, schema, options=pa_ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)) as writer:
            for one in lists:
                indices = pa.array([len(one) - 1, 0], pa.int8())
                column = pa.DictionaryArray.from_arrays(indices, pa.array(one))
                writer.write_batch(pa.record_batch([column, pa.array(["0", "0"])], schema=schema))
        expected = ["a", "a", lists[1][1], lists[1][0]]
        assert outcome(sink.getvalue().to_pybytes(), declared(TEXT), ARROW_STREAM) == expected


# --- Parquet --------------------------------------------------------------------------------------------------------


def natural(number: int) -> bytes:
    return natural_of(number & 127 | 128) + natural(number >> 7) if number > 127 else natural_of(number)


def natural_of(byte: int) -> bytes:
    return bytes([byte])


def struct_of(*fields: tuple[int, int, bytes]) -> bytes:
    """A struct of the compact protocol: fields as (number, type, content)."""
    numbers = [0, *(number for number, _, _ in fields)]
    steps = [number - before for number, before in zip(numbers[1:], numbers[:-1], strict=True)]
    parts = [bytes([step << 4 | kind]) + content for step, (_, kind, content) in zip(steps, fields, strict=True)]
    return b"".join(parts) + b"\0"


def whole(number: int) -> bytes:
    return natural(number << 1)


def text(value: bytes) -> bytes:
    return natural(len(value)) + value


def list_of(structs: Sequence[bytes]) -> bytes:
    return b"\xfc" + natural(len(structs)) + b"".join(structs)


def parquet(schema: Sequence[bytes], groups: Sequence[bytes] = ()) -> bytes:
    """A file of nothing but a footer."""
    footer = struct_of((1, 5, whole(1)), (2, 9, list_of(schema)), (3, 6, whole(0)), (4, 9, list_of(groups)))
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def element(name: bytes, below: int) -> bytes:
    return struct_of((3, 5, whole(1)), (4, 8, text(name)), (5, 5, whole(below)))


LEAF = struct_of((1, 5, whole(1)), (3, 5, whole(1)), (4, 8, text(b"x")))


def test_columns_within_columns_take_no_stack() -> None:
    for depth in (50, 30_000):
        body = parquet([element(b"schema", 1), *[element(b"x", 1)] * depth, LEAF])
        assert read_apart(body, WHOLE, PARQUET) == UNREADABLE


def test_a_footer_of_very_many_parts_is_not_read() -> None:
    assert outcome(parquet([element(b"schema", 20_000), *[LEAF] * 20_000]), DECLARED, PARQUET) == "table-invalid"
    many = [struct_of((1, 9, list_of([])), (2, 6, whole(0)), (3, 6, whole(0)))] * 500_000
    assert outcome(parquet([element(b"schema", 1), LEAF], many), DECLARED, PARQUET) == UNREADABLE


def test_an_encrypted_file_is_called_so() -> None:
    body = written(beside(pa.array([1, 2])), PARQUET)
    assert "encrypted" in refused(body[:-4] + b"PARE", WHOLE, PARQUET)
    assert "encrypted" in refused(b"PARE" + body[4:-4] + b"PARE", WHOLE, PARQUET)


def compact(table: pa.Table, **said: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **said)
    return sink.getvalue()


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", "PLAIN"])
def test_texts_are_read_in_every_encoding(encoding: str) -> None:
    said = ["aa", "ab", None, "abc", "\u00e9"]
    body = compact(beside(pa.array(said)), use_dictionary=False, column_encoding={"x": encoding, "n": "PLAIN"})
    assert outcome(body, declared(TEXT), PARQUET) == said


def test_values_that_repeat_their_beginnings_are_read_few_at_a_time() -> None:
    body = compact(
        beside(pa.array(["f" * 2**20] * 600)),
        use_dictionary=False,
        column_encoding={"x": "DELTA_BYTE_ARRAY", "n": "PLAIN"},
        compression="zstd",
        store_schema=False,
    )
    assert len(body) < 1000
    assert outcome(body, declared(TEXT), PARQUET) == [("value-outside-domain", "x", 600, [1, 2, 3, 4, 5])]
    sent = upload(body, declared(TEXT), PARQUET)
    small = type(sent)(sent.body, PARQUET, sent.declaration, type(sent.limits)(10**8, 10**8))
    with pytest.raises(Exception, match="more than") as error:
        list(small.checked(faults_of_none()))
    assert getattr(error.value, "problem_code", "") == "too-large"


def faults_of_none() -> Any:
    from moneyer_shared.intake.faults import Faults

    return Faults()


def test_nested_cells_are_refused_unread() -> None:
    """One row of three hundred million numbers takes a few kilobytes: what is in them is nobody's to decode."""
    lists = pa.array([[1, 2]] * 2)
    for x in (lists, pa.array([{"a": 1}] * 2), pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int8()))):
        body = compact(pa.table({"x": x, "n": ["0"] * 2}), compression="zstd", use_dictionary=False)
        (fault,) = report(body, DECLARED, PARQUET).faults
        assert (fault.column, fault.rows, fault.actual) == ("x", 2, "nested values: one cell holds one value")
    body = bytearray(compact(pa.table({"x": lists, "n": ["0"] * 2}), compression="zstd", use_dictionary=False))
    chunk = pq.read_metadata(io.BytesIO(body)).row_group(0).column(0)
    end = chunk.data_page_offset + chunk.total_compressed_size
    body[end - 8 : end] = b"\xff" * 8
    assert outcome(bytes(body), DECLARED, PARQUET) == [("value-unreadable", "x", 2, [1, 2])]


def test_pages_count_by_what_they_say_and_not_by_the_footer() -> None:
    body = compact(beside(pa.array(["f" * 100_000_000, "q"])), use_dictionary=False, compression="zstd")
    assert outcome(body, declared(TEXT), PARQUET) == "too-large"
    stated = pq.read_metadata(io.BytesIO(body)).row_group(0)
    size, group = stated.column(0).total_uncompressed_size, stated.total_byte_size
    lying = body
    for told in (size, group):
        right = whole(told)
        lie = bytes([*[0x80 | 2], *[0x80] * (len(right) - 2), 0])
        assert right in lying
        lying = lying[:-2000] + lying[-2000:].replace(right, lie)
    assert pq.read_metadata(io.BytesIO(lying)).row_group(0).total_byte_size == 1
    assert outcome(lying, declared(TEXT), PARQUET) == "too-large"


# --- compressed bodies ----------------------------------------------------------------------------------------------


def zstd(*parts: bytes) -> bytes:
    return b"".join(expand(io.BytesIO(b"".join(parts))))


def frame(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))


SKIPPED = struct.pack("<II", 0x184D2A50, 5) + b"\0" * 5


@pytest.mark.parametrize(
    "parts", [[frame(b"qw")], [frame(b"q"), frame(b"w")], [SKIPPED, frame(b"q"), SKIPPED, frame(b"w"), SKIPPED],
              [frame(b""), frame(b"qw")], [frame(b"qw"), frame(b"")]],
)  # fmt: skip
def test_all_frames_of_zstd_count(parts: list[bytes]) -> None:
    assert zstd(*parts) == b"qw"


WIDE = b"\x28\xb5\x2f\xfd\x00" + bytes([21 << 3]) + struct.pack("<I", 3 | 1000 << 3)[:3] + b"q"


@pytest.mark.parametrize(
    "parts", [[], [SKIPPED], [frame(b"")], [frame(b"q")[:-1]], [frame(b"q"), b"junk"], [frame(b"q"), b"\0" * 512],
              [frame(b"q"), SKIPPED[:-1]], [frame(b"q"), b"\x28"], [WIDE], [frame(b"q"), frame(b"w")[:-2]]],
)  # fmt: skip
def test_zstd_that_is_not_whole_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(Invalid):
        zstd(*parts)


@pytest.mark.parametrize("content", [b"q", bytes(range(256)) * 300])
def test_members_are_read_wherever_they_are_cut(content: bytes) -> None:
    inflate = Inflate()
    assert b"".join(inflate.pieces(gzip.compress(content) * 2_000)) == content * 2_000
    inflate.finish()
