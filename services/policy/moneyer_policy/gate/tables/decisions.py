"""Decisions, permits, keys, releases and grants."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

decisions = Table(
    "decisions",
    metadata,
    identifier(),
    Column("run_id", UUID(as_uuid=True), nullable=False),
    Column("round", Integer, nullable=False),
    Column("charter_id", UUID(as_uuid=True), nullable=False, index=True),
    words("requester"),
    words("verdict"),
    Column("failed", ARRAY(Text), nullable=False),
    Column("document", JSONB, nullable=False),
    Column("request", JSONB, nullable=False),
    moment("decided_at"),
    UniqueConstraint("run_id", "round"),
    Index("ix_decisions_decided", "decided_at", "id"),
    Index("ix_decisions_requester", "requester", "decided_at", "id"),
)
"""Round 0 is the gate's own answer; a plan under review is decided again in round 1."""

keys = Table(
    "keys",
    metadata,
    identifier(),
    Column("resource", Text, nullable=False, unique=True),
    reference("population_id", "populations.id", nullable=True),
    Column("partitions", ARRAY(Text), nullable=False),
    words("owner", nullable=True),
    Column("wrapped", LargeBinary),
    Column("shared", Boolean, nullable=False, server_default="false"),
    moment("created_at"),
    moment("destroyed_at", nullable=True),
    moment("overwritten_at", nullable=True),
    moment("shredded_at", nullable=True),
    Index(
        "ix_keys_to_shred", "destroyed_at",
        postgresql_where=text("destroyed_at IS NOT NULL AND shredded_at IS NULL"),
    ),
)  # fmt: skip
"""``shared`` keys have a share in the vault, and do not open without it; ``overwritten_at`` is when that was."""

permits = Table(
    "permits",
    metadata,
    identifier(),
    reference("decision_id", "decisions.id"),
    Column("run_id", UUID(as_uuid=True), nullable=False, unique=True),
    words("requester"),
    words("plan_digest"),
    words("charter_digest"),
    reference("charter_id", "charters.id"),
    Column("account_ids", ARRAY(UUID(as_uuid=True)), nullable=False),
    Column("mechanism", Text, ForeignKey("mechanisms.digest"), nullable=False),
    reference("source_key_id", "keys.id"),
    reference("asset_key_id", "keys.id", nullable=True),
    words("state"),
    Column("redemption_key", Text),
    Column("outcome", Text),
    moment("made_at"),
    moment("expires_at"),
    Index("ix_permits_reserved", "expires_at", postgresql_where=text("state = 'reserved'")),
)

releases = Table(
    "releases",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False),
    Column("round", Integer, nullable=False),
    Column("assay_id", UUID(as_uuid=True), nullable=False),
    reference("permit_id", "permits.id"),
    words("verdict"),
    Column("document", JSONB, nullable=False),
    moment("decided_at"),
    UniqueConstraint("asset_id", "round"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, index=True),
    Column("substitute", UUID(as_uuid=True)),
    words("because"),
    words("withdrawn_by"),
    moment("at"),
)
"""An asset's first row withdraws it; each after that names another substitute."""
