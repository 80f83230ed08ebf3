"""The committee, its delegations and quorum rules, and everything put up for its votes."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from moneyer_policy.reviews.documents import RAW, Function, Made, Member, ReviewShown, Subject
from moneyer_policy.reviews.routes.documents import WrittenDocument, written_body
from moneyer_policy.reviews.routes.office import InOffice
from moneyer_policy.reviews.rules.quorum import Kind
from moneyer_policy.reviews.rules.schema import QUORUM_SCHEMA
from moneyer_policy.reviews.store.committee import CommitteeStore
from moneyer_policy.reviews.store.reviews import ReviewStore
from moneyer_policy.reviews.use_cases import committee as use_cases
from moneyer_policy.reviews.use_cases import reviews
from moneyer_shared.auth import Caller, requires
from moneyer_shared.contracts.documents import Document, Moment
from moneyer_shared.idempotency import ThisAttempt
from moneyer_shared.web import Pages

router = APIRouter(prefix="/v1", tags=["committee"])
READ = requires("policy:read")
MANAGE = requires("policy:committee:write")
VOTE = requires("policy:votes:write")


class Committee(Document):
    """Who holds which function, at one version of the committee."""

    version: int
    members: list[Member]


class DelegationRequest(Document):
    delegate: Subject
    function: Function
    valid_from: Moment
    valid_until: Moment


class DelegationShown(Document):
    id: UUID
    delegator: str
    delegate: str
    function: str
    valid_from: datetime
    valid_until: datetime
    revoked_at: datetime | None


class QuorumShown(Document):
    """What a kind of matter takes by the house alone: its floor, raised by a rule (version 0: there is none)."""

    kind: str
    version: int
    stages: list[dict[str, Any]]
    ttl_hours: int | None = None


@router.post("/committee/members", status_code=204, operation_id="appointMember", summary="Give a function")
async def appoint(member: Member, office: InOffice, caller: Caller = MANAGE) -> None:
    await use_cases.appoint(office, subject=member.subject, function=member.function, by=caller.subject)


@router.post("/committee/members:remove", status_code=204, operation_id="removeMember", summary="Take a function")
async def remove(member: Member, office: InOffice, caller: Caller = MANAGE) -> None:
    await use_cases.remove(office, subject=member.subject, function=member.function, by=caller.subject)


@router.get("/committee/members", operation_id="listMembers", summary="Who holds which function")
async def members(office: InOffice, _: Caller = READ) -> list[Member]:
    async with office.database.transaction() as connection:
        rows = await CommitteeStore(connection).members()
    return [Member(subject=row.subject, function=row.function) for row in rows]


@router.get("/committee", operation_id="getCommittee", summary="The committee now, or at a version")
async def committee(
    office: InOffice, version: Annotated[int | None, Query(ge=0, lt=2**31)] = None, _: Caller = READ
) -> Committee:
    async with office.database.transaction() as connection:
        store = CommitteeStore(connection)
        at = version if version is not None else await store.version()
        rows = await store.members(at)
    return Committee(version=at, members=[Member(subject=row.subject, function=row.function) for row in rows])


@router.post(
    "/committee/delegations",
    status_code=201,
    response_model=Made,
    operation_id="delegateFunction",
    summary="Lend one's function for a time",
)
async def delegate(
    request: DelegationRequest, office: InOffice, attempt: ThisAttempt, caller: Caller = VOTE
) -> JSONResponse:
    reply = await use_cases.delegate(
        office,
        delegate=request.delegate,
        function=request.function,
        valid_from=request.valid_from,
        valid_until=request.valid_until,
        by=caller.subject,
        attempt=attempt,
    )
    return reply.response()


@router.post(
    "/committee/delegations/{delegation_id}:revoke",
    status_code=204,
    operation_id="revokeDelegation",
    summary="End a delegation",
)
async def revoke(delegation_id: UUID, office: InOffice, caller: Caller = VOTE) -> None:
    await use_cases.revoke(office, delegation_id=delegation_id, by=caller.subject)


@router.get("/committee/delegations", operation_id="listDelegations", summary="Who stands in for whom")
async def delegations(office: InOffice, _: Caller = READ) -> list[DelegationShown]:
    async with office.database.transaction() as connection:
        rows = await CommitteeStore(connection).delegations()
    return [
        DelegationShown(
            id=row.id, delegator=row.delegator, delegate=row.delegate, function=row.function,
            valid_from=row.valid_from, valid_until=row.valid_until, revoked_at=row.revoked_at,
        )
        for row in rows
    ]  # fmt: skip


@router.put(
    "/committee/quorum-rules/{kind}",
    response_model=QuorumShown,
    operation_id="setQuorumRule",
    summary="The house's quorum for a kind of review",
    openapi_extra=written_body(QUORUM_SCHEMA),
)
async def set_quorum(
    caller: Annotated[Caller, MANAGE], kind: Kind, document: WrittenDocument, office: InOffice
) -> JSONResponse:
    return (await use_cases.set_quorum(office, kind=kind, document=document, by=caller.subject)).response()


@router.get(
    "/committee/quorum-rules", operation_id="listQuorumRules", summary="What each kind of matter takes by the house"
)
async def quorum_rules(office: InOffice, _: Caller = READ) -> list[QuorumShown]:
    return [QuorumShown.model_validate(rule) for rule in await use_cases.quorum_rules(office)]


@router.get("/reviews", operation_id="listReviews", summary="What was put up for votes")
async def list_reviews(
    office: InOffice,
    pages: Pages,
    kind: Annotated[Kind | None, Query()] = None,
    state: Annotated[Literal["open", "approved", "rejected", "lapsed"] | None, Query()] = None,
    subject: Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")] = None,
    after: Annotated[UUID | None, Query()] = None,
    caller: Caller = READ,
) -> list[ReviewShown]:
    async with office.database.transaction() as connection:
        rows = await ReviewStore(connection).page(kind=kind, state=state, subject=subject, after=after)
        shown = [await reviews.show(connection, row, office.clock(), raw=caller.holds(RAW)) for row in rows]
    pages.follow(rows)
    return [ReviewShown.model_validate(entry) for entry in shown]


@router.get("/reviews/{review_id}", operation_id="getReview", summary="One review with its votes")
async def get_review(review_id: UUID, office: InOffice, caller: Caller = READ) -> ReviewShown:
    async with office.database.transaction() as connection:
        row = await ReviewStore(connection).row(review_id)
        shown = await reviews.show(connection, row, office.clock(), raw=caller.holds(RAW))
    return ReviewShown.model_validate(shown)
