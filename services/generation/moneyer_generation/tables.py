"""Generation's own database (the queue's tables are pgqueuer's and installed by a migration)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from moneyer_shared.database import identifier, moment, service_metadata, words
from moneyer_shared.idempotency import idempotency_table
from moneyer_shared.journal import journal_tables
from moneyer_shared.ownership import owners_table

metadata = service_metadata()
journal = journal_tables(metadata, "generation")
idempotency_keys = idempotency_table(metadata)
owners = owners_table(metadata)

sources = Table(
    "sources",
    metadata,
    identifier(),
    Column("name", Text, nullable=False, unique=True),
    Column("declaration", JSONB, nullable=False),
    words("registered_by"),
    moment("registered_at"),
)

source_versions = Table(
    "source_versions",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("source_id", UUID(as_uuid=True), ForeignKey("sources.id"), nullable=False, index=True),
    Column("key_id", UUID(as_uuid=True), nullable=False),
    words("train_object"),
    words("holdout_object"),
    Column("train_rows", BigInteger, nullable=False),
    Column("holdout_rows", BigInteger, nullable=False),
    Column("sealed_bytes", BigInteger, nullable=False),
    words("uploaded_by"),
    moment("uploaded_at"),
    Column("pulled", JSONB),
)

connections = Table(
    "connections",
    metadata,
    identifier(),
    Column("name", Text, nullable=False, unique=True),
    Column("target", JSONB, nullable=False),
    Column("secret_ref", Text),
    Column("users", JSONB, nullable=False),
    words("registered_by"),
    moment("registered_at"),
    moment("retired_at", nullable=True),
    moment("tested_at", nullable=True),
    Column("problem", JSONB),
)

pulls = Table(
    "pulls",
    metadata,
    identifier(),
    Column("source_id", UUID(as_uuid=True), ForeignKey("sources.id"), nullable=False, index=True),
    Column("connection_id", UUID(as_uuid=True), ForeignKey("connections.id"), nullable=False),
    Column("follows", UUID(as_uuid=True), ForeignKey("pulls.id")),
    Column("asked", JSONB, nullable=False),
    Column("every_seconds", BigInteger),
    words("state"),
    Column("cancel_requested", Boolean, nullable=False, server_default="false"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("holder", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    Column("received_bytes", BigInteger),
    Column("rows", BigInteger),
    Column("digest", Text),
    Column("salt", LargeBinary, nullable=False),
    Column("planned_version", UUID(as_uuid=True)),
    Column("version_id", UUID(as_uuid=True)),
    Column("problem", JSONB),
    words("requested_by"),
    moment("requested_at"),
    moment("due_at"),
    moment("changed_at"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    words("requester"),
    words("fingerprint"),
    Column("plan", JSONB, nullable=False),
    Column("offer", JSONB, nullable=False),
    Column("decision", JSONB, nullable=False),
    Column("source_version_id", UUID(as_uuid=True), ForeignKey("source_versions.id"), nullable=False),
    Column("state", Text, nullable=False, index=True),
    words("guarantee"),
    Column("charter_id", UUID(as_uuid=True), nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("redeemed", Boolean, nullable=False, server_default="false"),
    Column("settled", Boolean, nullable=False, server_default="false"),
    Column("model_sealed", Boolean, nullable=False, server_default="false"),
    Column("cancel_requested", Boolean, nullable=False, server_default="false"),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("holder", UUID(as_uuid=True), nullable=False, server_default=text("gen_random_uuid()")),
    Column("failure", Text),
    Column("asset", JSONB),
    Column("measured", JSONB),
    Column("assay_id", UUID(as_uuid=True)),
    moment("requested_at"),
    moment("changed_at"),
    Index("ix_runs_turns", "charter_id", "rank", "turn"),
    Index("ix_runs_requested", "requested_at", "id"),
    Index("ix_runs_requester", "requester", "requested_at", "id"),
    Index("ix_runs_charter", "charter_id", "requested_at", "id"),
    Index("ix_runs_source", text("(plan ->> 'source_id')"), "requested_at", "id"),
    Index("ix_runs_begun", "turn", postgresql_where=text("redeemed")),
)

searches = Table(
    "searches",
    metadata,
    identifier(),
    words("requester"),
    Column("request", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("cancel_requested", Boolean, nullable=False, server_default="false"),
    Column("asset_id", UUID(as_uuid=True)),
    Column("because", Text),
    moment("requested_at"),
    moment("changed_at"),
)

trials = Table(
    "trials",
    metadata,
    Column("search_id", UUID(as_uuid=True), ForeignKey("searches.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run_id", UUID(as_uuid=True), ForeignKey("runs.id"), nullable=False),
    Column("state", Text, nullable=False),
    words("epsilon"),
    Column("charged", Boolean, nullable=False, server_default="false"),
    Column("shortfall", Text),
    moment("begun_at"),
)

audits = Table(
    "audits",
    metadata,
    identifier(),
    words("requester"),
    words("generator"),
    Column("parameters", JSONB, nullable=False),
    Column("fits", Integer, nullable=False),
    words("state"),
    Column("scores", JSONB),
    Column("verdict", Text),
    Column("failure", Text),
    moment("requested_at"),
    moment("changed_at"),
)
