"""Incidents: stopped at once by one person, notified in time, closed only by a vote."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from moneyer_policy.assets.use_cases import lifecycle
from moneyer_policy.charters.documents import Suspension
from moneyer_policy.charters.store import CharterStore
from moneyer_policy.charters.use_cases.charters import stop
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.incidents.documents import (
    ActionRequest,
    DutyRequest,
    Evidence,
    Incident,
    IncidentRequest,
    IncidentState,
    PostMortem,
)
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.incidents.use_cases.owners import check_owner
from moneyer_policy.reviews.documents import ReviewOpened
from moneyer_policy.reviews.rules.quorum import PRIVACY
from moneyer_policy.reviews.use_cases import reviews
from moneyer_policy.reviews.use_cases.kinds import Kind
from moneyer_policy.reviews.use_cases.reviews import Decided
from moneyer_policy.work import ChangingRules, Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Conflict, Invalid, NotFound
from moneyer_shared.journal import AuditEvent
from moneyer_shared.leaves import Word

BREACH_HOURS = 72
"""To the supervisory authority, from when the breach became known: GDPR Art. 33(1)."""
AUTHORITY = "supervisory authority"
WARNING = timedelta(hours=24)


async def open_incident(work: ChangingRules, asked: IncidentRequest) -> Incident:
    """Open an incident; with ``suspend`` its charters and assets stop in the same transaction.

    Raises:
        Invalid: it is said to be discovered in the future.
        NotFound: there is no such charter, or no such asset to stop.
        Conflict: with ``suspend``, one of them is retired, or an asset is not out.
    """
    if asked.discovered_at > work.now:
        raise Invalid("discovered_at lies in the future.", code="incident-dates")
    store = IncidentStore(work.connection)
    said = asked.model_dump(exclude={"suspend"})
    made = await store.open(**said, opened_by=work.by, opened_at=work.now, state="open")
    for charter_id in asked.charters:
        await CharterStore(work.connection).lock(charter_id)
    if asked.suspend:
        await _stop(work, made, asked)
    if asked.personal_data:
        await _add_duty(work, made, AUTHORITY, asked.discovered_at + timedelta(hours=BREACH_HOURS))
    details = {
        "severity": Word(asked.severity), "personal_data": asked.personal_data, "suspended": asked.suspend,
    }  # fmt: skip
    await work.tell(AuditEvent(work.by, Action.INCIDENT_OPEN, f"incident:{made}", details=details))
    return await store.incident(made)


async def _stop(work: Work, incident_id: UUID, asked: IncidentRequest) -> None:
    """Suspend what an incident names, until votes lift what it stopped."""
    for charter_id in asked.charters:
        await stop(work, charter_id, Suspension(reason=asked.title, incident_id=incident_id))
    for asset_id in asked.assets:
        await lifecycle.suspend(work, asset_id, reason=asked.title, incident_id=incident_id)


async def list_incidents(work: Work, state: IncidentState | None = None, after: UUID | None = None) -> list[Incident]:
    """A page of incidents, the newest first."""
    return await IncidentStore(work.connection).incidents(state, after)


async def get_incident(work: Work, incident_id: UUID) -> Incident:
    """Raises NotFound: there is none."""
    return await IncidentStore(work.connection).incident(incident_id)


async def add_duty(work: Work, incident_id: UUID, asked: DutyRequest) -> Incident:
    """Somebody must be told by a time.

    Raises:
        NotFound: there is no such incident.
        Conflict: it is not open.
    """
    await _open(work, incident_id)
    await _add_duty(work, incident_id, asked.recipient, asked.due_at)
    return await IncidentStore(work.connection).incident(incident_id)


async def _add_duty(work: Work, incident_id: UUID, recipient: str, due_at: datetime) -> None:
    duty_id = await IncidentStore(work.connection).add_duty(
        incident_id=incident_id, recipient=recipient, due_at=due_at
    )  # fmt: skip
    subject, payload = f"duty:{duty_id}", {"to": work.by, "recipient": recipient}
    if due_at - WARNING > work.now:
        await work.schedule("duty.warning", subject, due_at - WARNING, payload)
    await work.schedule("duty.overdue", subject, due_at, payload)


async def do_duty(work: Work, incident_id: UUID, duty_id: UUID, asked: Evidence) -> Incident:
    """The notification was made; its clock stops.

    Raises:
        NotFound: there is no such incident, or it has no such duty that is open.
        Conflict: it is not open.
        Forbidden: somebody else answers for the incident.
    """
    await _open(work, incident_id)
    await check_owner(work, "incident", incident_id)
    store = IncidentStore(work.connection)
    await store.do_duty(incident_id, duty_id, work.by, asked.evidence, work.now)
    await CalendarStore(work.connection).cancel(f"duty:{duty_id}", work.now)
    details = {"duty": str(duty_id)}
    await work.tell(AuditEvent(work.by, Action.INCIDENT_NOTIFIED, f"incident:{incident_id}", details=details))
    return await store.incident(incident_id)


async def add_action(work: Work, incident_id: UUID, asked: ActionRequest) -> Incident:
    """What must be mended, by whom and when.

    Raises:
        NotFound: there is no such incident.
        Conflict: it is not open.
    """
    await _open(work, incident_id)
    store = IncidentStore(work.connection)
    made = await store.add_action(incident_id=incident_id, **dict(asked))
    await work.schedule("action.overdue", f"action:{made}", asked.due_at, {"to": asked.owner})
    details = {"action": str(made)}
    await work.tell(AuditEvent(work.by, Action.INCIDENT_ACTION, f"incident:{incident_id}", details=details))
    return await store.incident(incident_id)


async def do_action(work: Work, incident_id: UUID, action_id: UUID) -> Incident:
    """A corrective action is done, as whoever owns it or answers for the incident says.

    Raises:
        NotFound: there is no such incident, or it has no such action that is open.
        Conflict: it is not open.
        Forbidden: the action and the incident are somebody else's.
    """
    incident = await _open(work, incident_id)
    action = next((one for one in incident.actions if one.id == action_id), None)
    if action is None:
        raise NotFound("This incident has no such action.")
    await check_owner(work, "incident", incident_id, action.owner)
    store = IncidentStore(work.connection)
    await store.do_action(incident_id, action_id, work.by, work.now)
    await CalendarStore(work.connection).cancel(f"action:{action_id}", work.now)
    details = {"action": str(action_id)}
    await work.tell(AuditEvent(work.by, Action.INCIDENT_ACTION_DONE, f"incident:{incident_id}", details=details))
    return await store.incident(incident_id)


async def _open(work: Work, incident_id: UUID) -> Incident:
    """An incident that is open, locked until the transaction ends.

    Raises:
        NotFound: there is no such incident.
        Conflict: it is not open.
    """
    incident = await IncidentStore(work.connection).incident(incident_id, lock=True)
    if incident.state != "open":
        raise Conflict(f"The incident is {incident.state}.", code="incident-not-open")
    return incident


async def close_incident(work: ChangingRules, incident_id: UUID, asked: PostMortem) -> ReviewOpened:
    """Ask for an incident to be closed: everything done, a post-mortem written, then a vote.

    Raises:
        NotFound: there is no such incident.
        Forbidden: somebody else answers for the incident.
        Conflict: it is not open, or a notification or a corrective action is.
    """
    incident = await _open(work, incident_id)
    await check_owner(work, "incident", incident_id)
    waiting = [duty.recipient for duty in incident.duties if duty.done_at is None]
    undone = [action.action for action in incident.actions if action.done_at is None]
    if waiting or undone:
        reasons = [{"code": "duty-open", "message": f"{name} has not been notified"} for name in waiting]
        reasons += [{"code": "action-open", "message": f"not done: {name}"} for name in undone]
        raise Conflict("The incident cannot be closed yet.", code="incident-unfinished", reasons=reasons)
    await IncidentStore(work.connection).set(incident_id, post_mortem=asked.post_mortem, state="closing")
    document = {"incident_id": str(incident_id), "title": incident.title, "post_mortem": asked.post_mortem}
    return await reviews.put_up(work, reviews.Matter("incident", f"incident:{incident_id}", document))


async def conclude(decided: Decided) -> Mapping[str, str]:
    """A vote closes the incident, or opens it again."""
    incident_id = UUID(decided.row.document["incident_id"])
    state = "closed" if decided.approved else "open"
    closed = {"closed_at": decided.work.now} if decided.approved else {}
    await IncidentStore(decided.work.connection).set(incident_id, state=state, **closed)
    return {"state": state}


INCIDENT = Kind("incident", PRIVACY, a_no_withholds=False, conclude=conclude)
