"""Policy's own database."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from mintmark_shared.database import identifier, moment, service_metadata, words
from mintmark_shared.idempotency import idempotency_table
from mintmark_shared.journal import journal_tables

metadata = service_metadata()
journal = journal_tables(metadata, "policy")
idempotency_keys = idempotency_table(metadata)

_EXACT = Numeric(60, 30)
_RENYI = ARRAY(Numeric(40, 0))


def _reference(name: str, target: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, UUID(as_uuid=True), ForeignKey(target), nullable=nullable, index=True)


members = Table(
    "members",
    metadata,
    identifier(),
    words("subject"),
    words("function"),
    words("added_by"),
    moment("added_at"),
    UniqueConstraint("subject", "function"),
)

charters = Table(
    "charters",
    metadata,
    identifier(),
    words("created_by"),
    moment("created_at"),
)

charter_versions = Table(
    "charter_versions",
    metadata,
    _reference("charter_id", "charters.id"),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("document", JSONB, nullable=False),
    words("digest"),
    words("state"),
    words("author"),
    words("submitter", nullable=True),
    moment("changed_at"),
    moment("in_force_at", nullable=True),
    PrimaryKeyConstraint("charter_id", "version"),
)

votes = Table(
    "votes",
    metadata,
    identifier(),
    Column("charter_id", UUID(as_uuid=True), nullable=False),
    Column("version", Integer, nullable=False),
    words("digest"),
    words("voter"),
    words("function"),
    words("verdict"),
    words("reason"),
    moment("cast_at"),
    ForeignKeyConstraint(["charter_id", "version"], ["charter_versions.charter_id", "charter_versions.version"]),
    UniqueConstraint("charter_id", "version", "voter"),
)

assessments = Table(
    "assessments",
    metadata,
    identifier(),
    _reference("charter_id", "charters.id"),
    words("digest"),
    words("assessor"),
    Column("acceptable", Boolean, nullable=False),
    words("summary"),
    moment("valid_until"),
    moment("made_at"),
)

populations = Table(
    "populations",
    metadata,
    identifier(),
    Column("name", Text, nullable=False, unique=True),
    words("privacy_unit"),
    words("created_by"),
    moment("created_at"),
)

accounts = Table(
    "accounts",
    metadata,
    identifier(),
    _reference("population_id", "populations.id"),
    _reference("charter_id", "charters.id", nullable=True),
    Column("epsilon", _EXACT, nullable=False),
    Column("delta", _EXACT, nullable=False),
    Column("caps", _RENYI, nullable=False),
    Column("held", _RENYI, nullable=False),
    Column("spent", _RENYI, nullable=False),
    Column("releases_limit", Integer),
    Column("releases_held", Integer, nullable=False),
    Column("releases_spent", Integer, nullable=False),
    words("created_by"),
    moment("created_at"),
    UniqueConstraint("population_id", "charter_id", postgresql_nulls_not_distinct=True),
)

decisions = Table(
    "decisions",
    metadata,
    identifier(),
    Column("run_id", UUID(as_uuid=True), nullable=False, unique=True),
    words("requester"),
    words("verdict"),
    Column("document", JSONB, nullable=False),
    Column("request", JSONB, nullable=False),
    moment("decided_at"),
)

keys = Table(
    "keys",
    metadata,
    identifier(),
    Column("resource", Text, nullable=False, unique=True),
    _reference("population_id", "populations.id", nullable=True),
    Column("wrapped", LargeBinary),
    moment("created_at"),
    moment("destroyed_at", nullable=True),
)

permits = Table(
    "permits",
    metadata,
    identifier(),
    _reference("decision_id", "decisions.id"),
    Column("run_id", UUID(as_uuid=True), nullable=False, unique=True),
    words("requester"),
    words("plan_digest"),
    words("charter_digest"),
    _reference("charter_id", "charters.id"),
    _reference("population_account_id", "accounts.id"),
    _reference("charter_account_id", "accounts.id"),
    Column("renyi", _RENYI, nullable=False),
    Column("releases", Integer, nullable=False),
    _reference("source_key_id", "keys.id"),
    _reference("asset_key_id", "keys.id", nullable=True),
    Column("state", Text, nullable=False, index=True),
    Column("redemption_key", Text),
    Column("outcome", Text),
    moment("made_at"),
    moment("expires_at"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    identifier(),
    _reference("account_id", "accounts.id"),
    _reference("permit_id", "permits.id"),
    words("kind"),
    Column("renyi", _RENYI, nullable=False),
    Column("releases", Integer, nullable=False),
    moment("at"),
)

releases = Table(
    "releases",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, unique=True),
    Column("assay_id", UUID(as_uuid=True), nullable=False),
    _reference("permit_id", "permits.id"),
    words("verdict"),
    Column("document", JSONB, nullable=False),
    moment("decided_at"),
)

grants = Table(
    "grants",
    metadata,
    identifier(),
    Column("asset_id", UUID(as_uuid=True), nullable=False, index=True),
    words("subject"),
    words("use_case"),
    words("granted_by"),
    moment("granted_at"),
    moment("valid_until"),
)

APPEND_ONLY = (votes, assessments, ledger_entries, decisions, releases, journal.audit_events)
"""Tables whose rows a trigger keeps from being changed or removed."""
