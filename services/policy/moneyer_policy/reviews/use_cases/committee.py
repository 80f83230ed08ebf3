"""The committee: appointments, removals, delegations and the quorum rules of the house."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.quorum import KINDS, Kind, Quorum, read_quorum, required, show_quorum
from moneyer_policy.reviews.rules.review import check_delegation
from moneyer_policy.reviews.rules.schema import QUORUM_SCHEMA, StrictValidator, schema_faults
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_shared.canonical import digest
from moneyer_shared.errors import Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

_validator = StrictValidator(QUORUM_SCHEMA)
COMMITTEE = Word("committee")


async def appoint(office: Office, *, subject: str, function: str, by: str) -> None:
    if subject == by:
        raise Forbidden("Nobody appoints themself to the committee.", code="own-matter")
    now = office.clock()
    async with office.database.transaction() as connection:
        if await CommitteeStore(connection).appoint(subject, function, by, now):
            await _note(connection, now, by, "appoint", function, member=subject)


async def remove(office: Office, *, subject: str, function: str, by: str) -> None:
    now = office.clock()
    async with office.database.transaction() as connection:
        await CommitteeStore(connection).remove(subject, function, by, now)
        await _note(connection, now, by, "remove", function, member=subject)


async def delegate(
    office: Office,
    *,
    delegate: str,
    function: str,
    valid_from: datetime,
    valid_until: datetime,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Lend one's function to somebody else for a time.

    Raises:
        Forbidden: it is not one's own, or the delegate would hold two at any moment of that time.
        Invalid: the time is empty or past.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if valid_until <= max(now, valid_from):
            raise Invalid("A delegation must end after it begins, and in the future.", code="delegation-dates")
        store = CommitteeStore(connection)
        own, theirs = await store.functions_of(by), await store.functions_during(delegate, valid_from, valid_until)
        check_delegation(by, delegate, function, own, theirs)
        values = {
            "delegator": by,
            "delegate": delegate,
            "function": function,
            "valid_from": valid_from,
            "valid_until": valid_until,
            "made_at": now,
        }
        made = await store.delegate(values)
        await _note(connection, now, by, "delegate", function, delegation=made, delegate=delegate)
        return await attempt.keep(connection, by, Reply(201, {"id": str(made)}))


async def _note(
    connection: AsyncConnection,
    now: datetime,
    by: str,
    what: str,
    function: str,
    *,
    delegation: UUID | None = None,
    **people: str,
) -> None:
    """What was done with a function, and to whom: in the log as digests."""
    details: dict[str, Any] = {"function": Word(function)} | ({"id": str(delegation)} if delegation else {})
    event = AuditEvent(by, f"committee.{what}", COMMITTEE, details=details, people=people)
    await journal.record(connection, now, event)


async def revoke(office: Office, *, delegation_id: UUID, by: str) -> None:
    now = office.clock()
    async with office.database.transaction() as connection:
        await CommitteeStore(connection).revoke(delegation_id, by, now)
        event = AuditEvent(by, "committee.revoke", COMMITTEE, details={"id": str(delegation_id)})
        await journal.record(connection, now, event)


async def set_quorum(office: Office, *, kind: Kind, document: Mapping[str, Any], by: str) -> Reply:
    """Write the house's quorum rule for a kind of review; it adds to the floor, and reviews that are open meet it too.

    Raises:
        Invalid: the kind is unknown or the rule does not fit its schema.
    """
    if kind not in KINDS:
        raise Invalid(f"A review is one of {', '.join(KINDS)}.", code="unknown-kind")
    faults = schema_faults(_validator, document)
    if faults:
        raise Invalid("The quorum rule does not fit its schema.", code="quorum-invalid", reasons=faults)
    read_quorum(document)
    now = office.clock()
    async with office.database.transaction() as connection:
        version = await CommitteeStore(connection).set_quorum(kind, document, by, now)
        details = {"kind": Word(kind), "version": version, "digest": digest(dict(document))}
        event = AuditEvent(by, "committee.set-quorum", COMMITTEE, details=details)
        await journal.record(connection, now, event)
        return Reply(200, show_rule(kind, version, read_quorum(document)))


def show_rule(kind: Kind, version: int, rule: Quorum | None) -> dict[str, Any]:
    """What a kind of matter takes by the house alone: its floor, and its rule where there is one (version 0: none)."""
    return {"kind": kind, "version": version} | show_quorum(required(kind, rule))


async def quorum_rules(office: Office) -> list[dict[str, Any]]:
    """What every kind of matter takes by the house alone."""
    async with office.database.transaction() as connection:
        rules = {row.kind: row for row in await CommitteeStore(connection).quorums()}
    return [
        show_rule(kind, rules[kind].version, read_quorum(rules[kind].document))
        if kind in rules
        else show_rule(kind, 0, None)
        for kind in KINDS
    ]
