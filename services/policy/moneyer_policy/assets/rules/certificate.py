"""What a certificate of destruction states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PREDICATE = "https://moneyer.dev/certificates/destruction/1"
SHARED = "overwriting the key's share in the vault, without which its wrapped form opens for nobody"
UNSHARED = (
    "removing the key's wrapped form from the database; it was made before keys had shares, so whoever has the master "
    "key and an old copy of the database may still open it"
)


@dataclass(frozen=True)
class Destruction:
    """One key that is no more, and how that was seen."""

    asset_id: str
    key_id: str
    fingerprint: str
    shared: bool
    review_id: str | None
    tool: str
    created_at: datetime
    destroyed_at: datetime
    verified_at: datetime
    backups_until: datetime
    copies: Sequence[tuple[str, datetime]] = ()
    """Of copies outside custody: the delivery, and when the table was opened for it."""


def provisional(it: Destruction) -> Mapping[str, Any]:
    """An in-toto statement (v1) with the fields that NIST SP 800-88 wants in a certificate of sanitization.

    The subject is the key, by the sha256 of its wrapped form. Where a field asks for a device the answer is the
    logical object: cryptographic erase sanitizes every sealed copy of a table wherever it lies. What was read or
    delivered before lies in clear with whoever has it, and is listed as what this is no certificate of.
    """
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"moneyer.key:{it.key_id}", "digest": {"sha256": it.fingerprint}}],
        "predicateType": PREDICATE,
        "predicate": {
            "asset": it.asset_id,
            "status": "provisional",
            "media": {
                "type": "encrypted table, fitted model and reports in an object store, every sealed copy included",
                "identifier": f"asset:{it.asset_id}",
                "source": "moneyer generation",
                "encrypted_from": it.created_at.isoformat(),
                "categorization_before": "confidential",
                "categorization_after": "unreadable",
                "destination_after": "stays where it is, as bytes without a key",
            },
            "sanitization": {
                "method": "purge",
                "technique": "cryptographic erase",
                "description": SHARED if it.shared else UNSHARED,
                "standard": "NIST SP 800-88r2",
                "cipher": "AES-256-GCM",
                "tool": it.tool,
                "authorised_by": f"review:{it.review_id}" if it.review_id else None,
                "performed_at": it.destroyed_at.isoformat(),
            },
            "verification": {
                "method": "a fresh process with database, vault and master key could not recover the key",
                "extent": "full",
                "verified_at": it.verified_at.isoformat(),
            },
            "backups": {"of": "the vault of key shares", "gone_by": it.backups_until.isoformat()},
            "outside_custody": outside_custody(it.copies),
            "issued_at": it.verified_at.isoformat(),
        },
    }


def outside_custody(copies: Sequence[tuple[str, datetime]]) -> Mapping[str, Any]:
    """What a destroyed key does not reach: tables that holders of grants took away, and those delivered for them."""
    return {
        "statement": (
            "Not destroyed by this: whatever holders of grants read while they might, and the deliveries below, each "
            "of which left a copy outside custody or is not known to have left none."
        ),
        "deliveries": [{"id": delivery, "opened_at": at.isoformat()} for delivery, at in copies],
    }


def final(statement: Mapping[str, Any], now: datetime, copies: Sequence[tuple[str, datetime]]) -> Mapping[str, Any]:
    """The same once no backup of the vault is left that could hold the share, with the copies that are known now."""
    told = statement["predicate"] | {"status": "final", "issued_at": now.isoformat()}
    return {**statement, "predicate": told | {"outside_custody": outside_custody(copies)}}
