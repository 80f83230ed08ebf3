"""Keys that were to be destroyed: shredded, tried from a fresh process, certified."""

import asyncio
import hashlib
import json
import logging
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.rules.certificate import Destruction, final, provisional
from moneyer_policy.assets.store.assets import AssetStore
from moneyer_policy.assets.use_cases.keyring import WrappedKey
from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.assets.use_cases.recovery import is_recoverable
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_shared.canonical import digest
from moneyer_shared.journal import AuditEvent

logger = logging.getLogger("moneyer.destruction")
FINAL = "certificate.final"


async def destroy_due(office: Office) -> int:
    """Finish what retirements began; returns how many keys are certainly gone now.

    Shredding is repeated after a crash and changes nothing then; certificate, audit event and the row's
    end commit together. A key that can still be recovered gets no certificate, nor does one whose share
    was gone before anybody overwrote it: then this is not the vault it was put into. Both are tried again.
    """
    async with office.database.transaction() as connection:
        waiting = await AssetStore(connection).keys_to_shred()
    return sum([await _destroy(office, row) for row in waiting])


async def _destroy(office: Office, row: Any) -> bool:
    if row.shared and not await _shred(office, row):
        logger.error("the vault has no share of a key to destroy", extra={"fields": {"key": str(row.id)}})
        return False
    if await is_recoverable(office.keyring, _what_stays(row)):
        logger.error("a destroyed key can still be recovered", extra={"fields": {"key": str(row.id)}})
        return False
    now = office.clock()
    async with office.database.transaction() as connection:
        store = AssetStore(connection)
        if (await store.lock_key(row.id)).shredded_at is not None:
            return False
        gone = await _destruction(office, connection, row, now)
        await store.set_key(row.id, wrapped=None, shredded_at=now)
        await _issue(office, connection, provisional(gone), now)
        if gone.shared:
            await CalendarStore(connection).schedule(FINAL, f"asset:{gone.asset_id}", gone.backups_until, now)
    return True


async def _shred(office: Office, row: Any) -> bool:
    """Whether the share lay where it was put, and was overwritten there: that is noted before its file goes."""
    vault = office.keyring.vault
    if await asyncio.to_thread(vault.overwrite, row.id):
        async with office.database.transaction() as connection:
            await AssetStore(connection).set_key(row.id, overwritten_at=office.clock())
    elif row.overwritten_at is None:
        return False
    vault.forget(row.id)
    return True


def _what_stays(row: Any) -> WrappedKey:
    """The wrapped form is harmless without a share, and is tried; one from before there were shares goes with this."""
    return WrappedKey(row.id, row.resource, row.wrapped if row.shared else None, row.shared)


async def _destruction(office: Office, connection: AsyncConnection, row: Any, now: datetime) -> Destruction:
    asset_id = row.resource.removeprefix("asset:")
    review = await ReviewStore(connection).latest_on("retirement", row.resource)
    return Destruction(
        asset_id=asset_id,
        key_id=str(row.id),
        fingerprint=hashlib.sha256(row.wrapped or b"").hexdigest(),
        shared=row.shared,
        review_id=str(review.id) if review is not None else None,
        tool=f"moneyer {version('moneyer')}",
        created_at=row.created_at,
        destroyed_at=row.destroyed_at,
        verified_at=now,
        backups_until=now + office.backups_kept,
    )


async def make_final(office: Office, connection: AsyncConnection, due: Any, now: datetime) -> None:
    """The day no backup of the vault is left."""
    issued = await AssetStore(connection).certificates(UUID(due.subject.removeprefix("asset:")))
    statement = json.loads(b64decode(issued[0].envelope["payload"]))
    await _issue(office, connection, final(statement, now), now)


async def _issue(office: Office, connection: AsyncConnection, statement: Mapping[str, Any], now: datetime) -> None:
    envelope, told = office.signer.sign_statement(statement), statement["predicate"]
    asset_id, status = told["asset"], told["status"]
    await AssetStore(connection).add_certificate(asset_id=UUID(asset_id), status=status, envelope=envelope, at=now)
    event = AuditEvent("policy", "certificate.issue", f"asset:{asset_id}", status, {"certificate": digest(envelope)})
    await journal.record(connection, now, event)


async def certificates_of(connection: AsyncConnection, asset_id: UUID) -> list[dict[str, Any]]:
    """The certificates of an asset's destruction, oldest first."""
    return [
        {"status": row.status, "issued_at": row.issued_at.isoformat(), "envelope": row.envelope}
        for row in await AssetStore(connection).certificates(asset_id)
    ]
