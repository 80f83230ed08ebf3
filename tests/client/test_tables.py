"""Tables in one line: resumed where they were cut off, held to what is stated, typed as they are declared."""

import asyncio
import hashlib
import inspect
import io
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pyarrow as pa
import pytest
from client.test_client import CONNECTION, answering
from typer.testing import CliRunner

from moneyer import AsyncMoneyer, Moneyer, NotAsStated, Refused
from moneyer.cli import assets as cli

ROWS = pa.table(
    {
        "sex": pa.array(["m", None, "f", "m"]),
        "age": pa.array([2**53 + 1, None, 3, 4], pa.int64()),
        "rows": pa.array([1, 2, 3, 4], pa.int64()),
        "height": pa.array([1.5, None, 0.1, 2.0]),
        "born": pa.array([date(1, 1, 1), date(9999, 12, 31), None, date(2019, 2, 28)]),
        "seen": pa.array([datetime(2026, 1, 31, 10)] * 4, pa.timestamp("ms")),  # noqa: DTZ001
        "at": pa.array([time(10), None, time(0), time(23, 59, 59)], pa.time32("ms")),
        "paid": pa.array([Decimal("0.10"), None, Decimal("99999.99"), Decimal("0.07")], pa.decimal128(18, 2)),
    }
)
KINDS = {
    "sex": "string",
    "age": "integer",
    "rows": "integer",
    "height": "number",
    "born": "date",
    "seen": "datetime",
    "at": "time",
    "paid": "number",
}


def streamed(rows: pa.Table = ROWS) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue()


class House:
    """Answers as generation does; ``cuts`` says after how many bytes an answer breaks off."""

    def __init__(
        self, content: bytes, *, stated: str | None = "true", cuts: tuple[int, ...] = (), changes: bool = False
    ) -> None:
        self.content, self.cuts, self.changes = content, list(cuts), changes
        self.stated = hashlib.sha256(content).hexdigest() if stated == "true" else stated
        self.seen: list[httpx.Request] = []
        self.told = hashlib.sha256(content)
        self.is_async = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/schema"):
            return httpx.Response(200, json=self.package())
        self.seen.append(request)
        etag = f'"{len(self.seen) if self.changes else 1}"'
        start = 0
        if "range" in request.headers and request.headers["if-range"] == etag:
            start = int(request.headers["range"].removeprefix("bytes=").removesuffix("-"))
        headers = {"ETag": etag, "Repr-Digest": f"sha-256=:{b64encode(self.told.digest()).decode()}:"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        return httpx.Response(206 if start else 200, headers=headers, content=self.body(start))

    def body(self, start: int) -> Any:
        cut = self.cuts.pop(0) if self.cuts else None
        pieces = self.content[start:] if cut is None else self.content[start : start + cut]

        def sent() -> Iterator[bytes]:
            yield pieces
            if cut is not None:
                raise httpx.ReadError("cut off")

        async def sent_later() -> AsyncIterator[bytes]:
            for piece in sent():
                yield piece

        return sent_later() if self.is_async else sent()

    def package(self) -> dict[str, Any]:
        fields = [
            {"name": name, "type": kind, "constraints": {"required": name in {"rows", "seen"}}}
            for name, kind in KINDS.items()
        ]
        fields[0]["constraints"]["enum"] = ["f", "m", "never"]
        hashed = {"hash": f"sha256:{self.stated}"} if self.stated else {}
        forms = [{"format": form, **hashed} for form in ("parquet", "arrow")]
        return {"resources": [{"format": "csv", "schema": {"fields": fields}, **hashed}, *forms]}


def done(house: House, what: str, *args: Any, kind: str = "sync") -> Any:
    """What a client makes of the table, by the name of its method."""
    if kind == "sync":
        with Moneyer(CONNECTION) as client:
            client._http = httpx.Client(transport=httpx.MockTransport(answering(house, [])))
            return getattr(client.assets.table("a"), what)(*args)

    async def later() -> Any:
        async with AsyncMoneyer(CONNECTION) as client:
            client._http = httpx.AsyncClient(transport=httpx.MockTransport(answering(house, [])))
            return await getattr(client.assets.table("a"), what)(*args)

    house.is_async = True
    return asyncio.run(later())


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
def test_every_column_is_typed_as_it_is_declared(kind: str) -> None:
    frame = done(House(streamed()), "to_pandas", kind=kind)
    assert list(frame.columns) == ROWS.column_names
    assert list(frame["sex"].cat.categories) == ["f", "m", "never"], (
        "all that are declared, whether a row has them or not"
    )
    assert frame["sex"].tolist()[0] == "m"
    assert frame["sex"].isna().tolist() == [False, True, False, False]
    assert (frame["age"].dtype, frame["rows"].dtype) == (pd.Int64Dtype(), "int64")
    assert frame["age"][0] == 2**53 + 1, "no float has it"
    assert frame["age"][1] is pd.NA
    assert frame["born"].tolist()[:3] == [date(1, 1, 1), date(9999, 12, 31), None]
    assert frame["seen"][0] == pd.Timestamp("2026-01-31T10:00:00")
    assert frame["at"].tolist()[0] == time(10)
    assert frame["paid"].tolist() == [Decimal("0.10"), None, Decimal("99999.99"), Decimal("0.07")]


@both
def test_arrow_has_dictionaries_of_all_categories(kind: str) -> None:
    table = done(House(streamed()), "to_arrow", kind=kind)
    assert table.schema.field("sex").type == pa.dictionary(pa.int32(), pa.string())
    assert table["sex"].chunk(0).dictionary.to_pylist() == ["f", "m", "never"]
    assert table.set_column(0, "sex", table["sex"].cast(pa.string())).equals(ROWS)


@both
def test_polars_has_enumerations(kind: str) -> None:
    import polars as pl

    frame = done(House(streamed()), "to_polars", kind=kind)
    assert frame.schema["sex"] == pl.Enum(["f", "m", "never"])
    assert frame.schema["age"] == pl.Int64
    assert frame["paid"].to_list()[2] == Decimal("99999.99")
    assert frame.schema["born"] == pl.Date


@both
def test_what_is_cut_off_goes_on_where_it_stopped(kind: str, tmp_path: Path) -> None:
    house = House(streamed(), cuts=(100, 50))
    assert done(house, "write", tmp_path / "t.arrow", kind=kind).read_bytes() == house.content
    assert [one.headers.get("range") for one in house.seen] == [None, "bytes=100-", "bytes=150-"]
    assert {one.headers["accept-encoding"] for one in house.seen} == {"identity"}


@both
def test_what_was_rendered_anew_begins_anew(kind: str, tmp_path: Path) -> None:
    house = House(streamed(), cuts=(100,), changes=True)
    assert done(house, "write", tmp_path / "t.arrow", kind=kind).read_bytes() == house.content


@both
def test_it_is_given_up_after_some_tries_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    house = House(streamed(), cuts=(1,) * 100)
    with pytest.raises(httpx.ReadError):
        done(house, "write", tmp_path / "t.parquet", kind=kind)
    assert list(tmp_path.iterdir()) == []


@both
@pytest.mark.parametrize("lie", ["record", "answer"])
def test_other_bytes_than_are_stated_are_no_table(kind: str, lie: str, tmp_path: Path) -> None:
    house = House(streamed(), stated="0" * 64 if lie == "record" else None)
    if lie == "answer":
        house.told = hashlib.sha256(b"another")
    (tmp_path / "t.csv").write_text("kept")
    with pytest.raises(NotAsStated, match=lie):
        done(house, "write", tmp_path / "t.csv", kind=kind)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["kept"]
    with pytest.raises(NotAsStated, match=lie):
        done(house, "to_pandas", kind=kind)


@both
def test_of_an_older_table_the_answers_digest_alone_is_there(kind: str) -> None:
    assert done(House(streamed(), stated=None), "to_arrow", kind=kind).num_rows == 4


@both
def test_a_refusal_is_one_as_of_other_calls(kind: str) -> None:
    class Refuses(House):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/schema"):
                return super().__call__(request)
            return httpx.Response(403, json={"code": "no-grant", "detail": "You hold no valid grant."})

    with pytest.raises(Refused) as refused:
        done(Refuses(streamed()), "to_pandas", kind=kind)
    assert (refused.value.status, refused.value.code) == (403, "no-grant")


def test_a_suffix_names_the_form(tmp_path: Path) -> None:
    house = House(b"x")
    for suffix in ("csv", "parquet", "arrow", "CSV"):
        done(house, "write", tmp_path / f"t.{suffix}")
    assert [one.url.params["format"] for one in house.seen] == ["csv", "parquet", "arrow", "csv"]
    with pytest.raises(ValueError, match=r"\.parquet, \.arrow, \.csv"):
        done(house, "write", tmp_path / "t.xlsx")


def test_a_category_that_is_not_declared_is_no_null() -> None:
    with pytest.raises(ValueError, match="none of the declared"):
        done(House(streamed(ROWS.set_column(0, "sex", pa.array(["x"] * 4)))), "to_arrow")


def test_both_views_have_the_same_methods() -> None:
    from moneyer.assets import AsyncTable, Table

    public = [
        [name for name, _ in inspect.getmembers(one, inspect.isfunction) if name[0] != "_"]
        for one in (Table, AsyncTable)
    ]
    assert public[0] == public[1] == ["schema", "to_arrow", "to_pandas", "to_polars", "write"]


def test_no_library_is_brought_in_unasked() -> None:
    program = (
        "import sys, moneyer, moneyer.assets; print([m for m in ('pandas', 'pyarrow', 'polars') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "[]"


def commanded(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    client = Moneyer(CONNECTION)
    client._http = httpx.Client(transport=httpx.MockTransport(answering(house, [])))
    monkeypatch.setattr(cli, "speak", lambda *_: client)
    return lambda *words: CliRunner().invoke(cli.app, list(words))


def test_the_command_line_fetches_tables_and_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, to = House(streamed()), tmp_path / "t.parquet"
    fetched = commanded(house, monkeypatch)("table", "a", "--out", str(to))
    assert fetched.exit_code == 0, fetched.output
    assert hashlib.sha256(house.content).hexdigest() in fetched.output.replace("\n", "")
    shown = commanded(house, monkeypatch)("schema", "a", "--format", "odcs")
    assert shown.exit_code == 0
    assert '"resources"' in shown.output
    lying = commanded(House(streamed(), stated="0" * 64), monkeypatch)("table", "a", "--out", str(to))
    assert lying.exit_code == 1
    assert commanded(house, monkeypatch)("table", "a", "--out", str(tmp_path / "t.xlsx")).exit_code == 2
