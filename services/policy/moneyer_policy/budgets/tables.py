"""Populations, their accounts, and the ledger."""

from sqlalchemy import Column, ForeignKey, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from moneyer_policy.metadata import EXACT, RENYI, UNITS, metadata, reference
from moneyer_shared.database import identifier, moment, words

populations = Table(
    "populations",
    metadata,
    identifier(),
    Column("name", Text, nullable=False, unique=True),
    words("privacy_unit"),
    words("unit_kind"),
    Column("identified_by", Text),
    Column("partitions", ARRAY(Text), nullable=False),
    words("created_by"),
    moment("created_at"),
)

accounts = Table(
    "accounts",
    metadata,
    identifier(),
    reference("population_id", "populations.id"),
    reference("charter_id", "charters.id", nullable=True),
    Column("partition", Text, nullable=False),
    Column("epsilon", EXACT, nullable=False),
    Column("delta", EXACT, nullable=False),
    Column("approximate_delta", EXACT, nullable=False),
    words("renyi_order"),
    Column("caps", RENYI, nullable=False),
    Column("held", RENYI, nullable=False),
    Column("spent", RENYI, nullable=False),
    Column("delta_held", UNITS, nullable=False),
    Column("delta_spent", UNITS, nullable=False),
    Column("releases_limit", Integer),
    Column("releases_held", Integer, nullable=False),
    Column("releases_spent", Integer, nullable=False),
    words("created_by"),
    moment("created_at"),
    UniqueConstraint("population_id", "charter_id", "partition", postgresql_nulls_not_distinct=True),
)

budget_versions = Table(
    "budget_versions",
    metadata,
    identifier(),
    reference("account_id", "accounts.id"),
    Column("version", Integer, nullable=False),
    Column("epsilon", EXACT, nullable=False),
    Column("delta", EXACT, nullable=False),
    Column("approximate_delta", EXACT, nullable=False),
    words("reason"),
    Column("review_id", UUID(as_uuid=True)),
    words("set_by"),
    moment("set_at"),
    UniqueConstraint("account_id", "version"),
)

mechanisms = Table(
    "mechanisms",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("document", JSONB, nullable=False),
    Column("renyi", RENYI, nullable=False),
    Column("releases", Integer, nullable=False),
    Column("delta", UNITS, nullable=False),
)
"""What an execution costs, written once: the ledger names it by digest."""

ledger_entries = Table(
    "ledger_entries",
    metadata,
    identifier(),
    reference("account_id", "accounts.id"),
    reference("permit_id", "permits.id"),
    words("kind"),
    Column("mechanism", Text, ForeignKey("mechanisms.digest"), nullable=False),
    moment("at"),
)
