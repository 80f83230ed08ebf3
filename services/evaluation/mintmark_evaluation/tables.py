"""Evaluation's own database (the queue's tables are pgqueuer's and installed by a migration)."""

from sqlalchemy import Column, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from mintmark_shared.database import identifier, moment, service_metadata, words
from mintmark_shared.idempotency import idempotency_table
from mintmark_shared.journal import journal_tables

metadata = service_metadata()
journal = journal_tables(metadata, "evaluation")
idempotency_keys = idempotency_table(metadata)

assays = Table(
    "assays",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, unique=True),
    Column("request", JSONB, nullable=False),
    words("state"),
    Column("estimates", JSONB),
    Column("not_estimable", JSONB),
    Column("release", JSONB),
    Column("failure", Text),
    moment("requested_at"),
    moment("finished_at", nullable=True),
)
