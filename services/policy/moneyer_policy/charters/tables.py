"""Charters, their versions, and what stops one at once."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

charters = Table(
    "charters",
    metadata,
    identifier(),
    words("created_by"),
    moment("created_at"),
    moment("retired_at", nullable=True),
)

charter_versions = Table(
    "charter_versions",
    metadata,
    reference("charter_id", "charters.id"),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    words("digest"),
    words("state"),
    words("author"),
    Column("authors", ARRAY(Text), nullable=False),
    words("submitter", nullable=True),
    moment("changed_at"),
    moment("in_force_at", nullable=True),
    moment("approved_until", nullable=True),
    PrimaryKeyConstraint("charter_id", "version"),
)

suspensions = Table(
    "suspensions",
    metadata,
    identifier(),
    words("kind"),
    Column("subject", UUID(as_uuid=True), nullable=False, index=True),
    words("reason"),
    Column("incident_id", UUID(as_uuid=True)),
    Column("review_id", UUID(as_uuid=True)),
    words("suspended_by"),
    moment("suspended_at"),
    Column("lifted_by", Text),
    moment("lifted_at", nullable=True),
)
