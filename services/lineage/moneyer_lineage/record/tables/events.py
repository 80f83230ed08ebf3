"""OpenLineage events, and what they tell of runs, jobs and datasets."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
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

from moneyer_lineage.metadata import metadata
from moneyer_shared.database import identifier, moment, words

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
    words("told_by", nullable=True),
    Column("written_in", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint")),
    UniqueConstraint("digest", "event_time"),
    Index("ix_events_event_time", "event_time", "id"),
    Index("ix_events_written", "written_in", "id"),
    postgresql_partition_by="RANGE (event_time)",
)

"""Kept by month of their time, in tables of the schema ``months``; what no month is open for lies in its ``others``.

A digest is that of the whole event, so two of the same digest have the same time: one in a month is one in all.
``vouched`` events came from the outbox of a service of the house: only these may speak of assets. ``told_by`` is whose
token they came with; of those kept before it was, nobody knows.
``written_in`` is the transaction of a row: in its order, what is behind the oldest running one is complete.
"""

edges = Table(
    "edges",
    metadata,
    Column("digest", Text, primary_key=True),
    words("run_id"),
    words("party"),
    words("direction"),
    words("namespace"),
    words("name"),
    words("job_namespace"),
    words("job_name"),
    words("told_by", nullable=True),
    Column("vouched", Boolean, nullable=False),
    moment("first_seen"),
    Index("ix_edges_run", "run_id", "direction"),
    Index("ix_edges_dataset", "namespace", "name", "direction"),
    Index("ix_edges_job", "job_namespace", "job_name", "first_seen"),
)
"""What runs read and wrote, by who says so.

Its digest names an edge, for names are longer than an index holds. A walk goes on within a ``party``: what the house
tells of a run, or what one stranger tells of it as one job's.
"""

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    words("owner"),
    Column("vouched", Boolean, nullable=False),
    words("job_namespace"),
    words("job_name"),
    Column("layers", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_runs_job", "job_namespace", "job_name", "created_at"),
)
"""``owner`` told of the run first; ``layers`` hold what each teller says of it (``record.rules.statements``)."""

jobs = Table(
    "jobs",
    metadata,
    words("namespace"),
    words("name"),
    Column("layers", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
)

datasets = Table(
    "datasets",
    metadata,
    words("namespace"),
    words("name"),
    Column("layers", JSONB, nullable=False),
    Column("tags", JSONB, nullable=False, server_default="{}"),
    moment("created_at"),
    moment("updated_at"),
    PrimaryKeyConstraint("namespace", "name"),
)
"""``tags`` are those of the dataset under the empty name, and of its fields under theirs: people put them there."""

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("version", Text, primary_key=True),
    words("namespace"),
    words("name"),
    words("run_id"),
    Column("layers", JSONB, nullable=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_dataset_versions_dataset", "namespace", "name", "created_at"),
)

folded = Table(
    "folded",
    metadata,
    Column("is_only", Boolean, primary_key=True, server_default=text("true")),
    Column("written_in", BigInteger, nullable=False),
    Column("event_id", UUID(as_uuid=True), nullable=False),
    Column("is_whole", Boolean, nullable=False),
    CheckConstraint("is_only", name="one_row"),
)
"""How far events that were kept under an earlier rule are folded anew; ``is_whole`` when all are."""

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
