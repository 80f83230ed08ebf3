"""Incidents: stopped at once by one person, notified in time, closed only by a vote. And feedback."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from moneyer_policy.assets.use_cases.office import Office
from moneyer_policy.assets.use_cases.recalls import suspend_asset_within
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.charters import suspend_within
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.incidents.use_cases.owners import check_owner
from moneyer_policy.metadata import journal
from moneyer_policy.reviews.rules.quorum import PRIVACY
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.kinds import Kind
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import work_of
from moneyer_shared.errors import Conflict, Forbidden, Invalid
from moneyer_shared.idempotency import Attempt, Reply
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

BREACH_HOURS = 72
"""To the supervisory authority, from when the breach became known: GDPR Art. 33(1)."""
AUTHORITY = "supervisory authority"
WARNING = timedelta(hours=24)


async def open_incident(
    office: Office,
    *,
    title: str,
    severity: str,
    description: str,
    charters: Sequence[UUID],
    assets: Sequence[UUID],
    personal_data: bool,
    discovered_at: datetime,
    suspend: bool,
    by: str,
    attempt: Attempt,
) -> Reply:
    """Open an incident; with ``suspend`` its charters and assets stop in the same transaction."""
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        if discovered_at > now:
            raise Invalid("discovered_at lies in the future.", code="incident-dates")
        store = IncidentStore(connection)
        made = await store.open(
            {
                "title": title, "severity": severity, "description": description, "charters": list(charters),
                "assets": list(assets), "personal_data": personal_data, "discovered_at": discovered_at,
                "opened_by": by, "opened_at": now, "state": "open",
            }
        )  # fmt: skip
        for charter_id in charters:
            await CharterStore(connection).lock(charter_id)
        if suspend:
            await _stop(connection, made, charters, assets, title, by, now)
        if personal_data:
            due = discovered_at + timedelta(hours=BREACH_HOURS)
            await _add_duty(connection, made, AUTHORITY, due, by, now)
        details = {"severity": Word(severity), "personal_data": personal_data, "suspended": suspend}
        event = AuditEvent(by, "incident.open", f"incident:{made}", details=details)
        await journal.record(connection, now, event)
        shown = await show(connection, await store.incident(made))
        return await attempt.keep(connection, by, Reply(201, shown, {"Location": f"/v1/incidents/{made}"}))


async def _stop(
    connection: AsyncConnection,
    incident_id: UUID,
    charters: Sequence[UUID],
    assets: Sequence[UUID],
    reason: str,
    by: str,
    now: datetime,
) -> None:
    for charter_id in charters:
        await suspend_within(connection, charter_id, reason=reason, incident_id=incident_id, by=by, now=now)
    for asset_id in assets:
        await suspend_asset_within(connection, asset_id, reason=reason, incident_id=incident_id, by=by, now=now)


async def add_duty(
    office: Office, *, incident_id: UUID, recipient: str, due_at: datetime, by: str, attempt: Attempt
) -> Reply:
    """Somebody must be told by a time."""
    now = office.clock()
    async with office.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        await _open(connection, incident_id)
        await _add_duty(connection, incident_id, recipient, due_at, by, now)
        shown = await show(connection, await IncidentStore(connection).incident(incident_id))
        return await attempt.keep(connection, by, Reply(201, shown))


async def _add_duty(
    connection: AsyncConnection, incident_id: UUID, recipient: str, due_at: datetime, by: str, now: datetime
) -> None:
    duty_id = await IncidentStore(connection).add_duty(
        {"incident_id": incident_id, "recipient": recipient, "due_at": due_at}
    )
    calendar, payload = CalendarStore(connection), {"to": by, "recipient": recipient}
    subject = f"duty:{duty_id}"
    if due_at - WARNING > now:
        await calendar.schedule("duty.warning", subject, due_at - WARNING, now, payload)
    await calendar.schedule("duty.overdue", subject, due_at, now, payload)


async def do_duty(office: Office, *, incident_id: UUID, duty_id: UUID, evidence: str, by: str) -> Reply:
    """The notification was made; its clock stops.

    Raises:
        Forbidden: somebody else answers for the incident.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        await _open(connection, incident_id)
        await check_owner(connection, "incident", incident_id, by=by)
        store = IncidentStore(connection)
        await store.do_duty(incident_id, duty_id, by, evidence, now)
        await CalendarStore(connection).cancel(f"duty:{duty_id}", now)
        event = AuditEvent(by, "incident.notified", f"incident:{incident_id}", details={"duty": str(duty_id)})
        await journal.record(connection, now, event)
        return Reply(200, await show(connection, await store.incident(incident_id)))


async def add_action(
    office: Office, *, incident_id: UUID, action: str, owner: str, due_at: datetime, by: str, attempt: Attempt
) -> Reply:
    """What must be mended, by whom and when."""
    now = office.clock()
    async with office.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        await _open(connection, incident_id)
        store = IncidentStore(connection)
        made = await store.add_action({"incident_id": incident_id, "action": action, "owner": owner, "due_at": due_at})
        payload = {"to": owner}
        await CalendarStore(connection).schedule("action.overdue", f"action:{made}", due_at, now, payload)
        event = AuditEvent(by, "incident.action", f"incident:{incident_id}", details={"action": str(made)})
        await journal.record(connection, now, event)
        shown = await show(connection, await IncidentStore(connection).incident(incident_id))
        return await attempt.keep(connection, by, Reply(201, shown))


async def do_action(office: Office, *, incident_id: UUID, action_id: UUID, by: str) -> Reply:
    now = office.clock()
    async with office.database.transaction() as connection:
        await _open(connection, incident_id)
        store = IncidentStore(connection)
        action = await store.action(incident_id, action_id)
        await check_owner(connection, "incident", incident_id, action.owner, by=by)
        await store.do_action(incident_id, action_id, by, now)
        await CalendarStore(connection).cancel(f"action:{action_id}", now)
        event = AuditEvent(by, "incident.action-done", f"incident:{incident_id}", details={"action": str(action_id)})
        await journal.record(connection, now, event)
        return Reply(200, await show(connection, await store.incident(incident_id)))


async def _open(connection: AsyncConnection, incident_id: UUID) -> Any:
    row = await IncidentStore(connection).incident(incident_id, lock=True)
    if row.state != "open":
        raise Conflict(f"The incident is {row.state}.", code="incident-not-open")
    return row


async def close(office: Office, *, incident_id: UUID, post_mortem: str, by: str, attempt: Attempt) -> Reply:
    """Ask for an incident to be closed: everything done, a post-mortem written, then a vote.

    Raises:
        Forbidden: somebody else answers for the incident.
        Conflict: a notification or a corrective action is open.
    """
    now = office.clock()
    async with office.changing() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        row = await _open(connection, incident_id)
        await check_owner(connection, "incident", incident_id, by=by)
        store = IncidentStore(connection)
        waiting = [entry.recipient for entry in await store.duties(incident_id) if entry.done_at is None]
        undone = [entry.action for entry in await store.actions(incident_id) if entry.done_at is None]
        if waiting or undone:
            reasons = [{"code": "duty-open", "message": f"{name} has not been notified"} for name in waiting]
            reasons += [{"code": "action-open", "message": f"not done: {name}"} for name in undone]
            raise Conflict("The incident cannot be closed yet.", code="incident-unfinished", reasons=reasons)
        await store.set(incident_id, post_mortem=post_mortem, state="closing")
        document = {"incident_id": str(incident_id), "title": row.title, "post_mortem": post_mortem}
        matter = reviews.Matter("incident", f"incident:{incident_id}", document)
        return await attempt.keep(
            connection, by, await reviews.put_up_old(work_of(office, connection, by, now), matter)
        )


async def conclude(decided: Decided) -> dict[str, Any]:
    """A vote closes the incident, or opens it again."""
    connection, row, state, now = decided.work.connection, decided.row, decided.state, decided.work.now
    incident_id = UUID(row.document["incident_id"])
    closed = state == "approved"
    values: dict[str, Any] = {"state": "closed", "closed_at": now} if closed else {"state": "open"}
    await IncidentStore(connection).set(incident_id, **values)
    return {"state": values["state"]}


INCIDENT = Kind("incident", PRIVACY, a_no_withholds=False, conclude=conclude)


async def show(connection: AsyncConnection, row: Any) -> dict[str, Any]:
    store = IncidentStore(connection)
    return {
        "id": str(row.id),
        "title": row.title,
        "severity": row.severity,
        "description": row.description,
        "charters": [str(entry) for entry in row.charters],
        "assets": [str(entry) for entry in row.assets],
        "personal_data": row.personal_data,
        "discovered_at": row.discovered_at.isoformat(),
        "opened_by": row.opened_by,
        "opened_at": row.opened_at.isoformat(),
        "state": row.state,
        "post_mortem": row.post_mortem,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "duties": [
            {
                "id": str(entry.id), "recipient": entry.recipient, "due_at": entry.due_at.isoformat(),
                "done_at": entry.done_at.isoformat() if entry.done_at else None, "done_by": entry.done_by,
                "evidence": entry.evidence,
            }
            for entry in await store.duties(row.id)
        ],
        "actions": [
            {
                "id": str(entry.id), "action": entry.action, "owner": entry.owner,
                "due_at": entry.due_at.isoformat(), "done_by": entry.done_by,
                "done_at": entry.done_at.isoformat() if entry.done_at else None,
            }
            for entry in await store.actions(row.id)
        ],
    }  # fmt: skip


# --- feedback -----------------------------------------------------------------------------


async def send_feedback(
    office: Office, *, about_kind: str, about: str, message: str, by: str, attempt: Attempt
) -> Reply:
    """Anybody may say something about an asset, a charter or the policy itself."""
    now = office.clock()
    async with office.database.transaction() as connection:
        if answer := await attempt.answered(connection, by):
            return answer
        store = IncidentStore(connection)
        made = await store.add_feedback(
            {
                "about_kind": about_kind, "about": about, "message": message, "sent_by": by,
                "sent_at": now, "state": "open",
            }
        )  # fmt: skip
        await journal.record(connection, now, AuditEvent(by, "feedback.send", f"feedback:{made}"))
        return await attempt.keep(connection, by, Reply(201, show_feedback(await store.feedback_row(made))))


async def triage(
    office: Office,
    *,
    feedback_id: UUID,
    state: str,
    note: str,
    charter_id: UUID | None,
    version: int | None,
    incident_id: UUID | None,
    by: str,
) -> Reply:
    """Say what becomes of feedback, and link the charter version (else that in force) or incident it led to.

    Raises:
        NotFound: there is no such feedback, charter version or incident.
        Conflict: no version is named, and none ever was in force.
        Forbidden: it is one's own.
    """
    now = office.clock()
    async with office.database.transaction() as connection:
        store = IncidentStore(connection)
        if (await store.feedback_row(feedback_id)).sent_by == by:
            raise Forbidden("Somebody else answers your feedback.", code="own-matter")
        link: dict[str, Any] = {}
        if charter_id is not None:
            charters = CharterStore(connection)
            found = (
                await charters.version(charter_id, version, now)
                if version is not None
                else await charters.governing(charter_id, now)
            )
            link |= {"charter_id": str(charter_id), "version": found.version}
        if incident_id is not None:
            link["incident_id"] = str((await store.incident(incident_id)).id)
        values = {"state": state, "note": note, "link": link, "triaged_by": by, "triaged_at": now}
        await store.set_feedback(feedback_id, **values)
        await journal.record(connection, now, AuditEvent(by, "feedback.triage", f"feedback:{feedback_id}", state))
        return Reply(200, show_feedback(await store.feedback_row(feedback_id)))


def show_feedback(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "about_kind": row.about_kind,
        "about": row.about,
        "message": row.message,
        "sent_by": row.sent_by,
        "sent_at": row.sent_at.isoformat(),
        "state": row.state,
        "triaged_by": row.triaged_by,
        "note": row.note,
        "link": row.link,
    }
