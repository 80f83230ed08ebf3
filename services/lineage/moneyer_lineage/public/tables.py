"""Cards as they are published."""

from sqlalchemy import Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import moment, words

cards = Table(
    "cards",
    metadata,
    Column("asset_id", Text, primary_key=True),
    words("charter_id"),
    words("level"),
    Column("card", JSONB, nullable=False),
    moment("composed_at"),
    moment("published_at"),
    Index("ix_cards_charter_id", "charter_id"),
    Index("ix_cards_published", "published_at", "asset_id"),
)
"""What is published of an asset: nothing, an empty card, where its charter discloses nothing."""

charter_cards = Table(
    "charter_cards",
    metadata,
    Column("charter_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    words("level"),
    Column("card", JSONB, nullable=False),
    moment("composed_at"),
)
