"""Charters, their versions and what stops them."""

from operator import attrgetter
from typing import Annotated
from uuid import UUID

from fastapi import Query

from moneyer_policy.charters.use_cases import charters
from moneyer_policy.reviews.routes.documents import WrittenDocument, written_body
from moneyer_shared.paging import PAGE
from moneyer_shared.routes import Routes

routes = Routes(prefix="/v1", tag="charters")
READ, WRITE, SUSPEND = "policy:read", "policy:charters:write", "policy:charters:suspend"
ONE, ETAG, REVIEW = "/charters/{charter_id}", attrgetter("etag"), "/v1/reviews/{review_id}"
A_CHARTER = written_body({"type": "object", "description": "A charter; see /v1/charters/schema."})

routes.add("GET", "/charters/schema", charters.get_charter_schema, "The JSON Schema of a charter", scope=None)
routes.add(
    "POST",
    "/charters",
    charters.draft_charter,
    "Draft a charter, in JSON or YAML",
    scope=WRITE,
    status=201,
    once="may",
    location="/v1/charters/{id}",
    etag=ETAG,
    first=charters.check_charter,
    given={"document": WrittenDocument},
    extra={"openapi_extra": A_CHARTER},
)
routes.add(
    "GET",
    "/charters",
    charters.list_charters,
    "Charters: the version that holds, or the newest",
    scope=READ,
    page="id",
    given={"charter": Annotated[list[UUID] | None, Query(max_length=PAGE, description="Only these")]},
)
routes.add("GET", ONE, charters.get_charter, "The newest version, with its ETag", scope=READ, etag=ETAG)
routes.add("GET", f"{ONE}/versions", charters.list_charter_versions, "All versions", scope=READ)
routes.add("GET", f"{ONE}/versions/{{version}}", charters.get_charter_version, "One version", scope=READ)
routes.add("GET", f"{ONE}/in-force", charters.get_charter_in_force, "What was in force at a time", scope=READ)
routes.add("GET", f"{ONE}/diff", charters.diff_charter, "What changed between two versions", scope=READ)
routes.add(
    "PUT",
    ONE,
    charters.edit_charter,
    "Edit the draft, or open the next version",
    scope=WRITE,
    etag=ETAG,
    first=charters.check_charter,
    given={"document": WrittenDocument},
    extra={"openapi_extra": A_CHARTER},
)
routes.add("POST", f"{ONE}:submit", charters.submit_charter, "Hand the draft to the committee", scope=WRITE)
routes.add("POST", f"{ONE}:suspend", charters.suspend_charter, "Stop a charter at once", scope=SUSPEND)
routes.add(
    "POST",
    f"{ONE}:resume",
    charters.resume_charter,
    "Ask to start a suspended charter again; the quorum decides",
    scope=WRITE,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add(
    "POST",
    f"{ONE}:retire",
    charters.retire_charter,
    "Ask for a charter to be retired; a vote decides",
    scope=WRITE,
    status=202,
    once="may",
    location=REVIEW,
)
routes.add("GET", f"{ONE}/votes", charters.list_votes, "Votes on the newest version", scope=READ)
