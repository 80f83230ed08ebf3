"""What is counted once, when it is told, so that no dashboard counts it again."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, PrimaryKeyConstraint, Table, Text, true
from sqlalchemy.dialects.postgresql import UUID

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import moment, words

counts = Table(
    "counts",
    metadata,
    words("measure"),
    moment("hour"),
    words("label"),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("measure", "hour", "label"),
)
"""How many of a kind there were in an hour of UTC, by the times that events tell."""

asset_states = Table(
    "asset_states",
    metadata,
    Column("asset_id", Text, primary_key=True),
    words("state"),
    Index("ix_asset_states_state", "state"),
)
"""What each asset is after all that is counted."""

counted = Table(
    "counted",
    metadata,
    Column("is_only", Boolean, CheckConstraint("is_only", name="one_row"), primary_key=True, server_default=true()),
    Column("written_in", BigInteger, nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    moment("at"),
)
"""The one row says up to which event all are counted, and locks out whoever would count beside."""
