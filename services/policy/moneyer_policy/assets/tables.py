"""What is certified of an asset, and who may read it."""

from sqlalchemy import Column, Index, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, UUID

from moneyer_policy.metadata import metadata
from moneyer_shared.database import identifier, moment, words

certificates = Table(
    "certificates",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False),
    words("status"),
    Column("envelope", JSONB, nullable=False),
    moment("issued_at"),
    UniqueConstraint("asset_id", "status"),
)

grants = Table(
    "grants",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, index=True),
    words("subject"),
    words("use_case"),
    words("granted_by"),
    moment("granted_at"),
    moment("valid_until"),
    Index("ix_grants_subject", "subject", "valid_until"),
)
