"""Grants and certificates on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from moneyer_policy.reviews.documents import Subject
from moneyer_shared.contracts.documents import Document, Moment, Name


class GrantRequest(Document):
    subject: Subject
    use_case: Name
    valid_until: Moment


class GrantMade(Document):
    """A grant, or the review it waits for."""

    id: UUID | None = None
    review_id: UUID | None = None
    asset_id: UUID
    subject: str


class CertificateShown(Document):
    """A DSSE envelope around an in-toto statement; ``payload`` is base64 of its RFC 8785 form."""

    status: Literal["provisional", "final"]
    issued_at: datetime
    envelope: dict[str, Any]


class CertificateKey(Document):
    """An Ed25519 public key, 32 bytes in base64, and the name envelopes call it by."""

    key_id: str
    ed25519: str


class GrantShown(Document):
    subject: str
    use_case: str
    granted_by: str
    granted_at: datetime
    valid_until: datetime
