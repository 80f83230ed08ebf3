"""Keys that were to be destroyed: shredded, tried from a fresh process, certified."""

import asyncio
import hashlib
import json
import logging
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import UUID

from moneyer_policy.assets.documents.assets import Certificate, CertificateKey
from moneyer_policy.assets.rules.certificate import Destruction, final, provisional
from moneyer_policy.assets.store.assets import AssetStore, EndingKey
from moneyer_policy.assets.store.copies import CopyStore
from moneyer_policy.assets.use_cases.keyring import WrappedKey
from moneyer_policy.assets.use_cases.recovery import is_recoverable
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.work import ITSELF, Flow, Work
from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.journal import AuditEvent

if TYPE_CHECKING:
    from moneyer_policy.dependencies import Dependencies

logger = logging.getLogger("moneyer.destruction")
FINAL = "certificate.final"


async def list_certificates(work: Work, asset_id: UUID) -> list[Certificate]:
    """The certificates of an asset's destruction, the oldest first.

    Raises:
        NotFound: no permit was given for such an asset.
    """
    store = AssetStore(work.connection)
    await store.permit_of_run(asset_id)
    return await store.certificates(asset_id)


async def get_certificate_key(flow: Flow) -> CertificateKey:
    """The public key that certificates are signed with."""
    signer = flow.dependencies.signer
    return CertificateKey(key_id=signer.key_id, ed25519=signer.public_key)


async def destroy_due(dependencies: "Dependencies") -> int:
    """Finish what retirements began; returns how many keys are certainly gone now.

    Shredding is repeated after a crash and changes nothing then; certificate, audit event and the row's
    end commit together. A key that can still be recovered gets no certificate, nor does one whose share
    was gone before anybody overwrote it: then this is not the vault it was put into. Both are tried again.
    """
    async with dependencies.begin(Work, ITSELF, read_only=True) as work:
        waiting = await AssetStore(work.connection).keys_to_shred()
    return sum([await _destroy(dependencies, key) for key in waiting])


async def _destroy(dependencies: "Dependencies", key: EndingKey) -> bool:
    if key.shared and not await _shred(dependencies, key):
        logger.error("the vault has no share of a key to destroy", extra={"fields": {"key": str(key.id)}})
        return False
    if await is_recoverable(dependencies.keyring, _what_stays(key)):
        logger.error("a destroyed key can still be recovered", extra={"fields": {"key": str(key.id)}})
        return False
    async with dependencies.begin(Work, ITSELF) as work:
        store = AssetStore(work.connection)
        if (await store.lock_ending_key(key.id)).shredded_at is not None:
            return False
        gone = await _destruction(work, key)
        await store.set_key(key.id, wrapped=None, shredded_at=work.now)
        await _issue(work, provisional(gone))
        if gone.shared:
            await work.schedule(FINAL, f"asset:{gone.asset_id}", gone.backups_until)
    return True


async def _shred(dependencies: "Dependencies", key: EndingKey) -> bool:
    """Whether the share lay where it was put, and was overwritten there: that is noted before its file goes."""
    vault = dependencies.keyring.vault
    if await asyncio.to_thread(vault.overwrite, key.id):
        async with dependencies.begin(Work, ITSELF) as work:
            await AssetStore(work.connection).set_key(key.id, overwritten_at=work.now)
    elif key.overwritten_at is None:
        return False
    vault.forget(key.id)
    return True


def _what_stays(key: EndingKey) -> WrappedKey:
    """The wrapped form is harmless without a share, and is tried; one from before there were shares goes with this."""
    return WrappedKey(key.id, key.resource, key.wrapped if key.shared else None, key.shared)


async def _destruction(work: Work, key: EndingKey) -> Destruction:
    review = await ReviewStore(work.connection).latest_on("retirement", key.resource)
    return Destruction(
        asset_id=str(key.asset_id),
        key_id=str(key.id),
        fingerprint=hashlib.sha256(key.wrapped or b"").hexdigest(),
        shared=key.shared,
        review_id=str(review.id) if review is not None else None,
        tool=f"moneyer {version('moneyer')}",
        created_at=key.created_at,
        destroyed_at=key.destroyed_at,
        verified_at=work.now,
        backups_until=work.now + work.dependencies.backups_kept,
        copies=await _copies(work, key.asset_id),
    )


async def _copies(work: Work, asset_id: UUID) -> Sequence[tuple[str, datetime]]:
    """The deliveries whose copies lie, or may lie, where no key reaches."""
    return [(str(one.delivery_id), one.opened_at) for one in await CopyStore(work.connection).outside(asset_id)]


async def make_final(work: Work, asset_id: UUID) -> None:
    """Certify the destruction once more, on the day that no backup of the vault is left."""
    issued = await AssetStore(work.connection).certificates(asset_id)
    known = json.loads(b64decode(issued[0].envelope["payload"]))
    await _issue(work, final(known, work.now, await _copies(work, asset_id)))


async def _issue(work: Work, statement: Mapping[str, Any]) -> None:
    envelope, told = work.dependencies.signer.sign_statement(statement), statement["predicate"]
    certificate = Certificate(status=told["status"], issued_at=work.now, envelope=dict(envelope))
    await AssetStore(work.connection).add_certificate(UUID(told["asset"]), certificate)
    subject, details = f"asset:{told['asset']}", {"certificate": digest(envelope)}
    await work.tell(AuditEvent("policy", Action.CERTIFICATE_ISSUE, subject, certificate.status, details))
