"""The audit event and the outbox row that commit with the business row, or not at all (I4)."""

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_shared.canonical import digest
from moneyer_shared.contracts.actions import Action
from moneyer_shared.database import identifier, moment, words
from moneyer_shared.leaves import check_speakable, document, person, plain


@dataclass(frozen=True)
class AuditEvent:
    """Something somebody did: ids, verdicts and digests only, never a name or a value of a source.

    Whom it concerns beside the actor stands in ``people``, by their part in it; what evidence shows of it in clear in
    ``shown``. Both are logged as salted digests. Anything else that could name somebody raises ``NotSpeakable``.
    """

    actor: str
    action: Action
    subject: str
    outcome: str = "done"
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    people: Mapping[str, str] = field(default_factory=dict[str, str])
    shown: Mapping[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        check_speakable(self.action, self.subject, self.outcome, self.details)


@dataclass(frozen=True)
class Journal:
    """The two tables every service writes beside its own, and the service's name in them."""

    service: str
    audit_events: Table
    outbox: Table

    async def record(
        self,
        connection: AsyncConnection,
        at: datetime,
        event: AuditEvent,
        *,
        lineage: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Write the event, its leaf for the audit log, and OpenLineage events to deliver."""
        leaf = await write_down(connection, self.service, self.audit_events, at, event, lineage=lineage)
        rows = [{"at": at, "kind": "audit", "payload": leaf}]
        rows += [{"at": at, "kind": "openlineage", "payload": dict(document)} for document in lineage]
        await connection.execute(insert(self.outbox), rows)


async def write_down(
    connection: AsyncConnection,
    service: str,
    audit_events: Table,
    at: datetime,
    event: AuditEvent,
    *,
    lineage: Sequence[Mapping[str, object]] = (),
) -> dict[str, Any]:
    """Keep an audit event with its actor in clear; returns its leaf for the audit log."""
    salt, leaf = sealed_leaf(service, at, event, lineage=lineage)
    kept = {"id": uuid.UUID(leaf["id"]), "at": at, "actor": event.actor, "actor_salt": salt, "leaf": leaf}
    await connection.execute(insert(audit_events).values(kept))
    return leaf


def sealed_leaf(
    service: str, at: datetime, event: AuditEvent, *, lineage: Sequence[Mapping[str, object]] = ()
) -> tuple[bytes, dict[str, Any]]:
    """A fresh salt, and the event's leaf for the audit log under it, with a digest of every OpenLineage event told."""
    salt = secrets.token_bytes(16)
    sealed: dict[str, object] = {
        "people": {part: person(salt, name) for part, name in event.people.items()},
        "shown": {what: document(salt, shown) for what, shown in event.shown.items()},
        "told": [digest(told) for told in lineage],
    }
    return salt, {
        "id": str(uuid.uuid4()),
        "at": at.isoformat(),
        "service": service,
        "actor": person(salt, event.actor),
        "action": event.action,
        "subject": str(event.subject),
        "outcome": event.outcome,
        "details": plain(event.details) | {name: value for name, value in sealed.items() if value},
    }


def audit_table(metadata: MetaData) -> Table:
    """``audit_events``: the actor stands in clear only here.

    The leaf carries a salted digest of it, so that forgetting a person is forgetting the salt.
    """
    return Table(
        "audit_events",
        metadata,
        identifier(),
        moment("at"),
        words("actor"),
        Column("actor_salt", LargeBinary, nullable=False),
        Column("leaf", JSONB, nullable=False),
    )


def journal_tables(metadata: MetaData, service: str) -> Journal:
    """Declare ``audit_events`` and ``outbox`` in a service's metadata."""
    audit_events = audit_table(metadata)
    outbox = Table(
        "outbox",
        metadata,
        identifier(),
        moment("at"),
        Column("kind", Text, nullable=False),
        Column("payload", JSONB, nullable=False),
        Column("delivered_at", moment("x").type, index=True),
        Column("refusal", JSONB),
    )
    return Journal(service, audit_events, outbox)
