"""Tables and blobs that are never in clear at rest.

A table version has one data key. Each object's own key is derived from it with HKDF-SHA256 (RFC 5869)
over the object's name, so no AES-GCM key ever seals two objects, and the name is authenticated with
the bytes: an object moved to another name does not open. Tables are Parquet Modular Encryption with
an encrypted footer; blobs are AES-256-GCM.
"""

import os
from collections.abc import Iterable
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from obstore.store import ObjectStore, from_url

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(Exception):
    """The object is not what its name and key say it is."""


def open_store(url: str) -> ObjectStore:
    """The object store at ``file:///…``, ``s3://…``, ``gs://…`` or ``az://…``."""
    if url.startswith("file://"):
        return from_url(url, mkdir=True)
    return from_url(url)


def object_key(data_key: bytes, name: str) -> bytes:
    """The 32-byte key of one object under a table version's data key."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=name.encode()).derive(data_key)


def seal_table(batches: Iterable[pa.RecordBatch], schema: pa.Schema, data_key: bytes, name: str) -> pa.Buffer:
    """Encrypted Parquet of the batches."""
    properties = pe.create_encryption_properties(
        object_key(data_key, name), aad_prefix=name.encode(), store_aad_prefix=False
    )
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink, schema, compression="zstd", compression_level=1, encryption_properties=properties
    ) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def unseal_table(sealed: Any, data_key: bytes, name: str) -> pq.ParquetFile:
    """The Parquet file under the seal.

    Raises:
        SealBroken: wrong key, another object's bytes, or bytes that were changed.
    """
    properties = pe.create_decryption_properties(object_key(data_key, name), aad_prefix=name.encode())
    try:
        return pq.ParquetFile(pa.BufferReader(sealed), decryption_properties=properties)
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


def put_new(store: ObjectStore, name: str, content: Any) -> None:
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


def read_table(store: ObjectStore, name: str, data_key: bytes) -> pa.Table:
    return unseal_table(get(store, name), data_key, name).read()


def exists(store: ObjectStore, name: str) -> bool:
    try:
        obstore.head(store, name)
    except FileNotFoundError:
        return False
    return True
