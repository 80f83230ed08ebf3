"""Time and trouble: deadlines, notifications, incidents, feedback."""

from sqlalchemy import Boolean, Column, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from moneyer_policy.metadata import metadata, reference
from moneyer_shared.database import identifier, moment, words

incidents = Table(
    "incidents",
    metadata,
    identifier(),
    words("title"),
    words("severity"),
    words("description"),
    Column("charters", ARRAY(UUID(as_uuid=True)), nullable=False),
    Column("assets", ARRAY(UUID(as_uuid=True)), nullable=False),
    Column("personal_data", Boolean, nullable=False),
    moment("discovered_at"),
    words("opened_by"),
    moment("opened_at"),
    Column("state", Text, nullable=False, index=True),
    Column("post_mortem", Text),
    moment("closed_at", nullable=True),
)

duties = Table(
    "duties",
    metadata,
    identifier(),
    reference("incident_id", "incidents.id"),
    words("recipient"),
    moment("due_at"),
    Column("done_by", Text),
    Column("evidence", Text),
    moment("done_at", nullable=True),
)

corrective_actions = Table(
    "corrective_actions",
    metadata,
    identifier(),
    reference("incident_id", "incidents.id"),
    words("action"),
    words("owner"),
    moment("due_at"),
    Column("done_by", Text),
    moment("done_at", nullable=True),
)

feedback = Table(
    "feedback",
    metadata,
    identifier(),
    words("about_kind"),
    Column("about", Text, nullable=False, index=True),
    words("message"),
    words("sent_by"),
    moment("sent_at"),
    Column("state", Text, nullable=False, index=True),
    Column("triaged_by", Text),
    Column("note", Text),
    Column("link", JSONB),
    moment("triaged_at", nullable=True),
)
