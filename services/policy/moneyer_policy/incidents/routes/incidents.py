"""Incidents, feedback, the calendar and notifications."""

from typing import Annotated

from fastapi import Query

from moneyer_policy.incidents.use_cases import calendar, feedback, incidents
from moneyer_shared.contracts.documents import Moment
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="incidents")
READ, WRITE = "policy:read", "policy:incidents:write"
ONE = "/incidents/{incident_id}"

routes.add(
    "POST",
    "/incidents",
    incidents.open_incident,
    "Open an incident, and stop what it concerns",
    scope=WRITE,
    status=201,
    once="may",
    location="/v1/incidents/{id}",
)
routes.add("GET", "/incidents", incidents.list_incidents, "Incidents, newest first", scope=READ, page="id")
routes.add("GET", ONE, incidents.get_incident, "One incident", scope=READ)
routes.add(
    "POST",
    f"{ONE}/duties",
    incidents.add_duty,
    "Somebody must be notified by a time",
    scope=WRITE,
    status=201,
    once="may",
)
routes.add("POST", f"{ONE}/duties/{{duty_id}}:done", incidents.do_duty, "The notification was made", scope=WRITE)
routes.add("POST", f"{ONE}/actions", incidents.add_action, "A corrective action", scope=WRITE, status=201, once="may")
routes.add(
    "POST", f"{ONE}/actions/{{action_id}}:done", incidents.do_action, "The corrective action is done", scope=WRITE
)  # fmt: skip
routes.add(
    "POST",
    f"{ONE}:close",
    incidents.close_incident,
    "Ask for it to be closed; a vote decides",
    scope=WRITE,
    status=202,
    once="may",
    location="/v1/reviews/{review_id}",
)
routes.add(
    "POST",
    "/feedback",
    feedback.send_feedback,
    "Say something about an asset, a charter or the policy",
    scope="policy:feedback:write",
    status=201,
    once="may",
)
routes.add("GET", "/feedback", feedback.list_feedback, "Feedback, newest first", scope=READ, page="id")
routes.add("POST", "/feedback/{feedback_id}:triage", feedback.triage_feedback, "Say what becomes of it", scope=WRITE)
routes.add(
    "GET",
    "/calendar",
    calendar.get_calendar,
    "What is due, and what was done when it was",
    scope=READ,
    page="id",
    given={
        "start": Annotated[Moment | None, Query(description="Now, if not given")],
        "end": Annotated[Moment | None, Query(description="A year later, if not given")],
    },
)
routes.add(
    "GET",
    "/notifications",
    calendar.list_notifications,
    "What people were told, newest first",
    scope=READ,
    page="id",
)
