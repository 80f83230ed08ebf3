"""The audit log."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import moment, words

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
