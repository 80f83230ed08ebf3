"""Charters, their versions, assessments and what stops them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from moneyer_policy.charters.documents import CharterVersion
from moneyer_policy.charters.rules.charter import State
from moneyer_policy.charters.rules.schema import CHARTER_SCHEMA
from moneyer_policy.charters.store import CharterStore, state_of
from moneyer_policy.charters.use_cases import charters as use_cases
from moneyer_policy.reviews.documents import Reason, ReviewOpened
from moneyer_policy.reviews.routes.documents import WrittenDocument, written_body
from moneyer_policy.reviews.routes.office import InOffice
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import reviews
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment, Name
from moneyer_shared.contracts.policy import VoteShown
from moneyer_shared.errors import PreconditionRequired
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["charters"])
READ = requires("policy:read")
WRITE = requires("policy:charters:write")
Writer = Annotated[Caller, WRITE]
"""Named before the document, so that who may not write is told so before anything is read."""
SUSPEND = requires("policy:charters:suspend")
A_CHARTER = written_body({"type": "object", "description": "A charter; see /v1/charters/schema."})


class Suspension(Reason):
    incident_id: UUID | None = None


class Difference(Document):
    """What changed, in words and as JSON Patch (RFC 6902)."""

    before: int
    after: int
    changes: list[str]
    patch: list[dict[str, Any]]


@router.get("/charters/schema", operation_id="getCharterSchema", summary="The JSON Schema of a charter")
async def schema() -> dict[str, Any]:
    return CHARTER_SCHEMA


@router.post(
    "/charters",
    status_code=201,
    response_model=CharterVersion,
    operation_id="draftCharter",
    summary="Draft a charter, in JSON or YAML",
    openapi_extra=A_CHARTER,
)
async def draft(caller: Writer, document: WrittenDocument, office: InOffice, attempt: ThisAttempt) -> JSONResponse:
    return (await use_cases.draft(office, document=document, by=caller.subject, attempt=attempt)).response()


@router.get("/charters", operation_id="listCharters", summary="Charters: the version that holds, or the newest")
async def list_charters(
    office: InOffice,
    pages: Pages,
    after: Annotated[UUID | None, Query()] = None,
    state: Annotated[State | None, Query(description="Only those in this state at the moment asked for")] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    source: Annotated[UUID | None, Query()] = None,
    use_case: Annotated[Name | None, Query()] = None,
    words: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="In title or purpose")
    ] = None,
    at: Annotated[Moment | None, Query(description="As things stood at this moment")] = None,
    _: Caller = READ,
) -> list[CharterVersion]:
    moment = at or office.clock()
    contains: dict[str, Any] = {}
    if owner is not None:
        contains["owner"] = owner
    if source is not None:
        contains["sources"] = [str(source)]
    if use_case is not None:
        contains["use_cases"] = [{"name": use_case}]
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        filtered = contains or words or state or at
        rows = (
            await store.search(moment, after=after, contains=contains, words=words)
            if filtered
            else await store.newest(moment, after)
        )
    pages.follow(rows, "charter_id")
    shown = [row for row in rows if state is None or state_of(row, moment) == state]
    return [CharterVersion.model_validate(use_cases.show(row, moment)) for row in shown]


@router.get("/charters/{charter_id}", operation_id="getCharter", summary="The newest version, with its ETag")
async def get_charter(charter_id: UUID, office: InOffice, response: Response, _: Caller = READ) -> CharterVersion:
    now = office.clock()
    async with office.database.transaction() as connection:
        row = await CharterStore(connection).newest_version(charter_id, now)
    response.headers["ETag"] = use_cases.etag(row)
    return CharterVersion.model_validate(use_cases.show(row, now))


@router.get("/charters/{charter_id}/versions", operation_id="listCharterVersions", summary="All versions")
async def list_versions(charter_id: UUID, office: InOffice, _: Caller = READ) -> list[CharterVersion]:
    now = office.clock()
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        await store.newest_version(charter_id, now)
        rows = await store.versions(charter_id, now)
    return [CharterVersion.model_validate(use_cases.show(row, now)) for row in rows]


@router.get("/charters/{charter_id}/versions/{version}", operation_id="getCharterVersion", summary="One version")
async def get_version(charter_id: UUID, version: int, office: InOffice, _: Caller = READ) -> CharterVersion:
    now = office.clock()
    async with office.database.transaction() as connection:
        row = await CharterStore(connection).version(charter_id, _in_range(version), now)
    return CharterVersion.model_validate(use_cases.show(row, now))


def _in_range(version: int) -> int:
    return max(min(version, 2**31 - 1), 0)


@router.get("/charters/{charter_id}/in-force", operation_id="getCharterInForce", summary="What was in force at a time")
async def in_force(
    charter_id: UUID, office: InOffice, at: Annotated[Moment | None, Query()] = None, _: Caller = READ
) -> CharterVersion:
    shown = await use_cases.in_force_at(office, charter_id, at or office.clock())
    return CharterVersion.model_validate(shown)


@router.get("/charters/{charter_id}/diff", operation_id="diffCharter", summary="What changed between two versions")
async def diff(charter_id: UUID, before: int, after: int, office: InOffice, _: Caller = READ) -> Difference:
    changed = await use_cases.difference(office, charter_id, _in_range(before), _in_range(after))
    return Difference.model_validate(changed)


@router.put(
    "/charters/{charter_id}",
    response_model=CharterVersion,
    operation_id="editCharter",
    summary="Edit the draft, or open the next version",
    openapi_extra=A_CHARTER,
)
async def edit(
    caller: Writer,
    charter_id: UUID,
    document: WrittenDocument,
    office: InOffice,
    if_match: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    if if_match is None:
        raise PreconditionRequired("Send If-Match with the ETag you read.")
    edited = await use_cases.edit(
        office, charter_id=charter_id, document=document, if_match=if_match, by=caller.subject
    )
    return edited.response()


@router.post(
    "/charters/{charter_id}:submit",
    response_model=CharterVersion,
    operation_id="submitCharter",
    summary="Hand the draft to the committee",
)
async def submit(charter_id: UUID, office: InOffice, caller: Caller = WRITE) -> JSONResponse:
    return (await use_cases.submit(office, charter_id=charter_id, by=caller.subject)).response()


@router.post(
    "/charters/{charter_id}:suspend",
    response_model=CharterVersion,
    operation_id="suspendCharter",
    summary="Stop a charter at once",
)
async def suspend(charter_id: UUID, request: Suspension, office: InOffice, caller: Caller = SUSPEND) -> JSONResponse:
    reply = await use_cases.suspend(
        office, charter_id=charter_id, reason=request.reason, incident_id=request.incident_id, by=caller.subject
    )
    return reply.response()


@router.post(
    "/charters/{charter_id}:resume",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="resumeCharter",
    summary="Ask to start a suspended charter again; the quorum decides",
)
async def resume(
    charter_id: UUID, request: Reason, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    return (
        await use_cases.resume(office, charter_id=charter_id, reason=request.reason, by=caller.subject, attempt=attempt)
    ).response()


@router.post(
    "/charters/{charter_id}:retire",
    status_code=202,
    response_model=ReviewOpened,
    operation_id="retireCharter",
    summary="Ask for a charter to be retired; a vote decides",
)
async def retire(
    charter_id: UUID, request: Reason, office: InOffice, attempt: ThisAttempt, caller: Caller = WRITE
) -> JSONResponse:
    return (
        await use_cases.retire(office, charter_id=charter_id, reason=request.reason, by=caller.subject, attempt=attempt)
    ).response()


@router.get("/charters/{charter_id}/votes", operation_id="listVotes", summary="Votes on the newest version")
async def votes(charter_id: UUID, office: InOffice, _: Caller = READ) -> list[VoteShown]:
    async with office.database.transaction() as connection:
        now = office.clock()
        latest = await CharterStore(connection).newest_version(charter_id, now)
        row = await ReviewStore(connection).latest_on("charter", use_cases.matter_of(charter_id, latest.version))
        shown = await reviews.show(connection, row, now, raw=False) if row is not None else {"votes": []}
    return [VoteShown.model_validate(entry) for entry in shown["votes"]]
