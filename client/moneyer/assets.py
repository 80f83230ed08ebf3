"""``client.assets``: released tables in one line, over the calls that anybody can send.

client.assets.table(asset_id).to_pandas()
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import httpx

from moneyer import tables
from moneyer.calls import Call, Id
from moneyer.calls.generation import Form, Standard, describe_asset
from moneyer.tables import Declared
from moneyer.transfer import Transfer

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl  # pyright: ignore[reportMissingImports]
    import pyarrow as pa

Answer = TypeVar("Answer")


class Sends(Protocol):
    """What the synchronous client does."""

    def send(self, call: Call[Answer]) -> Answer: ...

    def stream(self, call: Call[Any]) -> AbstractContextManager[httpx.Response]: ...


class AsyncSends(Protocol):
    """What the asynchronous client does."""

    async def send(self, call: Call[Answer]) -> Answer: ...

    def stream(self, call: Call[Any]) -> AbstractAsyncContextManager[httpx.Response]: ...


C = TypeVar("C")


class _Of(Generic[C]):
    """One asset, and the client that asks for it."""

    def __init__(self, client: C, asset_id: Id) -> None:
        self._client = client
        self.asset_id = asset_id


class Assets:
    """Released assets, as the synchronous client reads them."""

    def __init__(self, client: Sends) -> None:
        self._client = client

    def table(self, asset_id: Id) -> "Table":
        """The table of a released asset that one holds a grant for; nothing is asked for yet."""
        return Table(self._client, asset_id)


class Table(_Of[Sends]):
    """A released table. Every reading raises ``Refused`` as other calls do, and ``NotAsStated`` where bytes differ."""

    def schema(self, standard: Standard = "frictionless") -> dict[str, Any]:
        """Its schema as a data package (Frictionless), data contract (ODCS 3.1) or data set (Croissant 1.1)."""
        return self._client.send(describe_asset(self.asset_id, standard=standard))

    def to_arrow(self) -> "pa.Table":
        """As pyarrow's, in memory alone."""
        return self._read()[0]

    def to_pandas(self) -> "pd.DataFrame":
        """As pandas', in memory alone."""
        return tables.pandas_frame(*self._read())

    def to_polars(self) -> "pl.DataFrame":
        """As polars', in memory alone."""
        return tables.polars_frame(*self._read())

    def write(self, path: str | Path) -> Path:
        """Into a file, in the form its suffix names: ``.parquet``, ``.arrow`` or ``.csv``. An old one is replaced.

        Raises:
            ValueError: the suffix names no form.
        """
        to = Path(path)
        form = tables.form_of(to)
        declared = Declared.of(self.schema())
        with tables.placed(to) as coming:
            self._fetch(form, coming, declared)
        return to

    def _read(self) -> "tuple[pa.Table, Declared]":
        declared, content = Declared.of(self.schema()), BytesIO()
        self._fetch("arrow", content, declared)
        return tables.arrow_table(content, declared), declared

    def _fetch(self, form: Form, into: IO[bytes], declared: Declared) -> None:
        transfer = Transfer(self.asset_id, form, into, declared.digests.get(form))
        while True:
            try:
                for piece in self._pieces(transfer):
                    transfer.take(piece)
                break
            except httpx.TransportError:
                if not transfer.may_go_on():
                    raise
        transfer.finish()

    def _pieces(self, transfer: Transfer) -> Iterator[bytes]:
        with self._client.stream(transfer.call()) as answer:
            transfer.begin(answer.status_code, answer.headers)
            yield from answer.iter_raw()


class AsyncAssets:
    """Released assets, as the asynchronous client reads them."""

    def __init__(self, client: AsyncSends) -> None:
        self._client = client

    def table(self, asset_id: Id) -> "AsyncTable":
        """The table of a released asset that one holds a grant for; nothing is asked for yet."""
        return AsyncTable(self._client, asset_id)


class AsyncTable(_Of[AsyncSends]):
    """A released table, awaited; raises as ``Table`` does."""

    async def schema(self, standard: Standard = "frictionless") -> dict[str, Any]:
        """Its schema as a data package (Frictionless), data contract (ODCS 3.1) or data set (Croissant 1.1)."""
        return await self._client.send(describe_asset(self.asset_id, standard=standard))

    async def to_arrow(self) -> "pa.Table":
        """As pyarrow's, in memory alone."""
        return (await self._read())[0]

    async def to_pandas(self) -> "pd.DataFrame":
        """As pandas', in memory alone."""
        return tables.pandas_frame(*await self._read())

    async def to_polars(self) -> "pl.DataFrame":
        """As polars', in memory alone."""
        return tables.polars_frame(*await self._read())

    async def write(self, path: str | Path) -> Path:
        """Into a file, as ``Table.write`` does."""
        to = Path(path)
        form = tables.form_of(to)
        declared = Declared.of(await self.schema())
        with tables.placed(to) as coming:
            await self._fetch(form, coming, declared)
        return to

    async def _read(self) -> "tuple[pa.Table, Declared]":
        declared, content = Declared.of(await self.schema()), BytesIO()
        await self._fetch("arrow", content, declared)
        return tables.arrow_table(content, declared), declared

    async def _fetch(self, form: Form, into: IO[bytes], declared: Declared) -> None:
        transfer = Transfer(self.asset_id, form, into, declared.digests.get(form))
        while True:
            try:
                async for piece in self._pieces(transfer):
                    transfer.take(piece)
                break
            except httpx.TransportError:
                if not transfer.may_go_on():
                    raise
        transfer.finish()

    async def _pieces(self, transfer: Transfer) -> AsyncIterator[bytes]:
        async with self._client.stream(transfer.call()) as answer:
            transfer.begin(answer.status_code, answer.headers)
            async for piece in answer.aiter_raw():
                yield piece
