"""The library: approved configurations, rejection criteria, questionnaires, training, access policies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from moneyer_policy.charters.rules.extra_rules import check_work, compile_access_rule
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.library.rules.library import Rejection, read_entry, read_rejection
from moneyer_policy.library.store import LibraryStore
from moneyer_policy.library.use_cases.owners import check_owner
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.office import Office
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.canonical import digest
from moneyer_shared.errors import Conflict, Forbidden, Invalid, NotFound
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

MOST_CRITERIA = 200
MOST_CRITERIA_OF_ONE = 50
"""So that nobody alone takes all the places, and with them the means to stop something."""
OF_AUDITS = "audit-"


async def propose_configuration(office: Office, *, document: Mapping[str, Any], by: str, attempt: Attempt) -> Reply:
    """Put a configuration up for approval; once approved it replaces the one of its name."""
    name = read_entry(document, digest(document)).name
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = LibraryStore(connection)
        values = {
            "name": name,
            "document": dict(document),
            "digest": digest(document),
            "state": "proposed",
            "made_by": by,
            "made_at": now,
        }
        made = await store.propose(values)
        matter = reviews.Matter("configuration", f"configuration:{made}", document)
        review_id = await reviews.open_review(work_of(office, connection, by, now), matter)
        await store.set_configuration(made, review_id=review_id)
        return await attempt.keep(connection, by, Reply(201, show_configuration(await store.configuration(made))))


async def conclude(decided: Decided) -> dict[str, Any]:
    """What the votes made of a proposed configuration."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    store, configuration_id = LibraryStore(connection), UUID(row.subject.split(":")[1])
    if state != "approved":
        await store.set_configuration(configuration_id, state="rejected")
        return {"state": "rejected"}
    await store.supersede_configuration(row.document["name"])
    await store.set_configuration(configuration_id, state="approved")
    await journal.record(connection, now, AuditEvent("policy", "configuration.approve", row.subject))
    return {"state": "approved"}


async def retire_configuration(office: Office, *, name: str, by: str) -> None:
    """Take a configuration out of use at once.

    Raises:
        NotFound: none of that name is approved.
    """
    now = office.clock()
    async with office.changing() as connection:
        store = LibraryStore(connection)
        if not await store.configurations(state="approved", name=name):
            raise NotFound(f"The library has no approved configuration {name}.")
        await store.supersede_configuration(name)
        await journal.record(connection, now, AuditEvent(by, "configuration.retire", Word(f"configuration:{name}")))


def show_configuration(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "state": row.state,
        "digest": row.digest,
        "review_id": str(row.review_id) if row.review_id else None,
        "made_by": row.made_by,
        "made_at": row.made_at.isoformat(),
        "document": row.document,
    }


async def configuration_named(office: Office, name: str) -> dict[str, Any]:
    """The approved configuration of a name.

    Raises:
        NotFound: there is none.
    """
    async with office.database.transaction() as connection:
        found = await LibraryStore(connection).configurations(state="approved", name=name)
    if not found:
        raise NotFound(f"The library has no approved configuration {name}.")
    return show_configuration(found[0])


async def reject(
    office: Office, *, name: str, expression: str, reason: str, by: str, attempt: Attempt, audited: bool = False
) -> Reply:
    """Have every plan that matches a condition refused from now on; what an audit disproved always is.

    Raises:
        Invalid: the condition does not compile, may take too long, or has a name that only audits' have.
        Conflict: the name is taken, or there are as many criteria as may be, of one person or in all.
    """
    if not audited and name.startswith(OF_AUDITS):
        raise Invalid(f"Names that begin with {OF_AUDITS} are those of audits; choose another.", code="name-reserved")
    read_rejection(name, expression, reason, by)
    check_work(expression)
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if not audited:
            _check_room(await LibraryStore(connection).rejections(), by)
        values = {"name": name, "expression": expression, "reason": reason, "made_by": by, "made_at": now}
        made = await LibraryStore(connection).reject(values)
        await journal.record(connection, now, AuditEvent(by, "rejection.make", f"rejection:{made}"))
        body = {"id": str(made), "name": name, "expression": expression, "reason": reason, "by": by}
        return await attempt.keep(connection, by, Reply(201, body))


def _check_room(criteria: Sequence[Rejection], by: str) -> None:
    """Raises Conflict: there are too many, of one person or in all."""
    own = sum(one.by == by for one in criteria)
    if own < MOST_CRITERIA_OF_ONE and len(criteria) < MOST_CRITERIA:
        return
    count = f"You have {own}" if own >= MOST_CRITERIA_OF_ONE else f"There are {len(criteria)}"
    raise Conflict(
        f"{count} rejection criteria, and every plan waits for all; withdraw some first.", code="too-many-criteria"
    )


async def withdraw_rejection(office: Office, *, rejection_id: UUID, by: str) -> None:
    """Let plans that match a condition pass again.

    Raises:
        NotFound: there is no such criterion in use.
        Forbidden: it is somebody else's.
    """
    now = office.clock()
    async with office.changing() as connection:
        await check_owner(connection, "rejection-criterion", rejection_id, by=by)
        await LibraryStore(connection).withdraw(rejection_id, by, now)
        await journal.record(connection, now, AuditEvent(by, "rejection.withdraw", f"rejection:{rejection_id}"))


async def attest(
    office: Office, *, person: str, topic: str, evidence: str, valid_until: datetime, by: str, attempt: Attempt
) -> Reply:
    """Attest that somebody was trained in a topic; nobody attests themself."""
    now = office.clock()
    if person == by:
        raise Forbidden("Nobody attests their own training.", code="own-matter")
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if valid_until <= now:
            raise Invalid("valid_until must lie in the future.", code="attestation-expired")
        values = {
            "person": person,
            "topic": topic,
            "attested_by": by,
            "evidence": evidence,
            "valid_until": valid_until,
            "made_at": now,
        }
        made = await LibraryStore(connection).attest(values)
        payload = {"to": person, "topic": topic}
        await CalendarStore(connection).schedule("training.expiry", f"training:{made}", valid_until, now, payload)
        event = AuditEvent(by, "training.attest", f"training:{made}", people={"person": person})
        await journal.record(connection, now, event)
        return await attempt.keep(connection, by, Reply(201, {"id": str(made), "person": person, "topic": topic}))


async def set_access_policy(
    office: Office, *, name: str, resource_type: str, expression: str, by: str, attempt: Attempt
) -> Reply:
    """Say who may do what to a kind of resource that is not moneyer's own; it replaces the one before.

    Raises:
        Forbidden: the kind of resource is somebody else's to write policies of.
    """
    compile_access_rule(expression)
    check_work(expression)
    if resource_type in {"source", "asset"}:
        raise Invalid("Sources and assets are decided by charters and grants.", code="resource-type-reserved")
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        values = {
            "name": name,
            "resource_type": resource_type,
            "expression": expression,
            "made_by": by,
            "made_at": now,
        }
        made = await LibraryStore(connection).add_access_policy(values)
        await check_owner(connection, "access-policy", resource_type, by=by)
        await journal.record(connection, now, AuditEvent(by, "access-policy.set", f"access-policy:{made}"))
        body = {"id": str(made), "name": name, "resource_type": resource_type, "expression": expression}
        return await attempt.keep(connection, by, Reply(201, body))
