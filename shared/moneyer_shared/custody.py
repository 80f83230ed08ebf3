"""Tables and blobs that are never in clear at rest.

A table version has one data key. Each object's own key is derived from it with HKDF-SHA256 (RFC 5869)
over the object's name, so no AES-GCM key ever seals two objects, and the name is authenticated with
the bytes: an object moved to another name does not open. Tables are Parquet Modular Encryption with
an encrypted footer; blobs are AES-256-GCM.
"""

import io
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from obstore.store import LocalStore, ObjectStore, from_url

KEY_BYTES = 32
NONCE_BYTES = 12
STORE_VARIABLES = ("AWS_", "GOOGLE_", "AZURE_")
PART_BYTES = 8 * 2**20
GROUP_ROWS = 65_536


class SealBroken(Exception):
    """The object is not what its name and key say it is."""


class StoreUnfit(Exception):
    """The object store writes over what was to be written once only, or does not know how not to."""


def open_store(url: str, *, retries: int | None = None) -> ObjectStore:
    """The object store at ``file:///…``, ``s3://…``, ``gs://…`` or ``az://…``.

    Endpoint, region and credentials come from the environment, by the names the providers' own tools use.
    """
    if url.startswith("file://"):
        return from_url(url, mkdir=True)
    return from_url(url) if retries is None else from_url(url, retry_config={"max_retries": retries})


def check_writes_once(url: str) -> None:
    """That the store at ``url`` refuses to write a name twice, which every object here relies on; it is tried.

    Raises:
        StoreUnfit: it writes over the first, or refuses to be asked not to.
        Exception: it does not answer, or lets nobody write: whatever the store's own error is.
    """
    store, names = open_store(url, retries=1), [f"probes/{uuid4()}" for _ in range(2)]
    try:
        _write_twice(store, *names)
    finally:
        for name in names:
            # A store whose objects nobody may delete keeps a few bytes.
            with suppress(Exception):
                obstore.delete(store, name)


def _write_twice(store: ObjectStore, name: str, other: str) -> None:
    try:
        put_new(store, name, b"first")
    except Exception as error:
        # What fails of any write is an outage or a missing right, and not the condition.
        obstore.put(store, other, b"whatever stands there")
        raise StoreUnfit("it does not know how to write a name only if it is not there (If-None-Match: *)") from error
    try:
        put_new(store, name, b"second")
    except FileExistsError:
        return
    raise StoreUnfit("it wrote over an object that was to be written only if it was not there (If-None-Match: *)")


def store_environment() -> dict[str, str]:
    """What this process' environment says of object stores, for a child whose own says nothing."""
    return {name: value for name, value in os.environ.items() if name.startswith(STORE_VARIABLES)}


def object_key(data_key: bytes, name: str) -> bytes:
    """The 32-byte key of one object under a table version's data key."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=name.encode()).derive(data_key)


def seal_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema, data_key: bytes, name: str) -> pa.Buffer:
    """Encrypted Parquet of the batches, in memory."""
    sink = pa.BufferOutputStream()
    with _sealing(sink, schema, data_key, name) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


class TableSeal:
    """Encrypted Parquet on its way into the store, batch by batch; it is there once all of it is, or not at all."""

    def __init__(self, store: ObjectStore, name: str, schema: pa.Schema, data_key: bytes) -> None:
        self._writing = obstore.open_writer(store, name, buffer_size=PART_BYTES)
        self._sink = _Sink(self._writing)
        self._parquet = _sealing(self._sink, schema, data_key, name)
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Seal these rows, a row group at most at a time."""
        self.rows += table.num_rows
        self._parquet.write_table(table, row_group_size=GROUP_ROWS)

    def finish(self) -> int:
        """Put the object into the store; its size in bytes. An unfinished one leaves nothing there."""
        self._parquet.close()
        self._writing.close()
        return self._sink.written


def _sealing(sink: Any, schema: pa.Schema, data_key: bytes, name: str) -> pq.ParquetWriter:
    properties = pe.create_encryption_properties(
        object_key(data_key, name), aad_prefix=name.encode(), store_aad_prefix=False
    )
    return pq.ParquetWriter(sink, schema, compression="zstd", compression_level=1, encryption_properties=properties)


def unseal_table(sealed: bytes | memoryview, data_key: bytes, name: str) -> pq.ParquetFile:
    """The Parquet file under the seal.

    Raises:
        SealBroken: wrong key, another object's bytes, or bytes that were changed.
    """
    return _opened(pa.BufferReader(sealed), data_key, name)


def _opened(source: Any, data_key: bytes, name: str) -> pq.ParquetFile:
    properties = pe.create_decryption_properties(object_key(data_key, name), aad_prefix=name.encode())
    try:
        return pq.ParquetFile(source, decryption_properties=properties)
    except (OSError, pa.ArrowException) as error:
        raise SealBroken(name) from error


def seal_blob(content: bytes, data_key: bytes, name: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(object_key(data_key, name)).encrypt(nonce, content, name.encode())


def unseal_blob(sealed: bytes, data_key: bytes, name: str) -> bytes:
    """The content under the seal.

    Raises:
        SealBroken: wrong key, another object's bytes, or bytes that were changed.
    """
    try:
        return AESGCM(object_key(data_key, name)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken(name) from error


def put_new(store: ObjectStore, name: str, content: bytes | memoryview) -> None:
    """Write an object that must not exist yet.

    Raises:
        FileExistsError: somebody wrote it before; objects are never replaced.
    """
    try:
        obstore.put(store, name, bytes(content), mode="create")
    except obstore.exceptions.AlreadyExistsError as error:
        raise FileExistsError(name) from error


def get(store: ObjectStore, name: str) -> memoryview:
    return memoryview(obstore.get(store, name).bytes())


def open_table(store: ObjectStore, name: str, data_key: bytes) -> pq.ParquetFile:
    """A sealed table, read from the store as it is asked for.

    Raises:
        FileNotFoundError: there is no such object.
        SealBroken: it does not open under its seal.
    """
    return _opened(_Stored(obstore.open_reader(store, name)), data_key, name)


def read_table(store: ObjectStore, name: str, data_key: bytes) -> pa.Table:
    return unseal_table(get(store, name), data_key, name).read()


def exists(store: ObjectStore, name: str) -> bool:
    try:
        obstore.head(store, name)
    except FileNotFoundError:
        return False
    return True


def remove(store: ObjectStore, prefix: str) -> None:
    """Remove whatever lies under a prefix, half-written files of a folder included.

    Parts of an upload to a bucket that was never finished are no objects: the bucket's own rule removes those.
    """
    found = [entry["path"] for page in obstore.list(store, prefix) for entry in page]
    if found:
        obstore.delete(store, found)
    if isinstance(store, LocalStore) and store.prefix is not None:
        shutil.rmtree(Path(store.prefix) / prefix, ignore_errors=True)


class _Sink(io.RawIOBase):
    """What pyarrow writes to: a file object of Python's making over the store's."""

    def __init__(self, writing: Any) -> None:
        self._writing = writing
        self.written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._writing.write(bytes(data))
        self.written += len(data)
        return len(data)


class _Stored(io.RawIOBase):
    """What pyarrow reads from."""

    def __init__(self, reading: Any) -> None:
        self._reading = reading

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._reading.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reading.tell())

    def readinto(self, buffer: Any) -> int:
        got = bytes(self._reading.read(len(buffer)))
        buffer[: len(got)] = got
        return len(got)
