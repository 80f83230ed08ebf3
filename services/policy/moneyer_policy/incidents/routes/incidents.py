"""Incidents, feedback, the calendar and notifications."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from moneyer_policy.assets.routes.office import InOffice
from moneyer_policy.deadlines import CalendarStore
from moneyer_policy.effects.use_cases import calendar
from moneyer_policy.incidents.store import IncidentStore
from moneyer_policy.incidents.use_cases import incidents as use_cases
from moneyer_policy.reviews.documents import ReviewOpened, Subject
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Text
from moneyer_shared.errors import Invalid
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["incidents"])
READ = requires("policy:read")
WRITE = requires("policy:incidents:write")
Severity = Literal["low", "medium", "high", "critical"]


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


class DutyShown(Document):
    id: UUID
    recipient: str
    due_at: datetime
    done_at: datetime | None
    done_by: str | None
    evidence: str | None


class ActionShown(Document):
    id: UUID
    action: str
    owner: str
    due_at: datetime
    done_by: str | None
    done_at: datetime | None


class IncidentShown(Document):
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
    state: Literal["open", "closing", "closed"]
    post_mortem: str | None
    closed_at: datetime | None
    duties: list[DutyShown]
    actions: list[ActionShown]


class DutyRequest(Document):
    recipient: Text
    due_at: Moment


class Evidence(Document):
    evidence: Text


class ActionRequest(Document):
    action: Text
    owner: Subject
    due_at: Moment


class PostMortem(Document):
    post_mortem: Text


class FeedbackRequest(Document):
    about_kind: Literal["asset", "charter", "policy"]
    about: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    message: Text


class Triage(Document):
    state: Literal["accepted", "declined", "resolved"]
    note: Text
    charter_id: UUID | None = None
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    incident_id: UUID | None = None


class FeedbackShown(Document):
    id: UUID
    about_kind: str
    about: str
    message: str
    sent_by: str
    sent_at: datetime
    state: Literal["open", "accepted", "declined", "resolved"]
    triaged_by: str | None
    note: str | None
    link: dict[str, Any] | None


class Deadline(Document):
    id: UUID
    kind: str
    subject: str
    due_at: datetime
    done_at: datetime | None
    payload: dict[str, Any]


class NotificationShown(Document):
    id: UUID
    recipient: str
    kind: str
    subject: str
    message: str
    sent_at: datetime


@router.post(
    "/incidents",
    status_code=201,
    response_model=IncidentShown,
    operation_id="openIncident",
    summary="Open an incident, and stop what it concerns",
)
async def open_incident(
    request: IncidentRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.open_incident(office, **dict(request), by=caller.subject, attempt=attempt)
    return reply.response()


@router.get("/incidents", operation_id="listIncidents", summary="Incidents, newest first")
async def list_incidents(
    office: InOffice,
    pages: Pages,
    state: Annotated[Literal["open", "closing", "closed"] | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[IncidentShown]:
    async with office.database.transaction() as connection:
        rows = await IncidentStore(connection).incidents(state, after)
        shown = [await use_cases.show(connection, row) for row in rows]
    pages.follow(rows)
    return [IncidentShown.model_validate(entry) for entry in shown]


@router.get("/incidents/{incident_id}", operation_id="getIncident", summary="One incident")
async def get_incident(incident_id: UUID, office: InOffice, _: Caller = READ) -> IncidentShown:
    async with office.database.transaction() as connection:
        shown = await use_cases.show(connection, await IncidentStore(connection).incident(incident_id))
    return IncidentShown.model_validate(shown)


@router.post(
    "/incidents/{incident_id}/duties",
    status_code=201,
    response_model=IncidentShown,
    operation_id="addDuty",
    summary="Somebody must be notified by a time",
)
async def add_duty(
    incident_id: UUID, request: DutyRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.add_duty(
        office,
        incident_id=incident_id,
        recipient=request.recipient,
        due_at=request.due_at,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/incidents/{incident_id}/duties/{duty_id}:done",
    response_model=IncidentShown,
    operation_id="doDuty",
    summary="The notification was made",
)
async def do_duty(
    incident_id: UUID, duty_id: UUID, request: Evidence, office: InOffice, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.do_duty(
        office, incident_id=incident_id, duty_id=duty_id, evidence=request.evidence, by=caller.subject
    )
    return reply.response()


@router.post(
    "/incidents/{incident_id}/actions",
    status_code=201,
    response_model=IncidentShown,
    operation_id="addAction",
    summary="A corrective action",
)
async def add_action(
    incident_id: UUID, request: ActionRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.add_action(
        office,
        incident_id=incident_id,
        action=request.action,
        owner=request.owner,
        due_at=request.due_at,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/incidents/{incident_id}/actions/{action_id}:done",
    response_model=IncidentShown,
    operation_id="doAction",
    summary="The corrective action is done",
)
async def do_action(incident_id: UUID, action_id: UUID, office: InOffice, caller: Caller = WRITE) -> JSONResponse:
    reply = await use_cases.do_action(office, incident_id=incident_id, action_id=action_id, by=caller.subject)
    return reply.response()


@router.post(
    "/incidents/{incident_id}:close",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="closeIncident",
    summary="Ask for it to be closed; a vote decides",
)
async def close(
    incident_id: UUID, request: PostMortem, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    reply = await use_cases.close(
        office, incident_id=incident_id, post_mortem=request.post_mortem, by=caller.subject, attempt=attempt
    )
    return reply.response()


@router.post(
    "/feedback",
    status_code=201,
    response_model=FeedbackShown,
    operation_id="sendFeedback",
    summary="Say something about an asset, a charter or the policy",
)
async def send_feedback(
    request: FeedbackRequest,
    office: InOffice,
    attempt: ThisAttempt,
    caller: Caller = requires("policy:feedback:write"),
) -> JSONResponse:
    reply = await use_cases.send_feedback(office, **dict(request), by=caller.subject, attempt=attempt)
    return reply.response()


@router.get("/feedback", operation_id="listFeedback", summary="Feedback, newest first")
async def list_feedback(
    office: InOffice,
    pages: Pages,
    about: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    state: Annotated[Literal["open", "accepted", "declined", "resolved"] | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[FeedbackShown]:
    async with office.database.transaction() as connection:
        rows = await IncidentStore(connection).feedback(about=about, state=state, after=after)
    pages.follow(rows)
    return [FeedbackShown.model_validate(use_cases.show_feedback(row)) for row in rows]


@router.post(
    "/feedback/{feedback_id}:triage",
    response_model=FeedbackShown,
    operation_id="triageFeedback",
    summary="Say what becomes of it",
)
async def triage(feedback_id: UUID, request: Triage, office: InOffice, caller: Caller = WRITE) -> JSONResponse:
    reply = await use_cases.triage(office, feedback_id=feedback_id, **dict(request), by=caller.subject)
    return reply.response()


@router.get("/calendar", operation_id="getCalendar", summary="What is due, and what was done when it was")
async def get_calendar(
    office: InOffice,
    pages: Pages,
    start: Annotated[Moment | None, Query(description="Now, if not given")] = None,
    end: Annotated[Moment | None, Query(description="A year later, if not given")] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[Deadline]:
    begin = start or office.clock()
    try:
        until = end or begin + timedelta(days=366)
    except OverflowError as error:
        raise Invalid("No calendar reaches that far.", code="calendar-range") from error
    async with office.database.transaction() as connection:
        rows = await CalendarStore(connection).between(begin, until, after)
    pages.follow(rows)
    return [Deadline.model_validate(calendar.show(row)) for row in rows]


@router.get("/notifications", operation_id="listNotifications", summary="What people were told, newest first")
async def notifications(
    office: InOffice,
    pages: Pages,
    recipient: Annotated[Subject | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
    _: Caller = READ,
) -> list[NotificationShown]:
    async with office.database.transaction() as connection:
        rows = await CalendarStore(connection).notifications(recipient, after)
    pages.follow(rows)
    return [
        NotificationShown(
            id=row.id, recipient=row.recipient, kind=row.kind, subject=row.subject, message=row.message,
            sent_at=row.sent_at,
        )
        for row in rows
    ]  # fmt: skip
