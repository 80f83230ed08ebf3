"""Data keys in two halves, so that one of them can be destroyed.

A data key is wrapped under the master key *and* a random share of its own (AES-256-GCM under
HKDF-SHA256, RFC 5869, of the master key salted with the share). The wrapped form stands in Postgres,
whose pages, log and backups remember it for a while whatever is deleted; the share stands in the vault
alone, a file of 32 bytes that is overwritten where it lies. Without it nothing opens the wrapped form.
"""

import asyncio
import os
import uuid
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases import stops
from moneyer_policy.gate.store.decisions import StoredKey
from moneyer_policy.gate.store.rulebook import RulebookStore
from moneyer_shared.contracts.policy import KeyRequest
from moneyer_shared.errors import Gone, Unavailable

KEY_BYTES = 32
NONCE_BYTES = 12
PRIVATE = 0o600


class Vault:
    """A folder of shares, one file a key, on a disk that overwrites in place and that nothing copies unasked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def place(self, key_id: UUID) -> bytes:
        """A new share of 32 bytes, on the disk before this returns.

        Raises:
            Unavailable: the vault takes nothing now.
        """
        share = os.urandom(KEY_BYTES)
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._path(key_id), share, os.O_CREAT | os.O_EXCL)
        except OSError as error:
            raise Unavailable("The vault of keys takes nothing now; try again.") from error
        return share

    def share(self, key_id: UUID) -> bytes | None:
        """The share of a key, or None where there is none.

        Raises:
            Unavailable: the vault cannot be read.
        """
        try:
            return self._path(key_id).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("The vault of keys cannot be read now; try again.") from error

    def overwrite(self, key_id: UUID) -> bool:
        """Put other bytes where a share lies, on the disk before this returns; False where there is none."""
        try:
            self._write(self._path(key_id), os.urandom(KEY_BYTES), 0)
        except FileNotFoundError:
            return False
        return True

    def forget(self, key_id: UUID) -> None:
        """Remove the file of a share that was overwritten."""
        self._path(key_id).unlink(missing_ok=True)

    def _path(self, key_id: UUID) -> Path:
        return self.directory / key_id.hex

    def _write(self, path: Path, content: bytes, how: int) -> None:
        opened = os.open(path, os.O_WRONLY | how, PRIVATE)
        try:
            os.write(opened, content)
            os.fsync(opened)
        finally:
            os.close(opened)
        self._sync_directory()

    def _sync_directory(self) -> None:
        opened = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@dataclass(frozen=True)
class WrappedKey:
    """A key as its row says. ``shared``: it has a share in the vault, and does not open without it."""

    id: UUID
    resource: str
    wrapped: bytes | None
    shared: bool

    @classmethod
    def of(cls, row: StoredKey) -> Self:
        return cls(row.id, row.resource, row.wrapped, row.shared)


@dataclass(frozen=True)
class Opening:
    """What keys are opened for: a run, and whether its table is out, so that how it was made stops it no more."""

    run_id: UUID
    at: datetime
    released: bool = False


class Keyring:
    """Makes and opens data keys; the resource a key is for is authenticated with it.

    ``open`` and ``make`` are the only two ways to a key in clear, and both ask first whether anything the key has
    to do with is stopped now.
    """

    def __init__(self, master_key: str, vault: Vault) -> None:
        self.master_key = master_key
        self._master = b64decode(master_key, validate=True)
        self.vault = vault

    async def open(self, connection: AsyncConnection, key_ids: Sequence[UUID | None], opening: Opening) -> list[str]:
        """These keys in clear, as base64, for a run of which nothing is stopped, nor will be until this commits.

        Raises:
            Conflict: something is stopped; ``suspended`` if for a while, ``stopped`` if for good.
            Gone: a key was destroyed, or never was.
            Unavailable: the vault cannot be read, lacks a key's share, or the master key is another.
        """
        await RulebookStore(connection).hold()
        rows = [await _present(connection, key_id, opening.at) for key_id in key_ids]
        found = [
            *await stops.of_run(connection, opening.run_id, opening.at, released=opening.released),
            *[stop for row in rows for stop in await stops.of_key(connection, row)],
        ]
        stops.refuse_stopped(list(dict.fromkeys(found)))
        return [self._unwrapped(row) for row in rows]

    async def make(self, connection: AsyncConnection, asked: KeyRequest, at: datetime) -> tuple[UUID, str]:
        """A new key of a version of a source or register: its id, and the key as base64, this once.

        Raises:
            Conflict: the source or its population is suspended.
            Unavailable: the vault takes nothing now.
        """
        await RulebookStore(connection).hold()
        stops.refuse_stopped(await stops.of_source(connection, UUID(asked.resource.split(":")[1]), asked.population_id))
        key, whose = os.urandom(KEY_BYTES), asked.model_dump(include={"population_id", "partitions", "owner"})
        key_id = await self._keep(connection, asked.resource, at, key, **whose)
        return key_id, b64encode(key).decode()

    async def make_closed(self, connection: AsyncConnection, resource: str, at: datetime) -> UUID:
        """A new key that only ``open`` shows.

        Raises:
            Unavailable: the vault takes nothing now.
        """
        return await self._keep(connection, resource, at, os.urandom(KEY_BYTES))

    async def give_back(self, connection: AsyncConnection, key_id: UUID, at: datetime) -> None:
        """Destroy a key that nothing came to lie under: its wrapped form goes, and its share is overwritten."""
        await AssetStore(connection).set_key(key_id, destroyed_at=at, shredded_at=at, wrapped=None)
        # Before the commit: if that fails, what stays opens nothing either.
        await asyncio.to_thread(self.vault.overwrite, key_id)
        self.vault.forget(key_id)

    def can_open(self, key: WrappedKey) -> bool:
        """Whether what is left opens the key, whatever was said of its destruction: what an intruder could do."""
        return self._recovered(key) is not None

    async def _keep(
        self, connection: AsyncConnection, resource: str, at: datetime, key: bytes, **whose: object
    ) -> UUID:
        """Write a key down, wrapped. A share whose row never commits opens nothing."""
        key_id, nonce = uuid.uuid4(), os.urandom(NONCE_BYTES)
        share = await asyncio.to_thread(self.vault.place, key_id)
        wrapped = nonce + self._cipher(share).encrypt(nonce, key, resource.encode())
        row: dict[str, object] = {"id": key_id, "resource": resource, "wrapped": wrapped, "shared": True}
        row["created_at"] = at
        await AssetStore(connection).add_key(row | whose)
        return key_id

    def _unwrapped(self, row: StoredKey) -> str:
        key = self._recovered(WrappedKey.of(row))
        if key is None:
            raise Unavailable("A key that was never destroyed does not open: look at the vault and the master key.")
        return b64encode(key).decode()

    def _recovered(self, key: WrappedKey) -> bytes | None:
        share = self.vault.share(key.id) if key.shared else b""
        if key.wrapped is None or share is None:
            return None
        nonce, sealed = key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:]
        try:
            return self._cipher(share).decrypt(nonce, sealed, key.resource.encode())
        except InvalidTag:
            return None

    def _cipher(self, share: bytes) -> AESGCM:
        """The wrapping cipher under a share; keys from before there were shares have the master key alone."""
        if not share:
            return AESGCM(self._master)
        return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=share, info=b"moneyer data key").derive(self._master))


async def _present(connection: AsyncConnection, key_id: UUID | None, at: datetime) -> StoredKey:
    """A key's row as it is under the lock, noted as opened.

    Raises:
        Gone: it was destroyed, or never was.
    """
    store = AssetStore(connection)
    row = await store.key(key_id) if key_id is not None else None
    if row is not None and row.opened_at is None and not row.resource.startswith("asset:"):
        await store.open_first(row.id, at)
        row = await store.key(row.id)
    if row is None:
        raise Gone("The keys of this permit are gone.", code="key-destroyed")
    if row.destroyed_at is not None:
        raise Gone("The key of this table was destroyed.", code="key-destroyed")
    return row
