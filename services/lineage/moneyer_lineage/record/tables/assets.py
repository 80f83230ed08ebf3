"""Assets: what was tried, and what became of them."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import moment, words

outcomes = Table(
    "outcomes",
    metadata,
    Column("asset_id", Text, primary_key=True),
    Column("source_id", Text, index=True),
    Column("charter_id", Text, index=True),
    Column("use_case", Text),
    Column("generator", Text, index=True),
    Column("parameters", JSONB(none_as_null=True)),
    Column("guarantee", Text),
    Column("rows", BigInteger),
    Column("rationale", Text),
    Column("decision", Text),
    Column("failed", JSONB(none_as_null=True)),
    Column("epsilon", Text),
    Column("verdict", Text),
    Column("failure", Text),
    Column("figures", JSONB(none_as_null=True)),
    Column("ranks", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_outcomes_created", "created_at", "asset_id"),
)
"""The library of what was tried: one row an asset that anybody planned, allowed or not.

``ranks`` say of each column which event it is the word of, and whose (``record.rules.statements``).
"""

asset_changes = Table(
    "asset_changes",
    metadata,
    words("asset_id"),
    moment("at"),
    words("change"),
    Column("because", Text),
    Column("substitute", Text),
    moment("announced_at", nullable=True),
    moment("carded_at", nullable=True),
    PrimaryKeyConstraint("asset_id", "at", "change"),
    Index("ix_asset_changes_unannounced", "at", postgresql_where=text("announced_at IS NULL")),
    Index("ix_asset_changes_uncarded", "at", postgresql_where=text("carded_at IS NULL")),
)
"""Every step of an asset's life after its table was made: what it was at a time is its last change by then."""
