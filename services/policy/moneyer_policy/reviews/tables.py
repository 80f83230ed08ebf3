"""Who may decide, and what they decided."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

members = Table(
    "members",
    metadata,
    identifier(),
    words("subject"),
    words("function"),
    words("added_by"),
    moment("added_at"),
    Column("since_version", Integer, nullable=False),
    Column("removed_by", Text),
    moment("removed_at", nullable=True),
    Column("until_version", Integer),
    Index("ix_members_present", "subject", "function", unique=True, postgresql_where=text("removed_at IS NULL")),
)

delegations = Table(
    "delegations",
    metadata,
    identifier(),
    words("delegator"),
    words("delegate"),
    words("function"),
    moment("valid_from"),
    moment("valid_until"),
    moment("made_at"),
    moment("revoked_at", nullable=True),
)

quorum_rules = Table(
    "quorum_rules",
    metadata,
    words("kind"),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    words("set_by"),
    moment("set_at"),
    PrimaryKeyConstraint("kind", "version"),
)

reviews = Table(
    "reviews",
    metadata,
    identifier(),
    words("kind"),
    Column("subject", Text, nullable=False, index=True),
    Column("charter_id", UUID(as_uuid=True), index=True),
    words("digest"),
    Column("document", JSONB, nullable=False),
    Column("barred", ARRAY(Text), nullable=False),
    Column("named", ARRAY(Text), nullable=False),
    Column("quorum", JSONB, nullable=False),
    Column("state", Text, nullable=False, index=True),
    words("opened_by"),
    moment("opened_at"),
    moment("expires_at"),
    moment("decided_at", nullable=True),
    Column("outcome", JSONB),
    Index("ix_reviews_opened_by", "opened_by", "id"),
)

votes = Table(
    "votes",
    metadata,
    identifier(),
    reference("review_id", "reviews.id"),
    words("digest"),
    words("voter"),
    words("principal"),
    words("function"),
    words("verdict"),
    words("reason"),
    Column("stage", Integer, nullable=False),
    Column("committee_version", Integer, nullable=False),
    moment("cast_at"),
    UniqueConstraint("review_id", "voter", name="uq_votes_voter"),
    UniqueConstraint("review_id", "principal", name="uq_votes_principal"),
)

conditions = Table(
    "conditions",
    metadata,
    identifier(),
    reference("review_id", "reviews.id"),
    reference("vote_id", "votes.id"),
    words("condition"),
    words("set_by"),
    Column("evidence", Text),
    moment("met_at", nullable=True),
)
