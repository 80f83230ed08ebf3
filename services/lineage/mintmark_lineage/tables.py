"""Lineage's own database."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from mintmark_shared.database import identifier, moment, service_metadata, words

metadata = service_metadata()

events = Table(
    "events",
    metadata,
    identifier(),
    Column("digest", Text, nullable=False, unique=True),
    Column("event", JSONB, nullable=False),
    Column("run_id", Text, index=True),
    Column("parent_run_id", Text, index=True),
    moment("event_time"),
    moment("received_at"),
)

edges = Table(
    "edges",
    metadata,
    words("run_id"),
    words("direction"),
    words("namespace"),
    words("name"),
    words("job"),
    moment("first_seen"),
    PrimaryKeyConstraint("run_id", "direction", "namespace", "name"),
    Index("ix_edges_dataset", "namespace", "name", "direction"),
    Index("ix_edges_job", "job", "first_seen"),
)

leaves = Table(
    "leaves",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", UUID(as_uuid=True), nullable=False, unique=True),
    Column("leaf", LargeBinary, nullable=False),
    Column("subject", Text, nullable=False, index=True),
    moment("sequenced_at"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("level", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("level", "position"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    words("note"),
    moment("signed_at"),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("size", BigInteger, ForeignKey("checkpoints.size"), nullable=False),
    words("witness"),
    words("line"),
    moment("at"),
    PrimaryKeyConstraint("size", "witness"),
)

outposts = Table(
    "outposts",
    metadata,
    Column("place", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    moment("at"),
)
"""Places outside that are to hold checkpoints, and the newest each has."""
