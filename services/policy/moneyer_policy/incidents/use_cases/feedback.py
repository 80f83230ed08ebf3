"""What anybody says of an asset, a charter or the policy itself, and what becomes of it."""

from uuid import UUID

from moneyer_policy.charters.store import CharterStore
from moneyer_policy.incidents.documents import About, Feedback, FeedbackRequest, FeedbackState, Triage
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.work import Work
from moneyer_shared.contracts.actions import Action
from moneyer_shared.errors import Forbidden
from moneyer_shared.journal import AuditEvent


async def send_feedback(work: Work, asked: FeedbackRequest) -> Feedback:
    """Anybody may say something about an asset, a charter or the policy itself."""
    store = IncidentStore(work.connection)
    made = await store.add_feedback(**dict(asked), sent_by=work.by, sent_at=work.now, state="open")
    await work.tell(AuditEvent(work.by, Action.FEEDBACK_SEND, f"feedback:{made.id}"))
    return made


async def list_feedback(
    work: Work, about: About | None = None, state: FeedbackState | None = None, after: UUID | None = None
) -> list[Feedback]:
    """A page of feedback, the newest first."""
    return await IncidentStore(work.connection).feedback(about=about, state=state, after=after)


async def triage_feedback(work: Work, feedback_id: UUID, asked: Triage) -> Feedback:
    """Say what becomes of feedback, and link the charter version (else that in force) or incident it led to.

    Raises:
        NotFound: there is no such feedback, charter version or incident.
        Conflict: no version is named, and none ever was in force.
        Forbidden: it is one's own.
    """
    store = IncidentStore(work.connection)
    if (await store.one_feedback(feedback_id)).sent_by == work.by:
        raise Forbidden("Somebody else answers your feedback.", code="own-matter")
    link: dict[str, object] = {}
    if asked.charter_id is not None:
        link |= {"charter_id": str(asked.charter_id), "version": await _version(work, asked.charter_id, asked.version)}
    if asked.incident_id is not None:
        link["incident_id"] = str((await store.incident(asked.incident_id)).id)
    answered = {"state": asked.state, "note": asked.note, "link": link}
    triaged = await store.set_feedback(feedback_id, **answered, triaged_by=work.by, triaged_at=work.now)
    await work.tell(AuditEvent(work.by, Action.FEEDBACK_TRIAGE, f"feedback:{feedback_id}", asked.state))
    return triaged


async def _version(work: Work, charter_id: UUID, version: int | None) -> int:
    """The version that is named, if there is one of it; else the one in force."""
    charters = CharterStore(work.connection)
    if version is not None:
        return int((await charters.version(charter_id, version, work.now)).version)
    return int((await charters.governing(charter_id, work.now)).version)
