"""Whom the house calls, and what each is still to be told."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import identifier, moment, words

webhooks = Table(
    "webhooks",
    metadata,
    identifier(),
    words("owner"),
    words("url"),
    Column("generation", Integer, nullable=False, server_default="1"),
    moment("made_at"),
    moment("rotated_at", nullable=True),
    moment("ended_at", nullable=True),
    Column("ended_because", Text),
    Index("ix_webhooks_owner", "owner"),
)
"""``generation`` counts a webhook's secrets; the secrets themselves are derived, and stand in no database."""

deliveries = Table(
    "deliveries",
    metadata,
    identifier(),
    Column("webhook_id", UUID(as_uuid=True), ForeignKey("webhooks.id"), nullable=False),
    words("event_id"),
    Column("event", JSONB, nullable=False),
    moment("made_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    moment("due_at"),
    moment("delivered_at", nullable=True),
    moment("given_up_at", nullable=True),
    Column("answer", Text),
    UniqueConstraint("webhook_id", "event_id"),
    Index("ix_deliveries_due", "due_at", postgresql_where=text("delivered_at IS NULL AND given_up_at IS NULL")),
)
"""``answer`` is how the last attempt ended."""
