"""What the gate holds plans against besides the charter itself."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

templates = Table(
    "templates",
    metadata,
    words("name"),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    words("digest"),
    words("made_by"),
    moment("made_at"),
    PrimaryKeyConstraint("name", "version"),
)

assessments = Table(
    "assessments",
    metadata,
    identifier(),
    reference("charter_id", "charters.id"),
    words("digest"),
    words("assessor"),
    Column("acceptable", Boolean, nullable=False),
    words("summary"),
    Column("template", Text),
    Column("template_version", Integer),
    Column("answers", JSONB),
    Column("risks", JSONB),
    Column("residual_risk", Integer),
    moment("valid_until"),
    moment("made_at"),
    Column("number", BigInteger, Identity(always=True), nullable=False),
)
"""``number`` is the order they were said in: whose word is the latest is no clock's to say."""

attestations = Table(
    "attestations",
    metadata,
    identifier(),
    Column("person", Text, nullable=False, index=True),
    words("topic"),
    words("attested_by"),
    words("evidence"),
    moment("valid_until"),
    moment("made_at"),
)

configurations = Table(
    "configurations",
    metadata,
    identifier(),
    words("name"),
    Column("document", JSONB, nullable=False),
    words("digest"),
    words("state"),
    Column("review_id", UUID(as_uuid=True)),
    words("made_by"),
    moment("made_at"),
    Index("ix_configurations_approved", "name", unique=True, postgresql_where=text("state = 'approved'")),
)

rejections = Table(
    "rejections",
    metadata,
    identifier(),
    words("name"),
    words("expression"),
    words("reason"),
    words("made_by"),
    moment("made_at"),
    Column("withdrawn_by", Text),
    moment("withdrawn_at", nullable=True),
    Index("ix_rejections_present", "name", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
)

house_rules = Table(
    "house_rules",
    metadata,
    words("code"),
    Column("version", Integer, nullable=False),
    Column("waivable", Boolean, nullable=False),
    words("reason"),
    words("set_by"),
    moment("set_at"),
    PrimaryKeyConstraint("code", "version"),
)
"""Rules of the gate that the house takes no exceptions from, though a charter's committee might."""

access_policies = Table(
    "access_policies",
    metadata,
    identifier(),
    words("name"),
    words("resource_type"),
    words("expression"),
    words("made_by"),
    moment("made_at"),
    moment("withdrawn_at", nullable=True),
    Index("ix_access_policies_present", "resource_type", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
)
