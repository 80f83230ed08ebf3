"""Charters, votes, assessments and the committee."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.responses import JSONResponse

from mintmark_policy.api.words import (
    AssessmentMade,
    AssessmentRequest,
    CharterVersion,
    InOffice,
    Member,
    VoteRequest,
    VoteShown,
)
from mintmark_policy.domain.charter_schema import CHARTER_SCHEMA
from mintmark_policy.domain.gate import Assessment
from mintmark_policy.store.charters import PAGE, CharterStore
from mintmark_policy.use_cases import charters as use_cases
from mintmark_shared.auth import Caller, requires
from mintmark_shared.errors import PreconditionRequired
from mintmark_shared.idempotency import OptionalIdempotencyKey

router = APIRouter(prefix="/v1", tags=["charters"])
CharterDocument = Annotated[dict[str, Any], Body(description="A charter; see /v1/charters/schema.")]
READ = requires("policy:read")


@router.get("/charters/schema", operation_id="getCharterSchema", summary="The JSON Schema of a charter")
async def schema() -> dict[str, Any]:
    return CHARTER_SCHEMA


@router.post("/committee/members", status_code=204, operation_id="appointMember", summary="Give a function")
async def appoint(member: Member, office: InOffice, caller: Caller = requires("policy:committee:write")) -> None:
    await use_cases.add_member(office, subject=member.subject, function=member.function, by=caller.subject)


@router.get("/committee/members", operation_id="listMembers", summary="Who holds which function")
async def members(office: InOffice, _: Caller = READ) -> list[Member]:
    async with office.database.transaction() as connection:
        rows = await CharterStore(connection).members()
    return [Member(subject=row.subject, function=row.function) for row in rows]


@router.post(
    "/charters",
    status_code=201,
    response_model=CharterVersion,
    operation_id="draftCharter",
    summary="Draft a charter",
)
async def draft(
    document: CharterDocument,
    office: InOffice,
    key: OptionalIdempotencyKey = None,
    caller: Caller = requires("policy:charters:write"),
) -> JSONResponse:
    return (await use_cases.draft(office, document=document, by=caller.subject, key=key)).response()


@router.get("/charters", operation_id="listCharters", summary="The newest version of each charter")
async def list_charters(
    office: InOffice, response: Response, after: Annotated[UUID | None, Query()] = None, _: Caller = READ
) -> list[CharterVersion]:
    now = office.clock()
    async with office.database.transaction() as connection:
        rows = await CharterStore(connection).page(after)
    if len(rows) == PAGE:
        response.headers["Link"] = f'</v1/charters?after={rows[-1].charter_id}>; rel="next"'
    return [CharterVersion.model_validate(use_cases.show(row, now)) for row in rows]


@router.get("/charters/{charter_id}", operation_id="getCharter", summary="The newest version, with its ETag")
async def get_charter(charter_id: UUID, office: InOffice, response: Response, _: Caller = READ) -> CharterVersion:
    async with office.database.transaction() as connection:
        row = await CharterStore(connection).latest(charter_id)
    response.headers["ETag"] = use_cases.etag(row)
    return CharterVersion.model_validate(use_cases.show(row, office.clock()))


@router.get("/charters/{charter_id}/versions/{version}", operation_id="getCharterVersion", summary="One version")
async def get_version(charter_id: UUID, version: int, office: InOffice, _: Caller = READ) -> CharterVersion:
    async with office.database.transaction() as connection:
        row = await CharterStore(connection).version(charter_id, min(version, 2**31 - 1))
    return CharterVersion.model_validate(use_cases.show(row, office.clock()))


@router.put(
    "/charters/{charter_id}",
    response_model=CharterVersion,
    operation_id="editCharter",
    summary="Edit the draft, or open the next version",
)
async def edit(
    charter_id: UUID,
    document: CharterDocument,
    office: InOffice,
    if_match: Annotated[str | None, Header()] = None,
    caller: Caller = requires("policy:charters:write"),
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
async def submit(
    charter_id: UUID, office: InOffice, caller: Caller = requires("policy:charters:write")
) -> JSONResponse:
    return (await use_cases.submit(office, charter_id=charter_id, by=caller.subject)).response()


@router.post(
    "/charters/{charter_id}/votes",
    status_code=201,
    response_model=CharterVersion,
    operation_id="voteOnCharter",
    summary="Vote on a submitted version",
)
async def vote(
    charter_id: UUID, vote: VoteRequest, office: InOffice, caller: Caller = requires("policy:votes:write")
) -> JSONResponse:
    cast = use_cases.Ballots(vote.function, vote.verdict, vote.digest, vote.reason)
    return (await use_cases.vote(office, charter_id=charter_id, cast=cast, by=caller.subject)).response()


@router.get("/charters/{charter_id}/votes", operation_id="listVotes", summary="Votes on the newest version")
async def votes(charter_id: UUID, office: InOffice, _: Caller = READ) -> list[VoteShown]:
    async with office.database.transaction() as connection:
        store = CharterStore(connection)
        row = await store.latest(charter_id)
        cast = await store.votes(charter_id, row.version)
    return [
        VoteShown(
            voter=entry.voter, function=entry.function, verdict=entry.verdict,
            digest=entry.digest, reason=entry.reason, cast_at=entry.cast_at,
        )
        for entry in cast
    ]  # fmt: skip


@router.post(
    "/charters/{charter_id}/assessments",
    status_code=201,
    response_model=AssessmentMade,
    operation_id="assessCharter",
    summary="Record a privacy impact assessment",
)
async def assess(
    charter_id: UUID,
    request: AssessmentRequest,
    office: InOffice,
    key: OptionalIdempotencyKey = None,
    caller: Caller = requires("policy:assessments:write"),
) -> JSONResponse:
    made = Assessment(caller.subject, request.digest, request.acceptable, request.valid_until)
    reply = await use_cases.assess(office, charter_id=charter_id, assessment=made, summary=request.summary, key=key)
    return reply.response()
