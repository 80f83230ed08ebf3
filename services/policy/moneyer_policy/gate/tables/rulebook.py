"""Which rules these are, and what sets one aside."""

from sqlalchemy import Boolean, Column, Integer, Table, Text
from sqlalchemy.dialects.postgresql import UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

governance = Table(
    "governance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("epoch", UUID(as_uuid=True), nullable=False),
)
"""One row. Whoever changes what the gate reads begins an epoch first; every decision reads it and keeps it from
changing. An epoch is no number that is counted up: a database that went back in time would come to the same again."""

waivers = Table(
    "waivers",
    metadata,
    identifier(),
    words("kind"),
    reference("charter_id", "charters.id"),
    Column("rule", Text),
    Column("use_case", Text),
    Column("requester", Text),
    words("reason"),
    Column("incident", Text),
    Column("single_use", Boolean, nullable=False),
    Column("used_by", UUID(as_uuid=True)),
    Column("review_id", UUID(as_uuid=True)),
    words("opened_by"),
    Column("confirmed_by", Text),
    moment("made_at"),
    moment("valid_until"),
)
