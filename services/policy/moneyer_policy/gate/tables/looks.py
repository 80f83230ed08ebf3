"""How often tables made from a source may be held against its real rows, and how often they were."""

from sqlalchemy import Column, Index, Integer, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

look_accounts = Table(
    "look_accounts",
    metadata,
    identifier(),
    reference("charter_id", "charters.id"),
    Column("source_id", UUID(as_uuid=True), nullable=False),
    Column("held", Integer, nullable=False, server_default="0"),
    UniqueConstraint("charter_id", "source_id"),
)
"""``held`` is how many looks are reserved or taken; the limit is the charter's."""

look_entries = Table(
    "look_entries",
    metadata,
    identifier(),
    reference("account_id", "look_accounts.id"),
    reference("permit_id", "permits.id"),
    words("kind"),
    Column("model", UUID(as_uuid=True), nullable=False),
    moment("at"),
    Index("ix_look_entries_model", "model", postgresql_where=text("kind = 'reserve'")),
)
"""``reserve`` at the decision, ``return`` where nothing was opened, ``open`` for the assay, ``again`` after a release.

``model`` is the run that fitted the model the table was drawn from, however many tables lie between.
"""
