"""Evaluation's own database (the queue's tables are pgqueuer's and installed by a migration)."""

from sqlalchemy import ARRAY, BigInteger, Column, Date, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from moneyer_shared.database import identifier, moment, service_metadata, words
from moneyer_shared.idempotency import idempotency_table
from moneyer_shared.journal import journal_tables
from moneyer_shared.ownership import owners_table

metadata = service_metadata()
journal = journal_tables(metadata, "evaluation")
idempotency_keys = idempotency_table(metadata)
owners = owners_table(metadata)

assays = Table(
    "assays",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, index=True),
    Column("purpose", Text, nullable=False, server_default="release"),
    Column("suite", Text),
    Column("request", JSONB, nullable=False),
    words("state"),
    Column("estimates", JSONB),
    Column("not_estimable", JSONB),
    Column("release", JSONB),
    Column("figures", Text),
    Column("failure", Text),
    moment("requested_at"),
    moment("finished_at", nullable=True),
    Index("uq_assays_release", "asset_id", unique=True, postgresql_where=text("purpose = 'release'")),
)
"""An asset is judged once for its release, and as often as is asked afterwards; ``release`` is policy's answer.

``figures`` is how policy wants them told to whoever holds no right to read them raw; to nobody while it is not known.
"""

reference_shares = Table(
    "reference_shares",
    metadata,
    identifier(),
    Column("population_id", UUID(as_uuid=True), nullable=False),
    Column("version", Integer, nullable=False),
    words("source"),
    Column("as_of", Date, nullable=False),
    Column("shares", JSONB, nullable=False),
    words("made_by"),
    moment("made_at"),
    UniqueConstraint("population_id", "version"),
)

monitors = Table(
    "monitors",
    metadata,
    identifier(),
    words("kind"),
    Column("asset_id", UUID(as_uuid=True), nullable=False, index=True),
    words("name"),
    Column("terms", JSONB, nullable=False),
    words("state"),
    Column("every_hours", Integer, nullable=False),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("seen", Text),
    Column("missed", JSONB),
    Column("scorers", ARRAY(Text), nullable=False, server_default="{}"),
    words("made_by"),
    moment("made_at"),
    moment("next_at"),
    Index("ix_monitors_due", "next_at", postgresql_where=text("state = 'active'")),
)

looks = Table(
    "looks",
    metadata,
    identifier(),
    Column("monitor_id", UUID(as_uuid=True), ForeignKey("monitors.id"), nullable=False),
    Column("number", Integer, nullable=False),
    words("state"),
    words("seen"),
    Column("estimates", JSONB, nullable=False),
    Column("breaches", JSONB, nullable=False),
    Column("finding", JSONB),
    moment("at"),
    UniqueConstraint("monitor_id", "number"),
)
"""One for each new thing a monitor saw: ``found`` until policy has been told of a breach, then ``told``."""

score_batches = Table(
    "score_batches",
    metadata,
    identifier(),
    Column("monitor_id", UUID(as_uuid=True), ForeignKey("monitors.id"), nullable=False, index=True),
    Column("counts", ARRAY(BigInteger), nullable=False),
    words("posted_by"),
    moment("posted_at"),
)

guarantee_audits = Table(
    "guarantee_audits",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("generator", Text, nullable=False, index=True),
    Column("request", JSONB, nullable=False),
    Column("estimate", JSONB, nullable=False),
    words("verdict"),
    words("reported_by"),
    moment("at"),
)
