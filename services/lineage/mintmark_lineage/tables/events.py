"""OpenLineage events, and what they tell of runs, jobs and datasets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from mintmark_lineage.tables.metadata import metadata
from mintmark_shared.database import identifier, moment, words

events = Table(
    "events",
    metadata,
    identifier(),
    Column("digest", Text, nullable=False),
    Column("event", JSONB, nullable=False),
    Column("run_id", Text, index=True),
    Column("parent_run_id", Text, index=True),
    Column("event_time", DateTime(timezone=True), primary_key=True),
    moment("received_at"),
    Column("vouched", Boolean, nullable=False, server_default="false"),
    Column("written_in", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint")),
    UniqueConstraint("digest", "event_time"),
    Index("ix_events_event_time", "event_time", "id"),
    Index("ix_events_written", "written_in", "id"),
    postgresql_partition_by="RANGE (event_time)",
)

"""Kept by month of their time, in tables of the schema ``months``; what no month is open for lies in its ``others``.

A digest is that of the whole event, so two of the same digest have the same time: one in a month is one in all.
``vouched`` events came from the outbox of a service of the house: only these may speak of assets.
``written_in`` is the transaction of a row: in its order, what is behind the oldest running one is complete.
"""

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

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    words("job_namespace"),
    words("job_name"),
    Column("state", Text),
    moment("state_at", nullable=True),
    moment("started_at", nullable=True),
    moment("ended_at", nullable=True),
    Column("nominal_start", Text),
    Column("nominal_end", Text),
    Column("facets", JSONB, nullable=False),
    Column("job_facets", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_runs_job", "job_namespace", "job_name", "created_at"),
)

jobs = Table(
    "jobs",
    metadata,
    words("namespace"),
    words("name"),
    Column("type", Text),
    Column("description", Text),
    Column("location", Text),
    Column("latest_run", Text),
    Column("inputs", JSONB, nullable=False),
    Column("outputs", JSONB, nullable=False),
    Column("facets", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
)

datasets = Table(
    "datasets",
    metadata,
    words("namespace"),
    words("name"),
    Column("fields", JSONB(none_as_null=True)),
    Column("current_version", Text),
    Column("description", Text),
    Column("lifecycle_state", Text),
    moment("last_modified_at", nullable=True),
    Column("facets", JSONB, nullable=False),
    Column("tags", JSONB, nullable=False, server_default="{}"),
    moment("created_at"),
    moment("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
)
"""``tags`` are those of the dataset under the empty name, and of its fields under theirs."""

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("version", Text, primary_key=True),
    words("namespace"),
    words("name"),
    words("run_id"),
    Column("fields", JSONB(none_as_null=True)),
    Column("lifecycle_state", Text),
    Column("facets", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_dataset_versions_dataset", "namespace", "name", "created_at"),
)

tags = Table(
    "tags",
    metadata,
    Column("name", Text, primary_key=True),
    Column("description", Text),
    moment("made_at"),
)

forwards = Table(
    "forwards",
    metadata,
    Column("sink", Text, primary_key=True),
    Column("written_in", BigInteger, nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    moment("at"),
)
"""How far each other sink of OpenLineage has been told, and how many events it would not have."""
