"""Incidents, feedback, deadlines and notifications on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from moneyer_policy.reviews.documents import Subject
from moneyer_shared.contracts.documents import Document, Moment, Text

Severity = Literal["low", "medium", "high", "critical"]
IncidentState = Literal["open", "closing", "closed"]
Verdict = Literal["accepted", "declined", "resolved"]
FeedbackState = Literal["open", "accepted", "declined", "resolved"]
About = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


# --- incidents ----------------------------------------------------------------------------


class IncidentRequest(Document):
    """With ``suspend`` the named charters and assets stop at once; ``personal_data`` starts the 72-hour clock."""

    title: Text
    severity: Severity
    description: Text
    charters: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list[UUID])
    assets: Annotated[list[UUID], Field(max_length=100)] = Field(default_factory=list[UUID])
    personal_data: bool
    discovered_at: Moment
    suspend: bool = False


class DutyRequest(Document):
    recipient: Text
    due_at: Moment


class Duty(Document):
    """Somebody who must be notified by a time; ``evidence`` once that was done."""

    id: UUID
    recipient: str
    due_at: datetime
    done_at: datetime | None
    done_by: str | None
    evidence: str | None


class Evidence(Document):
    evidence: Text


class ActionRequest(Document):
    action: Text
    owner: Subject
    due_at: Moment


class CorrectiveAction(Document):
    """What must be mended, by whom and when."""

    id: UUID
    action: str
    owner: str
    due_at: datetime
    done_by: str | None
    done_at: datetime | None


class PostMortem(Document):
    post_mortem: Text


class IncidentReport(Document):
    """What happened, and what became of it."""

    id: UUID
    title: str
    severity: Severity
    description: str
    charters: list[UUID]
    assets: list[UUID]
    personal_data: bool
    discovered_at: datetime
    opened_by: str
    opened_at: datetime
    state: IncidentState
    post_mortem: str | None
    closed_at: datetime | None


class Incident(IncidentReport):
    """An incident with whom must be notified and what must be mended."""

    duties: list[Duty]
    actions: list[CorrectiveAction]


# --- feedback -----------------------------------------------------------------------------


class FeedbackRequest(Document):
    about_kind: Literal["asset", "charter", "policy"]
    about: Annotated[About, Field(min_length=1)]
    message: Text


class Triage(Document):
    """What becomes of feedback, and the charter version or incident that it led to."""

    state: Verdict
    note: Text
    charter_id: UUID | None = None
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    incident_id: UUID | None = None


class Feedback(Document):
    """``link`` names the charter version or incident that it led to."""

    id: UUID
    about_kind: str
    about: str
    message: str
    sent_by: str
    sent_at: datetime
    state: FeedbackState
    triaged_by: str | None
    note: str | None
    link: dict[str, Any] | None


# --- the calendar -------------------------------------------------------------------------


class Deadline(Document):
    id: UUID
    kind: str
    subject: str
    due_at: datetime
    done_at: datetime | None
    payload: dict[str, Any]


class Notification(Document):
    """What somebody was told."""

    id: UUID
    recipient: str
    kind: str
    subject: str
    message: str
    sent_at: datetime
